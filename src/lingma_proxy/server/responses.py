"""OpenAI's Responses API: where responses are made, looked up, gone on from and forgotten.

    POST    /v1/responses                       one is made
    GET     /v1/responses                       a WebSocket on which many are made
    GET     /v1/responses/{id}                  it is looked up
    DELETE  /v1/responses/{id}                  it is forgotten
    GET     /v1/responses/{id}/input_items      what was said up to it
    POST    /v1/responses/{id}/cancel           one in the background is stopped
    POST    /v1/responses/input_tokens          how many tokens a request would have
    POST    /v1/responses/compact               is refused in words

All of it also below `/api`.  Reference: https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web

from lingma_proxy.dialects import openai_responses
from lingma_proxy.dialects.openai_responses_history import said_then
from lingma_proxy.dialects.openai_shared import refused
from lingma_proxy.errors import InvalidRequest, NotFound
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.recording import responses
from lingma_proxy.server.background import Background, starting_after
from lingma_proxy.server.body import read_body
from lingma_proxy.server.chat import Chat
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.replies import json_response, warning_header
from lingma_proxy.server.responses_socket import Sockets
from lingma_proxy.server.turns import Turns, read

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]

PAGE, LONGEST_PAGE = 20, 100
"""Items of a list, as OpenAI has it."""


class Responses:
    """The routes of the Responses API."""

    def __init__(self, gateway: Gateway, chat: Chat) -> None:
        self._chat = chat
        self._gateway = gateway
        self._turns = Turns(lambda: self._kept, lambda: gateway.serving.max_body)
        self._sockets = Sockets(gateway, chat, self._turns)
        self._background = Background(gateway, chat, self._turns)

    @property
    def _kept(self) -> responses.Responses:
        return self._gateway.recording.responses

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """The paths without an id."""
        return [
            route
            for path in openai_responses.DIALECT.paths
            for route in (
                (path, "POST", self._create),
                (path, "GET", self._sockets.serve),
                (f"{path}/input_tokens", "POST", self._count),
                (f"{path}/compact", "POST", self._compact),
            )
        ]

    def below(self, path: str) -> dict[str, Handler] | None:
        """The methods of a path with an id in it; None: it is no such path."""
        for root in openai_responses.DIALECT.paths:
            if path.startswith(f"{root}/"):
                id, *rest = path.removeprefix(f"{root}/").rstrip("/").split("/")
                return self._one(unquote(id), rest) if id else None
        return None

    async def aclose(self) -> None:
        """Close the WebSockets; what is said there has been drained with all else."""
        await self._sockets.aclose()
        await self._background.aclose()

    def _one(self, id: str, rest: Sequence[str]) -> dict[str, Handler] | None:
        match rest:
            case []:
                return {
                    "GET": lambda exchange: self._retrieve(exchange, id),
                    "DELETE": lambda exchange: self._delete(exchange, id),
                }
            case ["input_items"]:
                return {"GET": lambda exchange: self._input_items(exchange, id)}
            case ["cancel"]:
                return {"POST": lambda exchange: self._cancel(exchange, id)}
            case _:
                return None

    async def _create(self, exchange: Exchange) -> web.StreamResponse:
        exchange.notes.dialect = openai_responses.DIALECT.name  # also of what is not understood
        with self._chat.answering():
            data = await read_body(exchange.http)
            exchange.notes.request.add(data)
            body = await read(data)
            if body.get("background") is True:
                return await self._begin(body, len(data), exchange)
            turn = await self._turns.turn(body, exchange.id, len(data))
            return await self._chat.say(self._turns.keeping(turn), turn.asked, exchange)

    async def _begin(self, body: JsonObject, size: int, exchange: Exchange) -> web.StreamResponse:
        """One in the background: the client is told at once which."""
        if body.get("store") is False:
            raise refused("background", "and `store: false` exclude each other.")
        turn = await self._turns.turn({**body, "background": False}, exchange.id, size)
        run = self._background.begin(turn, exchange)
        exchange.headers |= warning_header(turn.asked.warnings)
        if turn.asked.stream:
            return await self._background.stream(run, -1, exchange)
        return json_response(run.response, headers=exchange.headers)

    async def _retrieve(self, exchange: Exchange, id: str) -> web.StreamResponse:
        query = exchange.http.rel_url.query
        if query.get("stream") == "true":
            after = starting_after(query.get("starting_after"))
            if run := self._background.find(id):
                with self._chat.answering():
                    return await self._background.stream(run, after, exchange)
            await self._found(id)
            raise refused(
                "stream",
                "is possible for a response in the background, and for a while after it has"
                " ended: ask for this one without.",
            )
        kept = await self._found(id)
        return json_response(kept.response, headers=exchange.headers)

    async def _delete(self, exchange: Exchange, id: str) -> web.StreamResponse:
        run = self._background.find(id)
        if run is not None:
            await self._background.forget(run)
        if not await self._kept.delete(id) and run is None:
            raise self._unknown(id)
        return json_response(
            {"id": id, "object": "response", "deleted": True}, headers=exchange.headers
        )

    async def _input_items(self, exchange: Exchange, id: str) -> web.StreamResponse:
        limit, newest_first, after = page_of(exchange.http.rel_url.query)
        kept = await self._found(id)
        items: list[JsonObject] = []
        if kept.previous is not None:
            for turn in await self._turns.conversation(kept.previous):
                items += said_then(turn.input, turn.output)
        items += kept.input
        if newest_first:
            items.reverse()
        return json_response(page(items, limit, after), headers=exchange.headers)

    async def _cancel(self, exchange: Exchange, id: str) -> web.StreamResponse:
        if run := self._background.find(id):
            response = await self._background.cancel(run)
            return json_response(response, headers=exchange.headers)
        kept = await self._found(id)
        if kept.response.get("background") is True:  # it had ended before
            return json_response(kept.response, headers=exchange.headers)
        raise InvalidRequest(
            "Cannot cancel a synchronous response: only one that was made with `background: true`"
            " goes on by itself. To stop another, close its connection."
        )

    async def _count(self, exchange: Exchange) -> web.StreamResponse:
        data = await read_body(exchange.http)
        exchange.notes.request.add(data)
        tokens = await self._turns.counted(data, exchange.id, self._gateway.count)
        body = {"object": "response.input_tokens", "input_tokens": tokens}
        return json_response(body, headers=exchange.headers)

    async def _compact(self, _: Exchange) -> web.StreamResponse:
        raise NotFound(
            "Lingma Proxy does not compact conversations: ask the model for a summary, and begin"
            " a new one with it."
        )

    async def _found(self, id: str) -> responses.Kept:
        """Raises NotFound, StoreUnavailable."""
        if run := self._background.find(id):
            return run.turn.kept(run.response)
        kept = await self._kept.find(id)
        if kept is None:
            raise self._unknown(id)
        return kept

    def _unknown(self, id: str) -> NotFound:
        return NotFound(f"Response with id '{id[:100]}' not found. {self._kept.why_not}".rstrip())


def page_of(query: Mapping[str, str]) -> tuple[int, bool, str | None]:
    """(how many, newest first, after which id).  Raises InvalidRequest."""
    limit = query.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= LONGEST_PAGE):
        raise refused("limit", f"is a whole number from 1 to {LONGEST_PAGE}.")
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise refused("order", "is asc or desc.")
    return int(limit), order == "desc", query.get("after")


def page(items: Sequence[JsonObject], limit: int, after: str | None) -> JsonObject:
    """A part of a list, as OpenAI says it.  Raises InvalidRequest for an unknown `after`."""
    begin = 0
    if after is not None:
        places = [at for at, item in enumerate(items) if item.get("id") == after]
        if not places:
            raise refused("after", "names an item that is not in the list.")
        begin = places[0] + 1
    some = list(items[begin : begin + limit])
    return {
        "object": "list",
        "data": some,
        "first_id": some[0].get("id") if some else None,
        "last_id": some[-1].get("id") if some else None,
        "has_more": begin + limit < len(items),
    }
