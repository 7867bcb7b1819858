"""Pictures that are given to the vendor before the chat that shows them: each becomes a link.

    request ─▶ its distinct pictures ─▶ known? ─▶ else upload, a few at a time ─▶ request with links

A conversation sends its pictures every turn, so links are remembered: for a while, since nobody
has said how long they live, and for one login at one address.  Two requests that show the same
new picture at once upload it once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import TypeAlias
from weakref import WeakValueDictionary

from lingma_proxy.aside import LONG, aside
from lingma_proxy.conversation.request import ChatRequest, Image, ImageLink
from lingma_proxy.conversation.size import is_long
from lingma_proxy.errors import ProtocolError
from lingma_proxy.lately import Lately
from lingma_proxy.vendor.image_upload import PATHS, decode, encode, fingerprint, linked, query
from lingma_proxy.vendor.remote_request import pictures_of

AT_ONCE = 4
"""Uploads of one request at a time."""
LIFETIME = 1200.0
"""Seconds."""
REMEMBERED = 1000

Post: TypeAlias = Callable[[str, bytes], Awaitable[bytes | None]]
"""(path and query, body) → what is answered, None if there is no such path (404).  Raises a
ProxyError for any other refusal."""


class Uploads:
    """`new_id` gives 32 new hexadecimal digits."""

    def __init__(
        self, new_id: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._new_id = new_id
        self._links = Lately[bytes, str](LIFETIME, REMEMBERED, clock=clock)
        self._under_way: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._paths: tuple[str, ...] = PATHS
        """The one that was there first."""

    async def linked(self, request: ChatRequest, whose: str, post: Post) -> ChatRequest:
        """The request with a link for each picture.  `whose` names the login and the address.

        Raises whatever refuses one of them; the others are then given up.
        """
        pictures = list(pictures_of(request.messages))

        def fingerprints() -> list[bytes]:
            key = blake2b(whose.encode(), digest_size=16).digest()
            return [key + fingerprint(picture) for picture in pictures]

        keys = await aside(fingerprints) if is_long(request, LONG) else fingerprints()
        links: dict[bytes, str] = {}
        places = asyncio.Semaphore(AT_ONCE)

        async def upload(key: bytes, picture: Image | ImageLink) -> None:
            async with places:
                links[key] = await self._link(key, picture, post)

        try:
            async with asyncio.TaskGroup() as group:
                for key, picture in dict(zip(keys, pictures, strict=True)).items():
                    if (link := self._links.get(key)) is not None:
                        links[key] = link
                    else:
                        group.create_task(upload(key, picture), name="upload a picture")
        except BaseExceptionGroup as failed:
            raise first_of(failed) from None
        return linked(request, [links[key] for key in keys])

    @property
    def remembered(self) -> int:
        """How many links may be used again, and so may be old."""
        return len(self._links)

    def forget(self) -> None:
        """The links may be worth nothing any more."""
        self._links.clear()

    async def _link(self, key: bytes, picture: Image | ImageLink, post: Post) -> str:
        lock = self._under_way.setdefault(key, asyncio.Lock())
        async with lock:
            if (link := self._links.get(key)) is not None:
                return link
            id = self._new_id()
            large = isinstance(picture, Image) and len(picture.data) > LONG
            body = await aside(lambda: encode(picture, id)) if large else encode(picture, id)
            link = decode(await self._posted(query(id), body, post))
            self._links.put(key, link)
            return link

    async def _posted(self, query: str, body: bytes, post: Post) -> bytes:
        for path in self._paths:
            if (answer := await post(path + query, body)) is not None:
                self._paths = (path, *(other for other in PATHS if other != path))
                return answer
        raise ProtocolError(
            "this address of Lingma's has no upload for pictures (404). Check remote_base_url, or"
            " set image_delivery to data or ipc."
        )


def first_of(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended the others."""
    error = failed.exceptions[0]
    return first_of(error) if isinstance(error, BaseExceptionGroup) else error
