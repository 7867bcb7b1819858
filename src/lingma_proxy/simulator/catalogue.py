"""The models that the simulated account has, as the vendor lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lingma_proxy.jsonio import JsonObject


@dataclass(frozen=True, slots=True)
class Row:
    key: str
    display_name: str
    sees: bool = False
    reasons: bool = False
    max_input_tokens: int = 180_000
    enable: bool = True
    is_default: bool = False

    def entry(self, order: int) -> JsonObject:
        return {
            "key": self.key,
            "display_name": self.display_name,
            "model": "",
            "enable": self.enable,
            "format": "openai",
            "source": "system",
            "order": order,
            "is_vl": self.sees,
            "is_reasoning": self.reasons,
            "max_input_tokens": self.max_input_tokens,
            "price_factor": 1.0,
            "original_price_factor": 1.0,
            "is_default": self.is_default,
            "is_new": False,
            "is_free": False,
            "exclude_tags": None,
            "tags": None,
            "icon": None,
            "strategies": None,
        }

    def offer(self) -> JsonObject:
        """As the plugin lists it (`protocol/ipc.md` C.3)."""
        return {
            "key": self.key,
            "displayName": self.display_name,
            "format": "openai",
            "source": "system",
            "isReasoning": self.reasons,
            "isVl": self.sees,
            "url": "",
            "apiKey": "",
            "model": "",
        }


ROWS = (
    Row("org_auto", "Auto", sees=True, is_default=True),
    Row("kmodel", "Kimi-K2.6", sees=True, reasons=True, max_input_tokens=200_000),
    Row("mmodel", "MiniMax-M2.7", reasons=True, max_input_tokens=200_000),
    Row("gm51model", "GLM-5.1", reasons=True),
    Row("dashscope_qmodel", "Qwen3.6-Plus", sees=True, max_input_tokens=1_000_000),
    Row("dashscope_qwen_max_latest", "Qwen3-Max"),
    Row("dashscope_qwen_plus_20250428_thinking", "Qwen3-Thinking", reasons=True),
    Row("dashscope_qwen3_coder", "Qwen3-Coder"),
    Row("dashscope_qwen3_coder_default", "Qwen3-Coder-Default", enable=False),
    Row("q35model", "Qwen3.5", enable=False),
)

Scenes: TypeAlias = Mapping[str, Sequence[JsonObject]]
"""Lists of models by what they are for, as the plugin has them."""

OFFERED = [row.offer() for row in ROWS if row.enable]
SCENES: Scenes = {
    "assistant": OFFERED,
    "chat": OFFERED,
    "developer": OFFERED,
    "inline": [offer for offer in OFFERED if offer["key"] == "dashscope_qwen3_coder"],
    "quest": OFFERED[:2],
}

ALWAYS = frozenset({"", "auto"})
"""Spellings of `Auto` that clients send and no list names."""


class Catalogue:
    """`extra` are entries as the vendor spells them; they may replace one of ours."""

    def __init__(self, extra: Sequence[JsonObject] = ()) -> None:
        ours = {row.key: row.entry(order) for order, row in enumerate(ROWS, 1)}
        self._entries = ours | {str(entry["key"]): dict(entry) for entry in extra}

    def response(self) -> JsonObject:
        """The list.  As in the real one a model is named twice, and one has no key."""
        entries = list(self._entries.values())
        return {
            "chat": entries,
            "inline": [
                self._entries["dashscope_qwen3_coder"],
                Row("", "A name without a key").entry(99),
            ],
            "developer": [],
            "assistant": [],
        }

    def has(self, key: str) -> bool:
        return key in ALWAYS or key in self._entries

    def enabled(self, key: str) -> bool:
        return key in ALWAYS or self._entries[key].get("enable", True) is True
