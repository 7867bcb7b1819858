"""A WebSocket of the Responses API, from the side of a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientWebSocketResponse
from openai.types.responses.responses_server_event import ResponsesServerEvent
from pydantic import TypeAdapter

from lingma_proxy.jsonio import Json, JsonObject, dumps
from support.served import Served

EVENTS: TypeAdapter[ResponsesServerEvent] = TypeAdapter(ResponsesServerEvent)
LAST = {"response.completed", "response.incomplete", "response.failed", "error"}
PATH = "/v1/responses"


@dataclass
class Talk:
    socket: ClientWebSocketResponse

    async def create(self, input: Json = "Hi", **more: object) -> None:
        await self.say({"type": "response.create", "model": "kmodel", "input": input, **more})

    async def say(self, frame: JsonObject) -> None:
        await self.socket.send_str(dumps(frame))

    async def hear(self) -> JsonObject:
        """The next event, which the official SDK understands, too."""
        event: JsonObject = await self.socket.receive_json(timeout=20)
        EVENTS.validate_python(event)
        return event

    async def answer(self) -> list[JsonObject]:
        """All events up to the end of a response, or the error in its place."""
        events = [await self.hear()]
        while events[-1]["type"] not in LAST:
            events.append(await self.hear())
        return events

    async def asked(self, input: Json = "Hi", **more: object) -> JsonObject:
        """The response to a request, when it has ended."""
        await self.create(input, **more)
        *_, last = await self.answer()
        response: JsonObject = last["response"]
        return response


@asynccontextmanager
async def talking(served: Served, path: str = PATH, **how: Any) -> AsyncIterator[Talk]:
    """`how` goes to aiohttp's `ws_connect`."""
    async with served.session.ws_connect(served.url + path, **how) as socket:
        yield Talk(socket)
