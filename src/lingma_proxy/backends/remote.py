"""The vendor's remote API: a signed request over HTTPS, its event stream back as events.

    reply ─▶ ask ─▶ upload        pictures, where they are to be links (`uploads`)
              │╰──▶ post          build, sign, send; read until the first event or the refusal
              ╰─ once more, when the login was refused and could be read again, or a link was old
          ◀─ events, one batch for each read, until the reply is over

All that can be refused is refused before the first event.  After it the only thing left is
to pass on what comes, until the end, the vendor's failure, or the listener's farewell: then
the connection is closed at once.
"""

import asyncio
import platform
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import aiohttp

from lingma_proxy.aside import LONG, aside
from lingma_proxy.backend import EventStream, Model
from lingma_proxy.backends.answer import BROKEN, Answer, Timeouts, first_of
from lingma_proxy.backends.base_url import BaseUrl
from lingma_proxy.backends.failures import meanings
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.uploads import Uploads
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.notes import AttemptNotes
from lingma_proxy.conversation.request import ChatRequest, Image, ImageLink
from lingma_proxy.conversation.size import is_long
from lingma_proxy.errors import (
    BackendError,
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    SettingsError,
    translated,
)
from lingma_proxy.vendor import encoding, ids, models, remote_request, signing
from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.places import CHINA
from lingma_proxy.vendor.refusals import WRONG_HOST, quoted, read_error, refusal
from lingma_proxy.vendor.remote_stream import RemoteStream

__all__ = ["Delivery", "Encode", "Remote", "Timeouts"]

Encode: TypeAlias = Literal["auto", "always", "never"]
Delivery: TypeAlias = Literal["upload", "data"]
"""Whether pictures are uploaded and named by links, or sent in the chat itself."""
T = TypeVar("T")

LARGEST_ERROR = 64 * 1024
"""Bytes of an error's body that are read."""
LARGEST_LIST = 8 * 2**20
"""Bytes of a list of models that are read."""
SLOW_TO_SIGN = 512 * 1024
"""Bytes of a body above which hashing it (2 ms a megabyte, twice) leaves the loop."""
MUCH_TO_SEND = 2**20
"""Bytes of a body above which it is sent piece by piece."""
FOR_PICTURES = 0.75
"""Of the time until the first event: what uploading pictures may take."""
KEEP_ALIVE = 45.0
"""Seconds that an idle connection is kept; the other side rarely keeps one for a minute."""

STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
"""How a kept connection shows that the other side had already closed it."""


class Remote:
    """Lingma over its remote API.

    `proxy` is an HTTP proxy on the way; `now` is Unix time in seconds; `new_id` gives 32 new
    hexadecimal digits.
    """

    def __init__(
        self,
        login: Login,
        base_url: BaseUrl,
        timeouts: Timeouts | None = None,
        *,
        encode: Encode = "auto",
        delivery: Delivery = "upload",
        cosy_version: str = signing.COSY_VERSION,
        proxy: str | None = None,
        now: Callable[[], float] = time.time,
        new_id: Callable[[], str] = ids.new_id,
    ) -> None:
        if proxy and not proxy.lower().startswith(("http://", "https://")):
            raise SettingsError(
                "remote_proxy_url: the URL of a proxy begins with http:// or https://."
            )
        self._login = login
        self._base_url = base_url
        self._timeouts = timeouts or Timeouts()
        self._encode = encode
        self._uploads = Uploads(new_id) if delivery == "upload" else None
        self._cosy_version = cosy_version
        self._proxy = proxy or None
        self._now = now
        self._new_id = new_id
        self._platform = signing.machine_os(sys.platform, platform.machine())
        self._session: aiohttp.ClientSession | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def reply(self, request: ChatRequest) -> EventStream:
        answer = await self._twice(lambda: self._ask_with_links(request))
        try:
            yield answer.first
            while not answer.stream.over:
                if batch := await answer.more():
                    yield batch
            if answer.stream.failure is not None:
                raise answer.stream.failure
        finally:
            self._part_from(answer)

    async def models(self) -> Sequence[Model]:
        async with patient(self._timeouts.first_byte or None, "first_byte_timeout"):
            return await self._twice(self._list)

    async def aclose(self) -> None:
        for task in self._farewells:
            task.cancel()
        await asyncio.gather(*self._farewells, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _twice(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """An attempt, and another one if the login was refused and could be read again.

        A hundred attempts that are refused together read it once.
        """
        credentials = await self._login.ready()  # if there is none, another look is no use
        looks = self._login.looks
        try:
            return await attempt()
        except NotLoggedIn:
            if self._login.looks == looks and not await self._login.reload():
                raise
            if self._login.current() != credentials:
                self._base_url.forget()  # another account may live elsewhere
        return await attempt()

    async def _ask_with_links(self, request: ChatRequest) -> Answer:
        """Ask; and once more with new links, where it may be old ones that were refused."""
        uploads = self._uploads if has(request.messages, Image, ImageLink) else None
        if uploads is None:
            return await self._ask(request)
        remembered = uploads.remembered
        try:
            return await self._ask(request, uploads)
        except BackendRefused as error:
            uploads.forget()
            if error.retry or not remembered:
                raise
        return await self._ask(request, uploads)

    async def _ask(self, request: ChatRequest, uploads: Uploads | None = None) -> Answer:
        """Send a request and wait for its first events.  Raises whatever refuses it."""
        credentials = await self._login.ready()
        base = await self._base_url()
        encoded = self._encode == "always" or (self._encode == "auto" and base == CHINA)
        url = base + remote_request.CHAT + (remote_request.ENCODED if encoded else "")
        id, business_id = self._new_id(), ids.dashed(self._new_id())
        attempt = request.attempt
        if uploads is not None:
            request = await self._uploaded(request, uploads, base, credentials)
            if request.alive is not None:
                request.alive()  # from here on it is the answer that is waited for

        def encode() -> tuple[bytes, bytes]:
            body = remote_request.encode(
                request,
                key=request.model,
                user_type=credentials.user_type,
                now=int(self._now() * 1000),
                request_id=id,
                business_id=business_id,
                cosy_version=self._cosy_version,
                uploaded=uploads is not None,
            )
            return body, encoding.encode(body) if encoded else body

        plain, body = await aside(encode) if is_long(request, LONG) else encode()
        stream = RemoteStream(
            id,
            request.model or "auto",
            lambda: f"call_{self._new_id()}",
            remote_request.unhonoured(request),
        )
        if attempt is not None:
            attempt.asks("remote", url, plain)
        with self._in_our_words(url):
            response = await self._send("POST", url, body, credentials)
            try:
                await self._expect(response, "text/event-stream", credentials, attempt)
                first = await first_of(response.content, stream, attempt)
            except BaseException:
                response.close()
                raise
        return Answer(response, stream, first, attempt)

    async def _list(self) -> Sequence[Model]:
        credentials = await self._login.ready()
        url = await self._base_url() + remote_request.MODELS
        with self._in_our_words(url):
            response = await self._send("GET", url, b"", credentials)
            try:
                await self._expect(response, "", credentials)
                return models.decode(await _beginning(response, LARGEST_LIST, credentials))
            finally:
                response.close()

    async def _uploaded(
        self, request: ChatRequest, uploads: Uploads, base: str, credentials: Credentials
    ) -> ChatRequest:
        """The request with its pictures as links.

        It takes less time than there is until the first event, so that it is known which of the
        two was late.  There is no other way for a picture whose upload fails: the vendor is known to overlook
        pictures that are sent in the chat, and a model then makes up what it has not seen.
        """

        async def post(path: str, body: bytes) -> bytes | None:
            response = await self._send("POST", base + path, body, credentials)
            try:
                if response.status == 404:
                    said = await _beginning(response, LARGEST_ERROR, credentials)
                    code, message = read_error(said)
                    if code == WRONG_HOST:
                        raise self._refused(response, code, message, said)
                    return None
                await self._expect(response, "", credentials)
                return await _read(response, LARGEST_ERROR)
            finally:
                response.close()

        whose = f"{base}\n{credentials.user_id}\n{credentials.cosy_key}"
        try:
            limit = (self._timeouts.first_byte or 0) * FOR_PICTURES or None
            async with patient(limit, "three quarters of first_byte_timeout"):
                with self._in_our_words(base):
                    return await uploads.linked(request, whose, post)
        except BackendError as error:
            # A link may well hold the user's id, so only what is passed on is looked through.
            words = credentials.unseen_in(error.message.encode()).decode()
            raise error.saying(f"A picture could not be uploaded: {words}") from error

    def _part_from(self, answer: Answer) -> None:
        """Keep the connection if the reply is over and it is nearly free; else close it."""
        if answer.response.content.at_eof():
            answer.response.release()
        elif answer.stream.failure is None and answer.stream.over:
            task = asyncio.create_task(answer.farewell(), name="wait for the end of a connection")
            self._farewells.add(task)
            task.add_done_callback(self._farewells.discard)
            # Not in the task itself: one that is cancelled early never begins.
            task.add_done_callback(lambda _: answer.response.close())
        else:
            answer.response.close()

    async def _send(
        self, method: str, url: str, body: bytes, credentials: Credentials
    ) -> aiohttp.ClientResponse:
        """The answer's head.  A connection that had grown stale is tried once more, anew."""
        try:
            return await self._send_once(method, url, body, credentials)
        except STALE as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                raise  # it was a new one
        return await self._send_once(method, url, body, credentials)

    async def _send_once(
        self, method: str, url: str, body: bytes, credentials: Credentials
    ) -> aiohttp.ClientResponse:
        def signed() -> dict[str, str]:
            return signing.headers(
                credentials,
                url=url,
                body=body,
                date=int(self._now()),
                request_id=ids.dashed(self._new_id()),
                accept="text/event-stream" if body else "application/json",
                platform=self._platform,
                cosy_version=self._cosy_version,
            )

        headers = await aside(signed) if len(body) > SLOW_TO_SIGN else signed()
        return await self._pool().request(
            method,
            url,
            # Above a megabyte aiohttp wants to write piece by piece.
            data=(BytesIO(body) if len(body) > MUCH_TO_SEND else body) or None,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy,
        )

    def _pool(self) -> aiohttp.ClientSession:
        """The connections, as many as are needed: how many requests there are is not our concern."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._timeouts.connect or None),
            )
        return self._session

    async def _expect(
        self,
        response: aiohttp.ClientResponse,
        media_type: str,
        credentials: Credentials,
        attempt: AttemptNotes | None = None,
    ) -> None:
        """Raises unless the answer is a good one; any media type is good if none is named."""
        found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if response.status == 200 and (not media_type or found in {media_type, ""}):
            if attempt is not None:
                attempt.accepted = time.time()
            return
        body = await _beginning(response, LARGEST_ERROR, credentials)
        if attempt is not None:
            attempt.hears(body)
        code, message = read_error(body)
        if response.status == 200:
            raise _not_a_stream(found, code, message, body)
        raise self._refused(response, code, message, body)

    def _refused(
        self, response: aiohttp.ClientResponse, code: str, message: str, body: bytes
    ) -> ProxyError:
        host, status = urlsplit(str(response.url)).hostname, response.status
        if status < 400:
            return ProtocolError(
                f"{host} answered {status} instead of 200; redirects are not followed, because "
                "the login would go along. Check the setting remote_base_url."
            )
        if status == 404 and code in {"", WRONG_HOST}:
            self._base_url.forget()
            return ProtocolError(
                f"There is no Lingma API on {host} (404{f' {code}' if code else ''}). Set "
                "remote_base_url to the address that the IDE uses, such as "
                "https://lingma.alibabacloud.com; `lingma-proxy doctor` shows where this one "
                "came from."
            )
        if status in {403, 407} and body.lstrip().startswith(b"<"):
            return BackendUnavailable(
                f"Something between here and Lingma (a proxy, a firewall) refused the request "
                f"with a web page ({status})."
            )
        wait = retry_after(response.headers, self._now())
        return refusal(status, code, message, retry_after=wait)

    @contextmanager
    def _in_our_words(self, url: str) -> Iterator[None]:
        """Foreign failures as ours."""
        try:
            yield
        except BROKEN:
            with translated(meanings(urlsplit(url).hostname or "", self._timeouts.connect)):
                raise


@asynccontextmanager
async def patient(limit: float | None, setting: str) -> AsyncIterator[None]:
    """For what no `TimeOut` sees, or could not tell apart.  Raises BackendTimeout."""
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        raise BackendTimeout(f"Lingma said nothing for {limit:g} seconds ({setting}).") from None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds to wait that `Retry-After` names, as a number or as a date."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


async def _beginning(
    response: aiohttp.ClientResponse, most: int, credentials: Credentials
) -> bytes:
    return credentials.unseen_in(await _read(response, most))


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) >= most:
            break
    return bytes(data[:most])


def _not_a_stream(media_type: str, code: str, message: str, body: bytes) -> ProxyError:
    if code:
        return refusal(0, code, message)
    begins = quoted(body[:200].decode("utf-8", "replace"), 100) or "nothing"
    return ProtocolError(
        f"Lingma answered with {quoted(media_type, 40)} instead of an event stream: {begins}"
    )
