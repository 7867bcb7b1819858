"""Models in LM Studio's shapes: `GET /api/v1/models`, and `GET /api/v0/models` before it.

Reference: https://lmstudio.ai/docs/developer/rest/list, …/rest/endpoints

All of them are always loaded; a context window that nobody knows is null, and so is what a
model that is a file on a disk would have.
"""

from collections.abc import Sequence

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import OWNER, offered
from lingma_proxy.jsonio import JsonObject


def listing(models: Sequence[Model]) -> JsonObject:
    return {"models": [entry(model) for model in offered(models)]}


def entry(model: Model) -> JsonObject:
    return {
        "type": "llm",
        "publisher": OWNER,
        "id": model.key,
        "key": model.key,
        "display_name": model.name,
        "architecture": None,
        "quantization": None,
        "size_bytes": 0,
        "params_string": None,
        "loaded_instances": [
            {
                "id": model.key,
                "model": model.key,
                "config": {"context_length": model.context_window},
            }
        ],
        "max_context_length": model.context_window,
        "format": None,
        "capabilities": {"vision": model.sees is True, "trained_for_tool_use": True},
        "description": None,
    }


def older_listing(models: Sequence[Model]) -> JsonObject:
    return {"object": "list", "data": [older_entry(model) for model in offered(models)]}


def older_entry(model: Model) -> JsonObject:
    return {
        "id": model.key,
        "object": "model",
        "type": "vlm" if model.sees else "llm",
        "publisher": OWNER,
        "arch": OWNER,
        "compatibility_type": "",
        "quantization": "",
        "state": "loaded",
        "max_context_length": model.context_window,
        "loaded_context_length": model.context_window,
        "capabilities": ["tool_use"],
    }
