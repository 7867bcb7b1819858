"""One side of a JSON-RPC 2.0 conversation, over whatever moves its messages.

    request        {"jsonrpc": "2.0", "id", "method", "params"}      wants one response
    notification   the same without an id
    response       {"jsonrpc": "2.0", "id", "result"}, or "error": {"code", "message", "data"?}

Each request that is heard is served by a task of its own, so that it can wait for answers
of the other side.  What breaks the rules is complained of; nothing is mended.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Final, Literal, Protocol, TypeAlias

from lingma_proxy.jsonio import Json, JsonObject, is_object, loads
from lingma_proxy.simulator.fault_table import Faults

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
NOT_INITIALIZED: Final = -32002
"""As the Language Server Protocol has it."""

KINDS: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "bool",
    type(None): "null",
}

Id: TypeAlias = int | str


class RpcError(Exception):
    """A request is answered with an error."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def object(self) -> JsonObject:
        said: JsonObject = {"code": self.code, "message": self.message}
        return said if self.data is None else said | {"data": self.data}


class Dropped(ConnectionError):
    """The connection was closed by us, because a fault said so."""


class Sends(Protocol):
    """What moves messages to the other side.  Raises ConnectionError when it is gone."""

    async def send(self, *messages: JsonObject, faults: Faults) -> None: ...


class Call:
    """A request that was heard, until it is answered."""

    def __init__(self, id: Id, method: str, params: JsonObject, sends: Sends) -> None:
        self.id = id
        self.method = method
        self.params = params
        self.answered = False
        self._sends = sends

    def response(self, result: Json) -> JsonObject:
        """The message that answers it, for who sends it himself."""
        self.answered = True
        return {"jsonrpc": "2.0", "id": self.id, "result": result}

    def failure(self, error: RpcError) -> JsonObject:
        self.answered = True
        return {"jsonrpc": "2.0", "id": self.id, "error": error.object}

    async def respond(self, result: Json, faults: Faults) -> None:
        await self._sends.send(self.response(result), faults=faults)


class Asked:
    """A request of ours, and what the other side made of it."""

    def __init__(self, id: Id, method: str, params: JsonObject) -> None:
        self.id = id
        self.method = method
        self.params = params
        self.result: Json = None
        self.error: JsonObject | None = None
        self.answered = asyncio.Event()

    @property
    def message(self) -> JsonObject:
        return {"jsonrpc": "2.0", "id": self.id, "method": self.method, "params": self.params}


def notification(method: str, params: JsonObject) -> JsonObject:
    return {"jsonrpc": "2.0", "method": method, "params": params}


class Peer:
    """Hears one connection.

    serve       answers a request: its result, or RpcError; it may answer by itself before
    notice      hears a notification
    complain    hears what broke the rules
    ids         which ids the other side's requests may have
    answered    hears of each answer to a request of ours
    faults      what happens to messages that nobody else sends
    """

    def __init__(
        self,
        sends: Sends,
        serve: Callable[[Call], Awaitable[Json]],
        notice: Callable[[str, JsonObject], None],
        complain: Callable[[str], None],
        *,
        answered: Callable[[Asked], None],
        faults: Callable[[], Faults],
        ids: Literal["integers", "any"] = "any",
    ) -> None:
        self._sends = sends
        self._serve = serve
        self._notice = notice
        self._complain = complain
        self._on_answer = answered
        self._faults = faults
        self._ids = ids
        self._waiting: dict[Id, Asked] = {}
        self._numbers = count(101)

    def ask(self, method: str, params: JsonObject, *, string_id: bool = False) -> Asked:
        """A request to the other side; whoever sends its message waits for `answered`."""
        number = next(self._numbers)
        asked = Asked(f"server-{number}" if string_id else number, method, params)
        self._waiting[asked.id] = asked
        return asked

    async def run(self, bodies: AsyncIterator[bytes]) -> None:
        """Hear it to its end.  What is still being served then is cancelled."""
        tasks: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            try:
                async for body in bodies:
                    call = await self._heard(body)
                    if call is not None:
                        task = group.create_task(self._answer(call))
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
                        # It begins before the next message, which may take it back.
                        await asyncio.sleep(0)
            finally:
                for task in tasks:
                    task.cancel()

    async def _heard(self, body: bytes) -> Call | None:
        try:
            message = loads(body)
        except ValueError as error:
            self._complain(f"a frame is no JSON: {error}")
            await self._refuse(None, RpcError(PARSE_ERROR, "invalid JSON"))
            return None
        if not is_object(message) or message.get("jsonrpc") != "2.0":
            self._complain("a message is no object of JSON-RPC 2.0")
            await self._refuse(None, RpcError(INVALID_REQUEST, "invalid request"))
            return None
        match message:
            case {"method": str(method)}:
                return await self._asked(method, message)
            case {"id": int() | str() as id} if not isinstance(id, bool):
                self._answered(id, message)
            case _:
                self._complain("a message is neither request nor notification nor response")
        return None

    async def _asked(self, method: str, message: JsonObject) -> Call | None:
        params = message.get("params")
        if "id" not in message:
            if is_object(params):
                self._notice(method, params)
            else:
                self._complain(f"the params of {method} are no object")
            return None
        id = message["id"]
        if isinstance(id, bool) or not isinstance(id, int if self._ids == "integers" else Id):
            self._complain(f"the id of {method} is none: {id!r}")
            await self._refuse(None, RpcError(INVALID_REQUEST, "invalid id"))
            return None
        if not is_object(params):
            self._complain(f"the params of {method} are no object")
            await self._refuse(id, RpcError(INVALID_PARAMS, unmarshalled(params)))
            return None
        return Call(id, method, params, self._sends)

    def _answered(self, id: Id, message: JsonObject) -> None:
        asked = self._waiting.pop(id, None)
        if asked is None:
            self._complain(f"a response to nobody: {id!r}")
            return
        match message:
            case {"result": _, "error": _}:
                self._complain(f"a response with a result and an error: {asked.method}")
            case {"result": result}:
                asked.result = result
            case {"error": {"code": int(), "message": str()} as error}:
                asked.error = error
            case _:
                self._complain(f"a response without a result: {asked.method}")
        asked.answered.set()
        self._on_answer(asked)

    async def _answer(self, call: Call) -> None:
        try:
            result = await self._serve(call)
            if not call.answered:
                await call.respond(result, self._faults())
        except RpcError as error:
            if not call.answered:
                await self._refuse(call.id, error)
        except ConnectionError:
            pass  # nobody is there to hear it

    async def _refuse(self, id: Id | None, error: RpcError) -> None:
        message = {"jsonrpc": "2.0", "id": id, "error": error.object}
        with suppress(ConnectionError):
            await self._sends.send(message, faults=self._faults())


def unmarshalled(value: Json) -> str:
    """What the vendor's runtime, a Go program, says of params that are no object."""
    kind = KINDS[type(value)]
    return f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
