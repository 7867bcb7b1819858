"""Make all pictures of a request such as a model can look at, before anybody asks one.

    link on the web ─▶ fetch ─╮
    path, file URL ──▶ read ──┼─▶ shrink (in a thread) ─▶ a picture that fits
    picture ──────────────────╯

Those of earlier turns and of results of tools are pictures like any other.  Clients send
them again with every turn, so what came of each is remembered: a picture is made smaller
once, and a link in an earlier turn shows what it showed then, though it may have expired
since.  A picture that cannot be had is an error that names it, never left out: the model
would answer as if there had been none.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import TypeAlias

from lingma_proxy.aside import aside
from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    ImageLink,
    Message,
    Part,
    Shown,
    Text,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.images.shrink import shrunk
from lingma_proxy.lately import Lately
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.together import together
from lingma_proxy.wire.links import called, is_web, path_of

Picture: TypeAlias = Image | ImageLink
Source: TypeAlias = Callable[[str], Awaitable[Image]]
"""A link or a path → what lies there, called what its host calls it.  Raises InvalidRequest
with a sentence that names it."""

MOST = 100
"""Pictures of a request, which is Anthropic's own limit."""
AT_ONCE = 4
"""That are fetched or made smaller."""
REMEMBERED = 64 * 2**20
"""Bytes of pictures that were made smaller, and of those that links led to."""
LIFETIME = 86400.0
"""Seconds: a conversation may go on for a day."""
KEY = 100
"""Bytes that an entry without a picture is worth."""


async def nothing_is_read(path: str) -> Image:
    raise InvalidRequest(
        f"{called(path)}: no files of this machine are read. Send the picture as base64."
    )


class PrepareImages(Policy):
    """`shrink` makes a picture fit, or raises ValueError with a clause; it runs in a thread.

    Without `fetch`, links on the web go on as they are.
    """

    def __init__(
        self,
        inner: Backend,
        *,
        shrink: Callable[[bytes], Image] = shrunk,
        fetch: Source | None = None,
        read: Source = nothing_is_read,
        most: int = MOST,
    ) -> None:
        super().__init__(inner)
        self._shrink = shrink
        self._fetch = fetch
        self._read = read
        self._most = most
        self._fitting = Lately[bytes, Image](LIFETIME, REMEMBERED, weight)
        """What came of a picture, by the hash of its bytes; without data: it goes as it is."""
        self._seen = Lately[str, Image](LIFETIME, REMEMBERED, weight)
        """What links showed."""

    def reply(self, request: ChatRequest) -> EventStream:
        return self._prepared(request) if has_pictures(request) else self.inner.reply(request)

    async def _prepared(self, request: ChatRequest) -> EventStream:
        places = [*pictures(request)]
        if len(places) > self._most:
            raise InvalidRequest(
                f"There are {len(places)} pictures in the conversation, and {self._most} may be"
                " sent at a time (`max_images`): leave some of the older ones out.",
                param="messages",
            )
        first: dict[Hashable, Place] = {}
        for place in places:
            first.setdefault(key(place.picture), place)
        new = {key(place.picture) for place in places if place.new}
        images = await together(
            [partial(self._had, place, anew=which in new) for which, place in first.items()],
            AT_ONCE,
        )
        found = dict(zip(first, images, strict=True))
        async with aclosing(
            self.inner.reply(with_pictures(request, lambda picture: found[key(picture)]))
        ) as events:
            async for batch in events:
                yield batch

    async def _had(self, place: "Place", *, anew: bool) -> Picture:
        """The picture as it is sent.  Raises InvalidRequest."""
        match place.picture:
            case Image() as image:
                return await self._fit(image, place)
            case ImageLink(url) as link:
                if is_web(url) and self._fetch is None:
                    return link
                if not anew and (known := self._seen.get(url)) is not None:
                    return known
                image = await self._fit(await self._got(url, place), place)
                self._seen.put(url, image)
                return image

    async def _got(self, url: str, place: "Place") -> Image:
        try:
            if is_web(url) and self._fetch is not None:
                return await self._fetch(url.strip())
            try:
                path = path_of(url)
            except ValueError as error:
                raise InvalidRequest(f"{called(url)}: {error}. Send it as base64.") from None
            if path is None:
                raise InvalidRequest(
                    f"{called(url)} is no http(s) link, no data URL and no absolute path."
                )
            return await self._read(path)
        except InvalidRequest as error:
            failure = error.saying(f"{place}: {error.message}")
            failure.param = "messages"
            raise failure from error

    async def _fit(self, image: Image, place: "Place") -> Image:
        digest = await aside(lambda: sha256(image.data).digest())
        if (known := self._fitting.get(digest)) is not None:
            return known if known.data else Image(known.media_type, image.data)
        try:
            found = await aside(lambda: self._shrink(image.data))
        except ValueError as error:
            about = f"{len(image.data)} bytes"
            if image.media_type:
                about += f", called {image.media_type[:50]!r}"
            if isinstance(place.picture, ImageLink):
                about = f"{called(place.picture.url)}, {about}"
            raise InvalidRequest(f"{place} ({about}) {error}.", param="messages") from error
        untouched = found.data is image.data
        self._fitting.put(digest, Image(found.media_type, b"") if untouched else found)
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """A picture, and where it stands."""

    picture: Picture
    message: int
    """From 1."""
    number: int
    """Of the picture in its message, from 1."""
    new: bool
    """Whether it came after the last answer."""

    def __str__(self) -> str:
        if self.number == 1:
            return f"The picture in message {self.message}"
        return f"Picture {self.number} of message {self.message}"


def key(picture: Picture) -> Hashable:
    """What is the same for the same picture: its link, or its bytes where they lie."""
    return picture.url if isinstance(picture, ImageLink) else id(picture.data)


def weight(image: Image) -> int:
    return KEY + len(image.data)


def has_pictures(request: ChatRequest) -> bool:
    return has(request.messages, Image, ImageLink)


def pictures(request: ChatRequest) -> Iterator[Place]:
    """All pictures of a request, in their order."""
    answers = [at for at, message in enumerate(request.messages) if message.role == "assistant"]
    last = answers[-1] if answers else -1
    for at, message in enumerate(request.messages):
        number = 0
        for part in message.parts:
            for piece in part.content if isinstance(part, ToolResult) else (part,):
                if isinstance(piece, Image | ImageLink):
                    number += 1
                    yield Place(piece, at + 1, number, new=at > last)


def with_pictures(
    request: ChatRequest, instead: Callable[[Picture], Text | Picture]
) -> ChatRequest:
    """The request with something else in the place of each picture."""

    def piece(shown: Shown) -> Shown:
        return instead(shown) if isinstance(shown, Image | ImageLink) else shown

    def part(each: Part) -> Part:
        match each:
            case Image() | ImageLink():
                return instead(each)
            case ToolResult(_, content):
                return replace(each, content=tuple(map(piece, content)))
            case _:
                return each

    def message(each: Message) -> Message:
        return replace(each, parts=tuple(map(part, each.parts)))

    return replace(request, messages=tuple(map(message, request.messages)))
