r"""Tools that a model is told of in words, as a model would understand them.

A system message lists them, a tool a line, and shows how a call is written:

    <tools>
    {"type":"function","function":{"name":"Read", …}}
    </tools>
    … <tool_call> {"name": "NAME", …} </tool_call> …

What came of a call stands in a message of the user's, between `<tool_response>` and
`</tool_response>`, where a result's own such tags have a backslash.  A last system message may
say that a call must be made, of any tool or of one by name.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from lingma_proxy.jsonio import JsonObject, an_object, dumps, loads
from lingma_proxy.simulator.chat_body import Message, NamedFunction, NamedTool, Tool

LISTED = re.compile(r"^<tools>\n(.*?)^</tools>$", re.DOTALL | re.MULTILINE)
RESULT = re.compile(r"<tool_response([^>\n]*)>\n(.*?)\n</tool_response>\n?", re.DOTALL)
ESCAPED = re.compile(r"<\\(?=\\*/?tool_response\b)", re.IGNORECASE | re.ASCII)
ANY = re.compile(r"must call at least one|必须至少调用")
ONE = re.compile(r"must call the tool ([\w-]+)|必须调用工具 ([\w-]+)")
SHORT = 200
"""Characters of a message that demands a call and says nothing else."""
FRAGMENT = 9
"""Characters of a call in one delta."""


Choice: TypeAlias = Literal["required"] | NamedTool | None
Spell: TypeAlias = Callable[[str, str], str]
"""How a call is written: name and arguments (JSON text) in, text out."""


@dataclass(frozen=True, slots=True)
class Told:
    """A conversation as somebody sees it who has read what it says of tools."""

    messages: list[Message]
    """Without what is said of tools; results are messages of tools'."""
    tools: list[Tool]
    choice: Choice
    spell: Spell


def read(messages: Sequence[Message]) -> Told:
    rest: list[Message] = []
    tools: list[Tool] = []
    choice: Choice = None
    spell: Spell = json_block
    for message in messages:
        if message.role == "system" and (found := LISTED.search(message.text)):
            tools = [tool for line in found[1].splitlines() if (tool := declared(line))]
            spell = spelling(message.text[found.end() :])
        elif tools and (demanded := demand(message)):
            choice = demanded
        elif message.role == "user" and message.text.startswith("<tool_response"):
            choice = None
            rest += answered(message)
        else:
            # What was demanded of an earlier answer is not demanded of this one.
            choice = None if message.role == "user" else choice
            rest.append(message)
    return Told(rest, tools, choice, spell)


def demand(message: Message) -> Choice:
    if message.role != "system" or len(message.text) > SHORT:
        return None
    if found := ONE.search(message.text):
        return NamedTool(NamedFunction(found[1] or found[2]), "function")
    return "required" if ANY.search(message.text) else None


def declared(line: str) -> Tool | None:
    try:
        return msgspec.convert(loads(line), Tool)
    except (ValueError, msgspec.ValidationError):
        return None


def answered(message: Message) -> list[Message]:
    """The results in a message, and then what the user says besides."""
    found = [
        Message("tool", ESCAPED.sub("<", result[2])) for result in RESULT.finditer(message.text)
    ]
    said = RESULT.sub("", message.text).strip("\n")
    if found and message.pictures:
        found[-1].parts = [part for part in message.content or () if not isinstance(part, str)]
    return [*found, Message("user", said)] if said else found


def spelling(example: str) -> Spell:
    """How calls are written after this example."""
    if "<function=NAME>" in example:
        return function_tags
    if '<invoke name="NAME">' in example:
        return invoke_tags
    return json_block


def json_block(name: str, arguments: str) -> str:
    return f'<tool_call>\n{{"name": {dumps(name)}, "arguments": {arguments}}}\n</tool_call>'


def function_tags(name: str, arguments: str) -> str:
    each = [f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in bare(arguments)]
    return f"<tool_call>\n<function={name}>\n{''.join(each)}</function>\n</tool_call>"


def invoke_tags(name: str, arguments: str) -> str:
    each = [f'<parameter name="{key}">{value}</parameter>\n' for key, value in bare(arguments)]
    calls = f'<invoke name="{name}">\n{"".join(each)}</invoke>'
    return f"<function_calls>\n{calls}\n</function_calls>"


def bare(arguments: str) -> list[tuple[str, str]]:
    """Each argument by itself: a string as it is, anything else as JSON."""
    members = an_object(loads(arguments))
    return [
        (key, value if isinstance(value, str) else dumps(value)) for key, value in members.items()
    ]


def in_text(deltas: Sequence[JsonObject], spell: Spell) -> list[JsonObject]:
    """Deltas with calls, as deltas of text."""
    found: list[JsonObject] = []
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        fragments = delta.get("tool_calls")
        if fragments is None:
            found.append(delta)
            continue
        for fragment in fragments:
            function = fragment["function"]
            call = calls.setdefault(fragment["index"], ["", ""])
            call[0] += function.get("name", "")
            call[1] += function.get("arguments", "")
    text = "\n".join(spell(name, arguments) for name, arguments in calls.values())
    found += [{"content": text[at : at + FRAGMENT]} for at in range(0, len(text), FRAGMENT)]
    return found
