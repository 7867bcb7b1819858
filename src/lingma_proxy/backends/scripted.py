"""A backend on a list: it says what it was given to say, one script per request.

A script is a whole `Reply`, one `ProxyError` to refuse with, or a sequence of steps:

    a batch of events   goes out as it is
    a ProxyError        is raised there, before the first event or after the tenth
    an asyncio.Event    is waited for: a gate that a test opens

The scripts may be any iterable; `itertools.repeat(reply)` says the same for ever.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from lingma_proxy.backend import EventStream, Model
from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import ProxyError

Step: TypeAlias = Sequence[Event] | ProxyError | asyncio.Event
Script: TypeAlias = Reply | ProxyError | Sequence[Step]


class Scripted:
    def __init__(self, replies: Iterable[Script], models: Sequence[Model] = ()) -> None:
        self._scripts = iter(replies)
        self._models = models
        self.requests: list[ChatRequest] = []
        """What was asked, in order."""
        self.speaking = 0
        """Streams that have begun and are neither over nor closed."""
        self.said = 0
        """Batches that were taken from it, over all replies."""
        self.closed = False

    async def reply(self, request: ChatRequest) -> EventStream:
        self.requests.append(request)
        script = next(self._scripts, None)
        if script is None:
            raise LookupError(f"the script has no reply to request {len(self.requests)}")
        self.speaking += 1
        try:
            for step in steps(script):
                match step:
                    case ProxyError():
                        raise step
                    case asyncio.Event():
                        await step.wait()
                    case _:
                        self.said += 1
                        yield step
        finally:
            self.speaking -= 1

    async def models(self) -> Sequence[Model]:
        return self._models

    async def aclose(self) -> None:
        self.closed = True


def steps(script: Script) -> Sequence[Step]:
    match script:
        case Reply():
            return [replay(script)]
        case ProxyError():
            return [script]
        case _:
            return script
