"""The vendor's models: the list that the API gives, and what is known beyond it.

The list is `chat` and `inline`, one after the other; the first entry of a key counts, an
entry without a key does not.  The vendor rarely says how much a model takes in, so
`KNOWN` holds what the makers of the models have published, and the list's own word goes
before it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from lingma_proxy.backend import Model
from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import Json, JsonObject, an_object, is_object, loads, objects
from lingma_proxy.vendor.refusals import code_and_message, refusal

AUTO = "org_auto"
"""The model that chooses a model, as the list calls it."""

KNOWN: tuple[Model, ...] = (
    Model(AUTO, "Auto"),
    Model("kmodel", "Kimi-K2.6", context_window=256_000, sees=True),
    Model("mmodel", "MiniMax-M2.7", context_window=204_800, sees=False),
    Model("dashscope_qwen3_coder", "Qwen3-Coder", context_window=256_000, sees=False),
    Model("dashscope_qwen3_coder_default", "Qwen3-Coder-Default"),
    Model("dashscope_qmodel", "Qwen3.6-Plus", sees=True),
    Model("dashscope_qwen_max_latest", "Qwen3-Max"),
    Model("dashscope_qwen_plus_20250428_thinking", "Qwen3-Thinking", reasons=True),
    Model("q35model", "Qwen3.5"),
    Model("gm51model", "GLM"),
)

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{model.name.lower(): model.key for model in KNOWN},
        "qwen-max": "dashscope_qwen_max_latest",
        "qwen-plus-thinking": "dashscope_qwen_plus_20250428_thinking",
    }
)
"""Names that people use, in lower case → keys."""

_KNOWN = {model.key: model for model in KNOWN}


def decode(body: bytes) -> tuple[Model, ...]:
    """The models in a model list, in its order; those switched off are marked so.

    Raises a BackendError when it is an error or no list.
    """
    try:
        found = loads(body)
    except ValueError as error:
        raise ProtocolError(f"The vendor's model list is not JSON: {error}.") from None
    groups = an_object(found)
    if "chat" not in groups and is_object(groups.get("data")):
        groups = groups["data"]
    if "chat" not in groups and "inline" not in groups:
        code, message = code_and_message(found)
        if code or message:
            raise refusal(0, code, message)
        raise ProtocolError("The vendor's model list has neither `chat` nor `inline`.")
    models: dict[str, Model] = {}
    for entry in (*objects(groups.get("chat")), *objects(groups.get("inline"))):
        match entry:
            case {"key": str(key)} if key and key not in models:
                models[key] = _model(key, entry)
            case _:
                pass  # a key that has been seen, or none
    return tuple(models.values())


def described(
    key: str, *, name: Json = None, window: Json = None, sees: Json = None, reasons: Json = None
) -> Model:
    """A model as a list describes it; what the list does not say is taken from KNOWN."""
    known = _KNOWN.get(key, Model(key, key))
    return replace(
        known,
        name=name if isinstance(name, str) and name else known.name,
        context_window=window if type(window) is int and window > 0 else known.context_window,
        sees=_said(sees, otherwise=known.sees),
        reasons=_said(reasons, otherwise=known.reasons),
    )


def _model(key: str, entry: JsonObject) -> Model:
    found = described(
        key,
        name=entry.get("display_name"),
        window=entry.get("max_input_tokens"),
        sees=entry.get("is_vl"),
        reasons=entry.get("is_reasoning"),
    )
    return replace(
        found,
        enabled=entry.get("enable") is not False,
        is_default=entry.get("is_default") is True,
    )


def _said(value: Json, *, otherwise: bool | None) -> bool | None:
    return value if isinstance(value, bool) else otherwise
