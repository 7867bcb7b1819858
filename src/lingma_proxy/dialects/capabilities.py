"""What the program says about itself: `/health`, `/version`, `/capabilities`, `/props`.

Everything that depends on models is derived from those of the account; what nobody
knows is null.
"""

from collections.abc import Sequence

from lingma_proxy.backend import Model
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects.catalogue import default, offered
from lingma_proxy.jsonio import JsonObject

SERVICE = "lingma-proxy"

PROTOCOLS = {
    "openai_chat": "openai.chat_completions",
    "openai_responses": "openai.responses",
    "anthropic": "anthropic.messages",
    "ollama_chat": "ollama.chat",
    "ollama_generate": "ollama.generate",
    "lmstudio_chat": "lm_studio.chat_completions",
}
"""Dialects by the names that this document has always had for them."""
DISCOVERY = ("lm_studio.discovery", "ollama.discovery", "llamacpp.discovery", "vllm.discovery")
ENDPOINTS = {"anthropic": "anthropic_messages"}


def health(
    *,
    backend: str,
    transport: str,
    connected: bool,
    endpoint: str = "",
    session_mode: str = "auto",
) -> JsonObject:
    """`connected`: whether the vendor answered when it was last asked."""
    state: JsonObject = {
        "backend": backend,
        "transport": transport,
        "connected": connected,
        "session_mode": session_mode,
    }
    if endpoint:
        state["endpoint"] = endpoint
    return {"ok": True, "service": SERVICE, "state": state}


def version(number: str) -> JsonObject:
    return {"version": number, "service": SERVICE}


def capabilities(
    models: Sequence[Model],
    dialects: Sequence[Dialect],
    default_model: str,
    *,
    reads_files: bool = False,
) -> JsonObject:
    """`reads_files`: whether there are folders from which clients may name pictures."""
    choice = offered(models)
    keys = [model.key for model in choice]
    seeing = [model.key for model in choice if model.sees]
    chosen = default(models, default_model)
    return {
        "service": SERVICE,
        "protocols": [*(PROTOCOLS.get(each.name, each.name) for each in dialects), *DISCOVERY],
        "features": {
            "streaming": True,
            "tools": True,
            "tool_prompt_emulation": False,
            "tool_alias_mapping": False,
            "images": bool(seeing),
            "local_image_paths": bool(seeing) and reads_files,
            "remote_image_urls": bool(seeing),
            "image_auto_resize": True,
            "request_log_image_redact": False,
            "structured_output": True,
            "reasoning": any(model.reasons for model in choice),
        },
        # The vendor offers each of its models to an IDE, for coding with tools.
        "recommended_models": {
            "default": chosen.key if chosen else default_model or None,
            "agent_tools": keys,
            "vision": seeing,
            "coding": keys,
        },
        "model_metadata": {model.key: metadata(model) for model in choice},
        "endpoints": {
            **{ENDPOINTS.get(each.name, each.name): list(each.paths) for each in dialects},
            "models": ["/v1/models", "/api/v1/models", "/api/tags"],
            "capabilities": ["/capabilities", "/v1/capabilities"],
            "props": ["/props", "/v1/props"],
            "version": "/version",
        },
    }


def metadata(model: Model) -> JsonObject:
    abilities = {"vision": model.sees, "reasoning": model.reasons}
    return {
        "display_name": model.name,
        "context_window_tokens": model.context_window,
        "max_output_tokens": model.output_limit,
        "modalities": ["text", "image"] if model.sees else ["text"],
        "capabilities": ["coding", "tool_use", *(name for name, can in abilities.items() if can)],
        "basis": "the account's list of models",
    }


def props(models: Sequence[Model], default_model: str) -> JsonObject:
    """llama.cpp's: of the model that answers when none is named.

    Its `n_ctx` 0 means "as the model has it"; sampling is the model's own unless a
    request says otherwise, so there are no numbers to name.
    """
    chosen = default(models, default_model)
    return {
        "model_alias": chosen.key if chosen else default_model,
        "chat_template": "",
        "default_generation_settings": {
            "n_ctx": (chosen.context_window if chosen else None) or 0,
            "temperature": None,
            "top_p": None,
        },
        "modalities": {"vision": bool(chosen and chosen.sees), "audio": False},
    }
