"""Everything that can be asked besides speaking: models, state, abilities, counts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from aiohttp import web

from lingma_proxy import __version__
from lingma_proxy.backend import Model
from lingma_proxy.dialects import (
    DIALECTS,
    anthropic_count,
    anthropic_models,
    capabilities,
    lmstudio,
    openai_models,
)
from lingma_proxy.dialects.catalogue import find
from lingma_proxy.errors import ProxyError
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.body import understood
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.replies import json_response

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]


class Catalogue:
    """The routes that do not speak.  `routes()` is their table."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        get: dict[str, Handler] = {
            "/": self._health,
            "/health": self._health,
            "/livez": self._live,
            "/readyz": self._ready,
            "/version": self._version,
            "/capabilities": self._capabilities,
            "/v1/capabilities": self._capabilities,
            "/v1/models": self._models,
            "/api/v1/models": self._lmstudio,
            "/api/v0/models": self._lmstudio_v0,
            "/lmstudio-greeting": self._greeting,
            "/props": self._props,
            "/v1/props": self._props,
        }
        count = ("/v1/messages/count_tokens", "POST", self._count)
        return [*((path, "GET", handler) for path, handler in get.items()), count]

    async def one_model(self, exchange: Exchange, name: str) -> web.StreamResponse:
        """The model that answers to a name, whichever way it is spelled."""
        models, key = await self._called(name)
        shape = anthropic_models if speaks_anthropic(exchange) else openai_models
        return self._say(exchange, shape.one(models, key))

    async def one_for_lmstudio(self, exchange: Exchange, name: str) -> web.StreamResponse:
        """The same, as LM Studio says it."""
        models, key = await self._called(name)
        return self._say(exchange, lmstudio.older_entry(find(models, key)))

    async def _called(self, name: str) -> tuple[Sequence[Model], str]:
        """The models, among them the one that has this name, and its key."""
        models = await self._gateway.backend.models()
        key = self._gateway.resolve(name)
        if all(model.key != key for model in models):
            models = [*models, Model(key, key)]
        return models, key

    async def _models(self, exchange: Exchange) -> web.StreamResponse:
        models = list(await self._gateway.backend.models())
        if self._gateway.serving.claude_names:
            models += [replace(model, key=f"claude-{model.key}") for model in models]
        if speaks_anthropic(exchange):
            return self._say(
                exchange, anthropic_models.listing(models, exchange.http.rel_url.query)
            )
        return self._say(exchange, openai_models.listing(models))

    async def _lmstudio(self, exchange: Exchange) -> web.StreamResponse:
        return self._say(exchange, lmstudio.listing(await self._gateway.backend.models()))

    async def _lmstudio_v0(self, exchange: Exchange) -> web.StreamResponse:
        return self._say(exchange, lmstudio.older_listing(await self._gateway.backend.models()))

    async def _greeting(self, exchange: Exchange) -> web.StreamResponse:
        """By this LM Studio's programs know that they have found a server."""
        return self._say(exchange, {"lmstudio": True})

    async def _props(self, exchange: Exchange) -> web.StreamResponse:
        default = self._gateway.default_model()
        return self._say(exchange, capabilities.props(await self._whatever_is_known(), default))

    async def _capabilities(self, exchange: Exchange) -> web.StreamResponse:
        body = capabilities.capabilities(
            await self._whatever_is_known(),
            DIALECTS,
            self._gateway.default_model(),
            reads_files=self._gateway.serving.reads_files,
        )
        return self._say(exchange, body)

    async def _health(self, exchange: Exchange) -> web.StreamResponse:
        return self._say(exchange, health(self._gateway))

    async def _live(self, exchange: Exchange) -> web.StreamResponse:
        return self._say(exchange, {"live": True})

    async def _ready(self, exchange: Exchange) -> web.StreamResponse:
        behind = self._gateway.behind
        await behind.look()
        hurdle = behind.hurdle()
        body: JsonObject = {
            "ready": not hurdle,
            "backend": behind.name(),
            "why": behind.reason(),
        }
        if peer := behind.peer():
            body["peer"] = peer
        if (expires := behind.login_expires()) is not None:
            body["login"] = {"expires_at": int(expires), "warning": behind.login_ending()}
        if not hurdle:
            return self._say(exchange, body)
        # Who is asked only this must notice all the same that it has passed.
        self._gateway.remembered.refresh_soon()
        return self._say(exchange, {**body, "reason": hurdle}, status=503)

    async def _version(self, exchange: Exchange) -> web.StreamResponse:
        return self._say(exchange, capabilities.version(__version__))

    async def _count(self, exchange: Exchange) -> web.StreamResponse:
        counted = await understood(
            exchange.http,
            lambda body: anthropic_count.count(body, exchange.id, self._gateway.count),
            patient=True,
            noted=exchange.notes.request,
        )
        return self._say(exchange, counted)

    async def _whatever_is_known(self) -> Sequence[Model]:
        """The models, or none: what these pages say besides is true without a login, too."""
        try:
            return await self._gateway.backend.models()
        except ProxyError:
            return self._gateway.remembered.known()

    def _say(
        self, exchange: Exchange, body: JsonObject, *, status: int = 200
    ) -> web.StreamResponse:
        return json_response(body, status=status, headers=exchange.headers)


def health(gateway: Gateway) -> JsonObject:
    """What `/health` answers; its `state` stands on other pages, too."""
    body = capabilities.health(
        backend=gateway.behind.name(),
        transport=gateway.behind.transport(),
        connected=bool(gateway.remembered.known()),
        endpoint=gateway.behind.endpoint(),
        session_mode=gateway.behind.session_mode,
    )
    body["state"] |= {"running": gateway.limit.running, "queued": gateway.limit.queued}
    return body


def speaks_anthropic(exchange: Exchange) -> bool:
    """Anthropic's clients name their version of the API; the key tells nothing."""
    return "anthropic-version" in exchange.http.headers
