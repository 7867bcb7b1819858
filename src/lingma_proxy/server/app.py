"""The HTTP server: one function that every request goes through.

    guard ▸ route ▸ handler ▸ answer            an error anywhere is said in the caller's dialect

aiohttp's low-level server is enough: the routes are a table of exact paths, and the
guard must come before anything else.  A client that hangs up cancels its handler, and
with it the vendor's work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web

from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import DIALECTS, anthropic, ollama, openai_chat
from lingma_proxy.errors import (
    MethodNotAllowed,
    NotFound,
    ProxyError,
    SettingsError,
)
from lingma_proxy.gateway import Closing, Gateway, Renewal, Serving
from lingma_proxy.recording.log_lines import LogLines
from lingma_proxy.server import access
from lingma_proxy.server.catalogue import Catalogue
from lingma_proxy.server.chat import Chat
from lingma_proxy.server.connection import Connections
from lingma_proxy.server.debug import Debug
from lingma_proxy.server.exchange import Exchange, begin
from lingma_proxy.server.guard import Guard
from lingma_proxy.server.metrics import Metrics
from lingma_proxy.server.ollama import Ollama
from lingma_proxy.server.replies import InternalError, error_headers, json_response
from lingma_proxy.server.responses import Responses
from lingma_proxy.server.stats import Stats

log = logging.getLogger("lingma_proxy.server")

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]


NOT_YET = {
    "/v1/completions": "OpenAI's old Completions API",
    "/v1/embeddings": "OpenAI's Embeddings API",
    "/api/v0/completions": "LM Studio's Completions API",
    "/api/v0/embeddings": "LM Studio's Embeddings API",
    "/api/v1/chat": "LM Studio's chat of version 1",
}
"""What clients ask for and would otherwise be told is a slip of the pen."""


class Server:
    """Serves a gateway.  `start` opens the port and probes nothing; `stop` drains."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._guard = guard(gateway.serving)
        self._chat = Chat(gateway)
        self._responses = Responses(gateway, self._chat)
        self._catalogue = Catalogue(gateway)
        self._ollama = Ollama(gateway)
        self._numbers = Metrics(gateway), Stats(gateway)
        self._log_lines = LogLines()
        self._debug = Debug(gateway, self._log_lines)
        self._one_model = {
            "/v1/models/": self._catalogue.one_model,
            "/api/v0/models/": self._catalogue.one_for_lmstudio,
        }
        """The only paths with something behind them: a model's name, which may hold slashes."""
        self.routes = self._table()
        """The handlers of each exact path, by method."""
        self._runner: web.ServerRunner | None = None
        self._partings: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Open the port; returns the URL.  Raises SettingsError when it cannot be had."""
        serving = self._gateway.serving
        server = Connections(
            self._handle,
            request_factory=self._request,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,  # `body` does it, within the limit
            max_field_size=64 * 1024,  # Codex sends a header of 1.3 KiB; others grow, too
            keepalive_timeout=75,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, serving.host, serving.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise SettingsError(
                f"Port {serving.port} on {serving.host} cannot be opened ({error.strerror})."
                " Is Lingma Proxy already running? Another port: `--port`."
            ) from error
        logging.getLogger().addHandler(self._log_lines)
        host, port = self._runner.addresses[0][:2]
        self._gateway.start()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def change(self, renewal: Renewal) -> None:
        """Answer as this gateway does from now on.

        What is being answered goes on as it began, and the port stays as it is.
        """
        self._gateway.become(renewal.gateway)
        self._gateway.start()
        self._guard = guard(renewal.gateway.serving)
        if renewal.gone:
            task = asyncio.create_task(self._part_from(renewal.gone), name="part from what was")
            self._partings.add(task)
            task.add_done_callback(self._partings.discard)

    async def _part_from(self, gone: Sequence[Closing]) -> None:
        await self._chat.answered()
        for each in gone:
            await each.aclose()

    async def stop(self) -> None:
        """Take no new requests, let streams end within `shutdown_grace`, let go of all."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        logging.getLogger().removeHandler(self._log_lines)
        for site in runner.sites:
            await site.stop()
        await self._chat.drain(self._gateway.serving.shutdown_grace)
        await self._responses.aclose()
        await runner.cleanup()
        await asyncio.gather(*self._partings)
        await self._gateway.aclose()

    def _table(self) -> dict[str, dict[str, Handler]]:
        routes: dict[str, dict[str, Handler]] = {}
        for dialect in DIALECTS:
            for path in dialect.paths:
                routes[path] = {"POST": partial(self._chat.answer, dialect)}
        others = (self._responses, self._catalogue, self._ollama, self._debug, *self._numbers)
        for path, method, handler in (route for each in others for route in each.routes()):
            routes.setdefault(path, {})[method] = handler
        routes["/openapi.json"] = {"GET": self._openapi}
        return routes

    async def _openapi(self, exchange: Exchange) -> web.StreamResponse:
        """Our own description; few ask for it, so it is made when somebody does."""
        from lingma_proxy.server.openapi import document  # noqa: PLC0415 — see above

        return json_response(document(self.routes), headers=exchange.headers)

    def _request(self, *arguments: object) -> web.BaseRequest:
        return web.BaseRequest(  # type: ignore[misc]  # aiohttp's factory protocol, passed on
            *arguments,  # type: ignore[arg-type]  # the same
            loop=asyncio.get_running_loop(),
            client_max_size=self._gateway.serving.max_body,
        )

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        exchange = begin(http, self._gateway.noting, self._tell)
        exchange.headers = {"x-request-id": exchange.id, "request-id": exchange.id}
        path = http.rel_url.raw_path or "/"
        try:
            try:
                response = await self._answer(exchange, path)
            except ProxyError as error:
                exchange.fail(error)
                response = self._say(error, exchange, path)
            except Exception:
                log.exception(
                    "%s: a fault of Lingma Proxy", exchange.id, extra={"request_id": exchange.id}
                )
                exchange.fail(InternalError())
                response = self._say(InternalError(), exchange, path)
            await send(response, exchange)
        except ConnectionError:
            exchange.leave()  # the server notices, too
        except asyncio.CancelledError:
            exchange.leave()
            raise
        finally:
            exchange.close()
        return response

    def _tell(self, notes: ExchangeNotes) -> None:
        access.tell(notes, self._gateway.recording.exchanges.secrets)
        self._gateway.ended(notes)

    async def _answer(self, exchange: Exchange, path: str) -> web.StreamResponse:
        http = exchange.http
        self._guard.check(path, http.headers)
        origin = http.headers.get("Origin")
        if origin is not None and self._guard.may_read(origin):
            exchange.headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Expose-Headers": "*",
                "Vary": "Origin",
            }
        methods, what = self._find(path)
        if http.method == "OPTIONS":
            return preflight(exchange, methods)
        handler = methods.get("GET" if http.method == "HEAD" else http.method)
        if handler is None:
            allowed = tuple(sorted(methods))
            raise MethodNotAllowed(
                f"{what} takes {' and '.join(allowed)}, not {http.method[:20]}.", allowed=allowed
            )
        return await handler(exchange)

    def _find(self, path: str) -> tuple[dict[str, Handler], str]:
        methods = self.routes.get(path) or self.routes.get(path.rstrip("/") or "/")
        if methods is not None:
            return methods, path
        for beginning, one_model in self._one_model.items():
            if path.startswith(beginning):
                name = unquote(path.removeprefix(beginning))
                return {"GET": partial(one_model, name=name)}, path
        if methods := self._responses.below(path):
            return methods, path
        if path in NOT_YET:
            raise NotFound(
                f"{NOT_YET[path]} is not spoken by this version: point the client at"
                " /v1/chat/completions, /v1/responses or /v1/messages."
            )
        near = get_close_matches(path, self.routes, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise NotFound(f"There is nothing at {path[:200]}.{hint}")

    def _say(self, error: ProxyError, exchange: Exchange, path: str) -> web.StreamResponse:
        dialect = dialect_of(path, exchange.http.headers)
        return json_response(
            dialect.error(error, exchange.id),
            status=error.status,
            headers={**exchange.headers, **error_headers(error)},
        )


def guard(serving: Serving) -> Guard:
    return Guard(
        bound_host=serving.host,
        key=serving.api_key,
        allowed_hosts=frozenset(name.lower() for name in serving.allowed_hosts),
        allowed_origins=frozenset(serving.allowed_origins),
    )


async def send(response: web.StreamResponse, exchange: Exchange) -> None:
    """Send what has not been sent as a stream, so that it is known when it was taken."""
    if response.prepared:
        return
    notes = exchange.notes
    await response.prepare(exchange.http)
    notes.status, notes.media_type = response.status, response.content_type
    body = response.body if isinstance(response, web.Response) else None
    notes.sends(body if isinstance(body, bytes) and notes.method != "HEAD" else b"")
    await response.write_eof()


def dialect_of(path: str, headers: Mapping[str, str]) -> Dialect:
    """In whose words an error is said: the path's, else the caller's, else OpenAI's."""
    for dialect in DIALECTS:
        if any(path == own or path.startswith(own + "/") for own in dialect.paths):
            return dialect
    if path.rstrip("/") in ollama.PAGES:
        return ollama.CHAT
    return anthropic.DIALECT if "anthropic-version" in headers else openai_chat.DIALECT


def preflight(exchange: Exchange, methods: dict[str, Handler]) -> web.Response:
    """The answer to a browser that asks first; whether it may was decided by the guard."""
    headers = dict(exchange.headers)
    if "Access-Control-Allow-Origin" in headers:
        wanted = exchange.http.headers.get("Access-Control-Request-Headers", "")
        headers |= {
            "Access-Control-Allow-Methods": ", ".join(sorted(methods)),
            "Access-Control-Allow-Headers": wanted,
            "Access-Control-Max-Age": "600",
        }
    return web.Response(status=204, headers=headers | {"Allow": ", ".join(sorted(methods))})
