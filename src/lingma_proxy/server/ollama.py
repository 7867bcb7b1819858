"""What Ollama's clients ask besides speaking: which models there are, and what they can do.

Models live at the vendor's.  To look at them is answered, to fetch one that is there is done
before it is begun, and to make or remove one is refused in words.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

from aiohttp import web

from lingma_proxy import __version__
from lingma_proxy.backend import Model
from lingma_proxy.dialects import ollama, ollama_models
from lingma_proxy.dialects.ollama_encode import line
from lingma_proxy.errors import InvalidRequest, NotAllowed, ProxyError
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.body import understood
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.replies import json_response

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]

NO_EMBEDDINGS = "The models here answer in words: this model does not support embeddings."
NOT_OURS = "The models are the vendor's: none can be made, copied, sent or removed here."


class Ollama:
    """`routes()` is the table of its pages, which `dialects.ollama` knows as its own."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        no_embeddings = partial(self._refuse, lambda: InvalidRequest(NO_EMBEDDINGS))
        not_ours = partial(self._refuse, lambda: NotAllowed(NOT_OURS, status=403))
        return [
            ("/api/tags", "GET", self._tags),
            ("/api/ps", "GET", self._ps),
            ("/api/version", "GET", self._version),
            ("/api/show", "POST", self._show),
            ("/api/pull", "POST", self._pull),
            ("/api/embed", "POST", no_embeddings),
            ("/api/embeddings", "POST", no_embeddings),
            ("/api/create", "POST", not_ours),
            ("/api/copy", "POST", not_ours),
            ("/api/push", "POST", not_ours),
            ("/api/delete", "DELETE", not_ours),
        ]

    async def _tags(self, exchange: Exchange) -> web.StreamResponse:
        models = await self._gateway.backend.models()
        return json_response(ollama_models.listing(models), headers=exchange.headers)

    async def _ps(self, exchange: Exchange) -> web.StreamResponse:
        models = await self._gateway.backend.models()
        return json_response(ollama_models.running(models), headers=exchange.headers)

    async def _version(self, exchange: Exchange) -> web.StreamResponse:
        versions = {"version": ollama_models.VERSION, "lingma_proxy": __version__}
        return json_response(versions, headers=exchange.headers)

    async def _show(self, exchange: Exchange) -> web.StreamResponse:
        name = await understood(exchange.http, name_in, noted=exchange.notes.request)
        return json_response(ollama_models.shown(await self._model(name)), headers=exchange.headers)

    async def _pull(self, exchange: Exchange) -> web.StreamResponse:
        """Nothing is to be fetched; that the model is there is all that is made sure of."""
        name, stream = await understood(
            exchange.http,
            lambda body: (name_in(body), body.get("stream") is not False),
            noted=exchange.notes.request,
        )
        await self._model(name)
        success = {"status": "success"}
        if not stream:
            return json_response(success, headers=exchange.headers)
        return web.Response(
            body=line({"status": "pulling manifest"}) + line(success),
            content_type=ollama.MEDIA_TYPE,
            headers=exchange.headers,
        )

    async def _model(self, name: str) -> Model:
        """Raises ModelNotFound."""
        models = await self._gateway.backend.models()
        key = self._gateway.resolve(name)
        return next((model for model in models if model.key == key), Model(key, key))

    async def _refuse(
        self, error: Callable[[], ProxyError], exchange: Exchange
    ) -> web.StreamResponse:
        del exchange
        raise error()


def name_in(body: JsonObject) -> str:
    """The model's name, which older clients say as `name`.  Raises InvalidRequest."""
    match body:
        case {"model": str(name)} | {"name": str(name)} if name:
            return name
        case _:
            raise InvalidRequest("model is missing; it is the name of a model.", param="model")
