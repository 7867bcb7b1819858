"""The least that the plugin takes for a client: frames, asks, acknowledges, listens.  For
the simulator's own tests; written from the notes, so it shares nothing with what it tests."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

PATIENCE = 10
"""Seconds after which a message that does not come counts as never coming."""


class Gone(Exception):
    """The other side has closed the connection."""


class PluginClient:
    """Speaks over a stream or a WebSocket; answers of its own to requests are in `answers`."""

    def __init__(self, write, read, *, newlines: bool = False) -> None:
        self.answers: dict[str, Any] = {}
        """Results (or {"error": …}) for requests of the server's, by method; else null."""
        self.silent: set[str] = set()
        """Methods of the server's that are not answered."""
        self.chunks: list[bytes] = []
        """What came, as it came."""
        self.heard: list[dict[str, Any]] = []
        """Every message that came, in order."""
        self._write, self._read = write, read
        self._newlines = newlines
        self._buffer = b""
        self._id = 0

    # Plain messages.

    async def send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, ensure_ascii=False).encode()
        head = b"" if self._newlines else b"Content-Length: %d\r\n\r\n" % len(body)
        await self._write(head + body + (b"\n" if self._newlines else b""))

    async def receive(self):
        """The next message.  Raises Gone."""
        async with asyncio.timeout(PATIENCE):
            while (body := self._taken()) is None:
                chunk = await self._read()
                if not chunk:
                    raise Gone
                self.chunks.append(chunk)
                self._buffer += chunk
        message = json.loads(body)
        self.heard.append(message)
        return message

    def _taken(self) -> bytes | None:
        if self._newlines:
            line, newline, rest = self._buffer.partition(b"\n")
            if not newline:
                return None
            self._buffer = rest
            return line
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return None
        length = int(head.removeprefix(b"Content-Length: "))
        if length > 2**26:
            raise ValueError(f"a message of {length} bytes")
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return rest[:length]

    # What a client does.

    async def next(self) -> dict[str, Any]:
        """The next message; a request of the server's is answered first."""
        message: dict[str, Any] = await self.receive()
        if "method" in message and "id" in message and message["method"] not in self.silent:
            answer: Any = self.answers.get(message["method"])
            answered = answer if "error" in (answer or {}) else {"result": answer}
            await self.send({"jsonrpc": "2.0", "id": message["id"], **answered})
        return message

    async def ask(self, method: str, params: Any = None) -> int:
        """Send a request; its id."""
        self._id += 1
        params = {} if params is None else params
        await self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        return self._id

    async def tell(self, method: str, params: dict[str, Any]) -> None:
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def call(self, method: str, params: Any = None) -> dict[str, Any]:
        """Send a request and wait for its response, whole."""
        id = await self.ask(method, params)
        while True:
            message = await self.next()
            if message.get("id") == id and "method" not in message:
                return message

    async def until(self, *methods: str) -> dict[str, Any]:
        """The next message that is one of those: a method, or a kind of update."""
        while True:
            message = await self.next()
            update = message.get("params", {}).get("update", {})
            names = {message.get("method"), update.get("sessionUpdate"), update.get("type")}
            if names & set(methods):
                return message

    # The session protocol.

    async def hello(self) -> dict[str, Any]:
        params = {"protocolVersion": 1, "clientCapabilities": {}, "timestamp": 1777045062000}
        return await self.call("initialize", params)

    async def new(self, cwd: str = "/work"):
        """A new session's id."""
        params = {"cwd": cwd, "mcpServers": [], "_meta": {}, "timestamp": 1777045062001}
        response = await self.call("session/new", params)
        assert "result" in response, response
        await self.until("available_commands_update")
        return response["result"]["sessionId"]

    async def prompt(
        self, session: str, *parts: str | dict[str, Any], id: str = "serve-1-a"
    ) -> int:
        """Send a prompt; its id.  A bare text is a part."""
        prompt = [
            {"type": "text", "text": part} if isinstance(part, str) else part for part in parts
        ]
        meta = {
            "ai-coding/request-id": id,
            "ai-coding/shell-type": "bash",
            "ai-coding/enabled-mcp-servers": [],
            "ai-coding/mode": "agent",
        }
        return await self.ask(
            "session/prompt", {"sessionId": session, "prompt": prompt, "_meta": meta}
        )

    async def turn(self, session: str, *parts: str | dict[str, Any]) -> "Heard":
        """A prompt, and all that comes until its response and its chat_finish, or an error."""
        id = await self.prompt(session, *parts)
        heard = Heard()
        while not heard.over:
            heard.hear(await self.next(), id)
        return heard


class Heard:
    """What a turn amounts to, read as plainly as possible."""

    def __init__(self) -> None:
        self.text = self.thought = ""
        self.finish: dict[str, Any] | None = None
        self.response: dict[str, Any] | None = None
        self.used: dict[str, Any] | None = None

    @property
    def over(self) -> bool:
        return self.response is not None and (self.finish is not None or "error" in self.response)

    def hear(self, message: dict[str, Any], id: int) -> None:
        if message.get("id") == id and "method" not in message:
            self.response = message
        if message.get("method") != "session/update":
            return
        update = message["params"]["update"]
        content = update.get("content")
        text = content.get("text", "") if isinstance(content, dict) else ""
        match update.get("sessionUpdate"), update.get("type"):
            case "agent_message_chunk", _:
                self.text += text
            case "agent_thought_chunk", _:
                self.thought += text
            case "notification", "chat_finish":
                self.finish = update["data"]
            case "notification", "context_usage":
                self.used = update["data"]
            case "usage_update", _:
                self.used = update


@asynccontextmanager
async def over_websocket(url: str):
    """A client on a WebSocket.  Writes are text messages."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, timeout=_closing()) as ws,
    ):

        async def write(data: bytes) -> None:
            await ws.send_str(data.decode())

        async def read():
            message = await ws.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return message.data.encode()
                case aiohttp.WSMsgType.BINARY:
                    return message.data
                case _:
                    return b""

        yield PluginClient(write, read)


def _closing() -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_close=1)


@asynccontextmanager
async def over_socket(path):
    """A client on a Unix socket."""
    reader, writer = await asyncio.open_unix_connection(path)
    async with over_streams(reader, writer) as client:
        yield client


@asynccontextmanager
async def over_streams(reader, writer, *, newlines: bool = False):
    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    async def read():
        try:
            return await reader.read(65536)
        except ConnectionError:
            return b""

    try:
        yield PluginClient(write, read, newlines=newlines)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
