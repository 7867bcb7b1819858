"""Models in OpenAI's shape: `GET /v1/models` and `GET /v1/models/{id}`."""

from collections.abc import Sequence

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import OWNER, SINCE, find, offered
from lingma_proxy.jsonio import JsonObject


def listing(models: Sequence[Model]) -> JsonObject:
    return {"object": "list", "data": [entry(model) for model in offered(models)]}


def one(models: Sequence[Model], id: str) -> JsonObject:
    """Raises ModelNotFound."""
    return entry(find(models, id))


def entry(model: Model) -> JsonObject:
    """OpenAI's four fields, and those that routers of many models add to them."""
    shown: JsonObject = {
        "id": model.key,
        "object": "model",
        "created": SINCE,
        "owned_by": OWNER,
        "name": model.name,
    }
    if model.context_window is not None:
        shown["context_window"] = model.context_window
    if model.output_limit is not None:
        shown["max_output_tokens"] = model.output_limit
    return shown
