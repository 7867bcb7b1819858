r"""What calls begin and end with, as the models' own templates have it.

    Qwen, Hermes        <tool_call>\n{…}\n</tool_call>
    Qwen3-Coder         <tool_call>\n<function=NAME>\n<parameter=KEY>\n…\n</parameter>\n</function>\n</tool_call>
    Claude, MiniMax     <function_calls>, <minimax:tool_call>: <invoke name="NAME"><parameter name="KEY">…
    DeepSeek V3.2       <｜DSML｜function_calls>: <｜DSML｜invoke name="NAME"> in the same way
    GLM                 <tool_call>NAME\n<arg_key>KEY</arg_key>\n<arg_value>…</arg_value>\n</tool_call>
    Kimi K2             <|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:0…
    DeepSeek V3         <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME…
    the incumbent       ```json action\n{…}\n```

A tag may carry a prefix (`antml:`), a mark may be spelled with | and _ for ｜ and ▁.
"""

import re
from dataclasses import dataclass

from lingma_proxy.tools.source import Shape, literally

PREFIX = (
    r"(?:[A-Za-z][\w-]{0,31}:|[|｜]DSML[|｜])?",
    r"[A-Za-z][\w-]{0,31}|[|｜](?:D(?:S(?:ML?)?)?)?",
)
# A mark has an end to its length, for it is looked at anew whenever a piece of it comes.
BLANK = r"[ \t\r\n]{0,99}"
SPACE = r"[ \t]{0,9}"
NAMED = (
    rf"(?:=|[ \t\r\n]{{1,9}}name{SPACE}={SPACE})",
    rf"[ \t\r\n]{{1,9}}(?:n(?:a(?:m(?:e{SPACE})?)?)?)?",
)
NAME = (r"""["']?""", r"""(?P<name>[^<>"'\r\n]{1,200})""", r"""["']?""", r"(?P<more>[^<>]{0,200})")
TICKS = (r"`{3,99}", r"`{1,2}")


def tag(word: str) -> Shape:
    return Shape("<", PREFIX, *literally(word), BLANK, ">")


def named_tag(word: str) -> Shape:
    return Shape("<", PREFIX, *literally(word), NAMED, *NAME, ">")


def closing(word: str) -> Shape:
    return Shape("<", "/", PREFIX, *literally(word), BLANK, ">")


def mark(words: str) -> Shape:
    letters = ["[▁_]" if letter == "_" else letter for letter in words]
    return Shape("<", "[|｜]", *letters, "[|｜]", ">")


def fence(words: str) -> Shape:
    letters = ["[ \\t]{1,9}" if letter == " " else letter for letter in words]
    return Shape(TICKS, SPACE, *letters, r"[ \t\r\n]")


# Around calls.
TOOL_CALL = tag("tool_call"), tag("tool_calls"), tag("function_call"), tag("function_calls")
TOOL_CALL_END = tuple(
    closing(word) for word in ("tool_call", "tool_calls", "function_call", "function_calls")
)
SECTION = mark("tool_calls_section_begin"), mark("tool_calls_begin")
SECTION_END = mark("tool_calls_section_end"), mark("tool_calls_end")
ACTION = tuple(fence(word) for word in ("json action", "action", "tool_call", "tool_calls"))
FENCE_END = (Shape("`", "`", "`"),)
FENCE = (Shape(TICKS, SPACE, (r"(?:json|JSON)?", r"j(?:so?)?|J(?:SO?)?"), r"[ \t\r]{0,9}", "\n"),)
"""A fence that may be a call without saying so."""

# A call.
FUNCTION, FUNCTION_END = named_tag("function"), closing("function")
INVOKE, INVOKE_END = named_tag("invoke"), closing("invoke")
PARAMETER, PARAMETER_END = named_tag("parameter"), closing("parameter")
BARE_NAME = Shape(r"(?P<name>[^\s<>{}\[\]()\"'`,;=]{1,200})", BLANK, "<")
KEY, KEY_END = tag("arg_key"), closing("arg_key")
VALUE, VALUE_END = tag("arg_value"), closing("arg_value")
CALL, CALL_END = mark("tool_call_begin"), mark("tool_call_end")
ARGUMENTS = mark("tool_call_argument_begin"), mark("tool_sep")

THINK, THINK_END = tag("think"), closing("think")


@dataclass(frozen=True)
class Wrapping:
    """What stands around calls."""

    opens: tuple[Shape, ...]
    closes: tuple[Shape, ...]
    objects: bool = False
    """Whether a JSON object in it is a call."""
    names: bool = False
    """Whether a bare name in it is a call's."""

    @property
    def ends(self) -> tuple[Shape, ...]:
        """Where something broken in it is over at the latest."""
        return (*self.closes, *self.opens)


TAG = Wrapping(TOOL_CALL, TOOL_CALL_END, objects=True, names=True)
MARKED = Wrapping(SECTION, SECTION_END)
ACTION_FENCE = Wrapping(ACTION, FENCE_END, objects=True)
UNOPENED = Wrapping((), TOOL_CALL_END)
"""Qwen3-Coder at times forgets `<tool_call>`, and nothing but that."""
WRAPPINGS = (TAG, MARKED, ACTION_FENCE)


def wrapping_of(opening: re.Match[str]) -> Wrapping:
    """Of the marker that matched, one of WRAPS."""
    return next(
        wrapping for wrapping in WRAPPINGS for shape in wrapping.opens if shape.whole is opening.re
    )


WRAPS = tuple(shape for wrapping in WRAPPINGS for shape in wrapping.opens)
OPENERS = (*TOOL_CALL, FUNCTION, INVOKE, CALL, *SECTION)
"""What begins a call, or several, in the middle of a text."""
