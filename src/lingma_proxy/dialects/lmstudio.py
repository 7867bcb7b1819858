"""Models in LM Studio's shape: `GET /api/v1/models`."""

from collections.abc import Sequence

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import OWNER, offered
from lingma_proxy.jsonio import JsonObject


def listing(models: Sequence[Model]) -> JsonObject:
    return {"models": [entry(model) for model in offered(models)]}


def entry(model: Model) -> JsonObject:
    """All of them are always loaded; a context window that nobody knows is null."""
    return {
        "type": "llm",
        "publisher": OWNER,
        "id": model.key,
        "key": model.key,
        "display_name": model.name,
        "max_context_length": model.context_window,
        "loaded_instances": [
            {
                "id": model.key,
                "model": model.key,
                "config": {"context_length": model.context_window},
            }
        ],
        "capabilities": {"vision": model.sees is True, "trained_for_tool_use": True},
    }
