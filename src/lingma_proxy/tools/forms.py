r"""How calls are written into a text, form by form, and what came of them.

A model is asked to write calls as its family was taught to, and its earlier calls are shown
to it in the same form, so that what it wrote and what it reads agree:

    hermes        a block of JSON for each call                 Qwen, and whoever is not below
    qwen3_coder   tags for the function and each parameter      Qwen3-Coder
    invoke        the same with attributes, in one section      Claude, MiniMax
    kimi          JSON between section markers                  Kimi K2
    deepseek      JSON in fences between its own markers        DeepSeek

Results have one form for all, which most of them know: `<tool_response>…</tool_response>`.
Where a result itself says such a tag, it gets a backslash (`<\/tool_response>`), and one more
if it has some already; so no result can pose as its own end, and none is changed beyond recall.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from lingma_proxy.conversation.request import ToolCall
from lingma_proxy.jsonio import dumps, loads
from lingma_proxy.profile import ToolFormat

Write: TypeAlias = Callable[[int, str, str], str]
"""One call: its number in the turn, from 0, the name, and the arguments as JSON text."""

RESULT_TAG = re.compile(r"<(?=\\*/?tool_response\b)", re.IGNORECASE | re.ASCII)
CLOSING = re.compile(r"</(?=tool_call|tools)", re.IGNORECASE)
Members = dict[str, msgspec.Raw]


@dataclass(frozen=True)
class Form:
    write: Write
    begin: str = ""
    end: str = ""
    """What stands around all calls of a turn."""
    between: str = "\n"
    in_json: bool = True
    """Whether the arguments are one JSON object; else each stands by itself."""


def written(calls: Sequence[ToolCall], format: ToolFormat) -> str:
    """The calls of one turn."""
    form = FORMS[format]
    each = [form.write(at, call.name, call.arguments or "{}") for at, call in enumerate(calls)]
    return form.begin + form.between.join(each) + form.end


def begin_result(*, call: int | None = None, is_error: bool = False) -> str:
    """`call` is the number, from 1, of the call that it answers, where there were several."""
    number = "" if call is None else f' call="{call}"'
    error = ' error="true"' if is_error else ""
    return f"<tool_response{number}{error}>\n"


END_RESULT = "\n</tool_response>"


def escaped(text: str) -> str:
    """A result's text, with a backslash in what looks like the tags around it."""
    return RESULT_TAG.sub(r"<\\", text)


def inside(json: str) -> str:
    """JSON for a place between tags: none of its strings closes them.  The value is the same."""
    return CLOSING.sub(r"\\u003c/", json)


def _hermes(_: int, name: str, arguments: str) -> str:
    said = f'{{"name": {dumps(name)}, "arguments": {inside(arguments)}}}'
    return f"<tool_call>\n{said}\n</tool_call>"


def _qwen3_coder(at: int, name: str, arguments: str) -> str:
    values = _bare(arguments)
    if values is None:
        return _hermes(at, name, arguments)
    each = [f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items()]
    return f"<tool_call>\n<function={name}>\n{''.join(each)}</function>\n</tool_call>"


def _invoke(at: int, name: str, arguments: str) -> str:
    values = _bare(arguments)
    if values is None:
        return _hermes(at, name, arguments)
    each = [f'<parameter name="{key}">{value}</parameter>\n' for key, value in values.items()]
    return f'<invoke name="{name}">\n{"".join(each)}</invoke>'


def _kimi(at: int, name: str, arguments: str) -> str:
    head = f"<|tool_call_begin|>functions.{name}:{at}<|tool_call_argument_begin|>"
    return f"{head}{arguments}<|tool_call_end|>"


def _deepseek(_: int, name: str, arguments: str) -> str:
    head = f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}"
    return f"{head}\n```json\n{arguments}\n```<｜tool▁call▁end｜>"


def _bare(arguments: str) -> dict[str, str] | None:
    """Each argument as it stands by itself: text bare, anything else as JSON, verbatim.

    None if the arguments are no object.
    """
    try:
        members = msgspec.json.decode(arguments, type=Members)
        found = {key: bytes(value).decode() for key, value in members.items()}
        return {
            key: loads(value) if value.startswith('"') else value for key, value in found.items()
        }
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


FORMS: dict[ToolFormat, Form] = {
    "hermes": Form(_hermes),
    "qwen3_coder": Form(_qwen3_coder, in_json=False),
    "invoke": Form(_invoke, "<function_calls>\n", "\n</function_calls>", in_json=False),
    "kimi": Form(_kimi, "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", ""),
    "deepseek": Form(_deepseek, "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "\n"),
}
