"""Models in Ollama's shapes: `GET /api/tags`, `GET /api/ps`, `POST /api/show`.

Reference: https://docs.ollama.com/api

A model is called by its key, without a tag: clients look for the very name that they were
told.  With `:latest` behind it, it is found, too (`ChooseModel`).
"""

from collections.abc import Sequence
from hashlib import sha256

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import OWNER, SINCE_TEXT, offered
from lingma_proxy.jsonio import JsonObject

VERSION = "0.14.0"
"""Of the Ollama whose API we speak; that one was the first to have Anthropic's Messages as
well.  Clients compare it: Codex wants 0.13.4 or newer."""
NEVER = "9999-12-31T23:59:59Z"


def listing(models: Sequence[Model]) -> JsonObject:
    return {
        "models": [
            {**named(model), "modified_at": SINCE_TEXT, "details": details()}
            for model in offered(models)
        ]
    }


def running(models: Sequence[Model]) -> JsonObject:
    """All of them: none takes up memory here, each answers at once, and none goes away."""
    return {
        "models": [
            {
                **named(model),
                "details": details(),
                "expires_at": NEVER,
                "size_vram": 0,
                **({"context_length": model.context_window} if model.context_window else {}),
            }
            for model in offered(models)
        ]
    }


def shown(model: Model) -> JsonObject:
    """What is not known (its template, its size) is empty or missing."""
    return {
        "license": "",
        "modelfile": f"# A model of the vendor's, reached by Lingma Proxy.\nFROM {model.key}\n",
        "parameters": "",
        "template": "",
        "modified_at": SINCE_TEXT,
        "details": details(),
        "model_info": model_info(model),
        "capabilities": capabilities(model),
    }


def capabilities(model: Model) -> list[str]:
    """Every model takes tools, if need be in its text."""
    abilities = {"vision": model.sees, "thinking": model.reasons}
    return ["completion", "tools", *(name for name, can in abilities.items() if can)]


def model_info(model: Model) -> JsonObject:
    """Clients look for the key that ends with `.context_length`."""
    info: JsonObject = {"general.architecture": OWNER, "general.basename": model.name}
    if model.context_window is not None:
        info[f"{OWNER}.context_length"] = model.context_window
    return info


def named(model: Model) -> JsonObject:
    return {
        "name": model.key,
        "model": model.key,
        "size": 0,
        # Clients take two models with one digest for one model.
        "digest": sha256(model.key.encode()).hexdigest(),
    }


def details() -> JsonObject:
    return {
        "parent_model": "",
        "format": "",
        "family": OWNER,
        "families": [OWNER],
        "parameter_size": "",
        "quantization_level": "",
    }
