"""Lingma's API for what is text, and the plugin for what shows a picture.

The API is not known for sure to look at pictures; the plugin is.  A conversation that has shown
one goes on there, for its pictures come along every turn.
"""

from collections.abc import Sequence
from contextlib import aclosing

from lingma_proxy.backend import Backend, EventStream, Model
from lingma_proxy.backends.choice import ABSENT
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import ChatRequest, Image, ImageLink

WHY = (
    "Requests with pictures go to the plugin, because image_delivery is ipc; set it to upload to"
    " send them to Lingma's API."
)


def shows_pictures(request: ChatRequest) -> bool:
    return has(request.messages, Image, ImageLink)


class PicturesElsewhere:
    def __init__(self, usual: Backend, elsewhere: Backend) -> None:
        self._usual = usual
        self._elsewhere = elsewhere

    def reply(self, request: ChatRequest) -> EventStream:
        return self._shown(request) if shows_pictures(request) else self._usual.reply(request)

    async def models(self) -> Sequence[Model]:
        return await self._usual.models()

    async def aclose(self) -> None:
        await self._usual.aclose()
        await self._elsewhere.aclose()

    async def _shown(self, request: ChatRequest) -> EventStream:
        begun = False
        try:
            async with aclosing(self._elsewhere.reply(request)) as batches:
                async for batch in batches:
                    begun = True
                    yield batch
        except ABSENT as error:
            if begun:
                raise
            raise error.saying(f"{error.message} {WHY}") from error
