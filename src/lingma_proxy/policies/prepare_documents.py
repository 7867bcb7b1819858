"""Read documents before a vendor does: models take text, so a PDF becomes the text in it.

    Document       ▸ text between tags that name it, page by page; a picture, if it is one
    DocumentLink   ▸ fetched, then the same

What cannot be read is refused in words that name it (`documents/`).  Reading takes a thread,
one of a few that no other work waits for, and has an end.  What a document said is remembered
for a while, and so is why it could not be read: a conversation sends its documents every turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol, TypeAlias

from lingma_proxy.aside import LONG, aside
from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    Message,
    Part,
    Shown,
    Text,
    ToolResult,
)
from lingma_proxy.documents.text import framed, text_of
from lingma_proxy.documents.unreadable import Unreadable
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.images.sniff import media_type
from lingma_proxy.lately import Lately
from lingma_proxy.policies.base import Policy

MOST_PAGES = 300
PATIENCE = 20.0
"""Seconds for one document.  A thousand pages of text take ten."""
THREADS = 2
REMEMBERED = 8_000_000
"""Characters of text, of all documents together."""
LIFETIME = 3600.0
LIFETIME_OF_LINKS = 600.0
"""Seconds: what lies behind a link may change."""
MOST_LINKED = 32 * 2**20
LONGEST_NAME = 80


class Content(Protocol):
    """What a link led to."""

    @property
    def data(self) -> bytes: ...
    @property
    def media_type(self) -> str: ...


Fetch: TypeAlias = Callable[[str], Awaitable[Content]]
"""Raises InvalidRequest, in words that name the link."""


@dataclass(frozen=True, slots=True)
class Known:
    """What came of reading a file: its text, or the texts of its pages, or why there is none."""

    text: str | tuple[str, ...] = ""
    trouble: str = ""

    @property
    def weight(self) -> int:
        return 1000 + (len(self.text) if isinstance(self.text, str) else sum(map(len, self.text)))


class PrepareDocuments(Policy):
    """`patience` is in seconds; without `fetch`, links are refused."""

    def __init__(
        self,
        inner: Backend,
        fetch: Fetch | None = None,
        *,
        most_pages: int = MOST_PAGES,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._fetch = fetch
        self._most_pages = most_pages
        self._patience = patience
        self._clock = clock
        self._known = Lately[bytes, Known](LIFETIME, REMEMBERED, lambda known: known.weight, clock)
        self._linked = Lately[str, Content](
            LIFETIME_OF_LINKS, MOST_LINKED, lambda content: 1000 + len(content.data), clock
        )
        self._threads: ThreadPoolExecutor | None = None

    def reply(self, request: ChatRequest) -> EventStream:
        if not has(request.messages, Document, DocumentLink):
            return self.inner.reply(request)
        return self._reply(request)

    async def aclose(self) -> None:
        await super().aclose()
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)

    async def _reply(self, request: ChatRequest) -> EventStream:
        messages = [
            await self._prepared(message, number) if holds_documents(message) else message
            for number, message in enumerate(request.messages, 1)
        ]
        readable = replace(request, messages=tuple(messages))
        async with aclosing(self.inner.reply(readable)) as batches:
            async for batch in batches:
                yield batch

    async def _prepared(self, message: Message, number: int) -> Message:
        """`number` is the message's place, from 1.  Raises InvalidRequest."""
        parts = [await self._part(part, number) for part in message.parts]
        return replace(message, parts=tuple(parts))

    async def _part(self, part: Part, number: int) -> Part:
        match part:
            case ToolResult(_, content):
                shown = [await self._shown(piece, number) for piece in content]
                return replace(part, content=tuple(shown))
            case Document() | DocumentLink():
                return await self._shown(part, number)
            case _:
                return part

    async def _shown(self, part: Shown, number: int) -> Shown:
        if isinstance(part, DocumentLink):
            part = await self._fetched(part, number)
        if not isinstance(part, Document):
            return part
        if (kind := media_type(part.data)) is not None:
            return Image(kind, part.data)
        known = await self._read(part)
        if known.trouble:
            name = f" {named(part.title)}" if part.title else ""
            raise InvalidRequest(
                f"The document{name} in message {number} {known.trouble}", param="messages"
            )
        return Text(framed(known.text, part.title, part.context))

    async def _fetched(self, link: DocumentLink, number: int) -> Document:
        content = self._linked.get(link.url)
        if content is None:
            if self._fetch is None:
                raise InvalidRequest(
                    f"The document in message {number} is a link, and links are not fetched here."
                    " Send the document itself (as base64).",
                    param="messages",
                )
            try:
                content = await self._fetch(link.url)
            except InvalidRequest as error:
                raise InvalidRequest(
                    f"The document in message {number} cannot be fetched: {error.message}",
                    param="messages",
                ) from None
            self._linked.put(link.url, content)
        return Document(content.media_type, content.data, link.title, link.context)

    async def _read(self, document: Document) -> Known:
        data, kind = document.data, document.media_type

        def key() -> bytes:
            digest = blake2b(data, digest_size=16)
            digest.update(b"\0" + kind.encode("utf-8", "surrogatepass"))
            return digest.digest()

        digest = key() if len(data) < LONG else await aside(key)
        if (known := self._known.get(digest)) is not None:
            return known
        watch = Watch(self._patience, self._clock)

        def read() -> Known:
            watch.begin()
            try:
                text = text_of(data, kind, most_pages=self._most_pages, check=watch.check)
            except Unreadable as error:
                return Known(trouble=error.clause)
            return Known(text if isinstance(text, str) else tuple(text))

        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "read documents")
        try:
            known = await asyncio.get_running_loop().run_in_executor(self._threads, read)
        finally:
            watch.stop()  # nobody waits for it any more
        self._known.put(digest, known)
        return known


class Watch:
    """Ends the reading of a document: when its time is up, or nobody waits for it any more."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ends = 0.0
        self._stopped = False

    def begin(self) -> None:
        self._ends = self._clock() + self._seconds

    def stop(self) -> None:
        self._stopped = True

    def check(self) -> None:
        if self._stopped or self._clock() >= self._ends:
            raise Unreadable(
                f"takes longer than {self._seconds:g} seconds to read. Send fewer pages, or text."
            )


def holds_documents(message: Message) -> bool:
    return any(
        isinstance(piece, Document | DocumentLink)
        for part in message.parts
        for piece in (part.content if isinstance(part, ToolResult) else (part,))
    )


def named(title: str) -> str:
    """A title, fit for a message."""
    short = title if len(title) <= LONGEST_NAME else title[:LONGEST_NAME] + "…"
    return repr("".join(letter if letter.isprintable() else "?" for letter in short))
