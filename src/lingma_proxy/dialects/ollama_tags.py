"""Models in Ollama's shape: `GET /api/tags`."""

from collections.abc import Sequence
from hashlib import sha256

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import OWNER, SINCE_TEXT, offered
from lingma_proxy.jsonio import JsonObject


def listing(models: Sequence[Model]) -> JsonObject:
    return {"models": [entry(model) for model in offered(models)]}


def entry(model: Model) -> JsonObject:
    return {
        "name": model.key,
        "model": model.key,
        "modified_at": SINCE_TEXT,
        "size": 0,
        # Clients take two models with one digest for one model.
        "digest": sha256(model.key.encode()).hexdigest(),
        "details": {
            "parent_model": "",
            "format": "",
            "family": OWNER,
            "families": [OWNER],
            "parameter_size": "",
            "quantization_level": "",
        },
    }
