"""The plugin over a WebSocket.

A message is a piece of the stream, no more: it may hold several frames, or half of one.  Text
and binary ones are taken alike; what we say goes as text (ipc.md, C.2).
"""

import asyncio

import aiohttp
from yarl import URL

from lingma_proxy.errors import BackendUnavailable, ProtocolError
from lingma_proxy.transports.base import ByteStream, Once
from lingma_proxy.wire import lsp

HANDSHAKE = 5.0
"""Seconds until the other side has agreed to speak."""
FAREWELL = 1.0
"""Seconds that the other side has to agree to part."""
MAX_MESSAGE = lsp.MAX_FRAME + lsp.MAX_HEADER
"""Bytes: as much as one frame may have."""
DATA = {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}


async def connect(url: str, *, timeout: float = HANDSHAKE) -> ByteStream:  # noqa: ASYNC109
    """Raises BackendUnavailable with a sentence that names host and port, and no more of the URL."""
    where, name = _read(url)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        middlewares=(_go_nowhere_else,),
    )
    try:
        async with asyncio.timeout(timeout):
            socket = await session.ws_connect(
                where,
                timeout=aiohttp.ClientWSTimeout(ws_close=FAREWELL),
                max_msg_size=MAX_MESSAGE,
                decode_text=False,  # a message may end inside a character
            )
    except BaseException as error:
        await session.close()
        if (sentence := _sentence(error, name, timeout)) is None:
            raise
        raise BackendUnavailable(sentence) from error
    return _Stream(session, socket)


class _Stream:
    def __init__(
        self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse[bool]
    ) -> None:
        self._session = session
        self._socket = socket
        self._finish = Once(self._finished)

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.ERROR:
                if self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                    raise ProtocolError(f"A WebSocket message passes {MAX_MESSAGE} bytes.")
                raise ProtocolError("The other side broke the rules of WebSocket.")
            if message.type not in DATA:
                return b""  # closed, by whomever
            if data := bytes(message.data):
                return data

    async def write(self, data: bytes) -> None:
        # Whole as soon as it begins: only then does it wait for room.
        await self._socket.send_frame(data, aiohttp.WSMsgType.TEXT)
        if self._socket.closed:
            raise ConnectionResetError("the connection is closed")

    async def close(self) -> None:
        await self._finish()

    async def _finished(self) -> None:
        try:
            # Twice: until the other side reads that we part, and until it says so, too.
            async with asyncio.timeout(2 * FAREWELL):
                await self._socket.close()
        except TimeoutError:
            pass
        finally:
            await self._session.close()


def _read(url: str) -> tuple[URL, str]:
    """The URL, and what it may be called.  Raises BackendUnavailable."""
    try:
        where = URL(url.strip())
        if where.scheme not in {"ws", "wss"} or not where.host or where.port is None:
            raise ValueError
    except (ValueError, TypeError):
        raise BackendUnavailable(
            "The plugin's WebSocket URL is not valid: it looks like ws://127.0.0.1:36510."
        ) from None
    return where, str(where.origin())


def _sentence(error: BaseException, name: str, timeout: float) -> str | None:
    match error:
        case TimeoutError():
            return f"{name} did not answer as a WebSocket within {timeout:g} seconds."
        case aiohttp.WSServerHandshakeError(status=status) if status != 101:
            return f"{name} is no WebSocket of the plugin: it answered with HTTP {status}."
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return f"{name} has no certificate that this machine trusts."
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return f"{name} refused the connection: nobody listens there."
        case aiohttp.ClientConnectorError():
            return f"{name} cannot be reached."
        case aiohttp.ClientError() | OSError() | ValueError():
            return f"{name} does not speak WebSocket."
        case _:
            return None


async def _go_nowhere_else(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The library would follow a redirect, to wherever it leads."""
    response = await handler(request)
    if response.status != 101:
        response.close()
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status
        )
    return response
