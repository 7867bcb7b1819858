"""What the simulated model says: a small person.

    "… exactly one word …: pong"      PONG
    TOOLTEST, with tools              calls the shell (or reads hello.txt)
    JSON demanded                     the smallest object that fits the schema
    a tool's result                   DONE: <the result>
    MEMORYTEST                        what the user asked before, oldest first
    pictures                          their sizes in pixels
    an assistant's turn, unfinished   goes on where it stops
    anything else                     says that it is a simulator, and repeats the question

An answer is a list of deltas as OpenAI's chunks hold them, so that a test can read what
it will see on the wire.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder

from lingma_proxy.jsonio import Json, JsonObject, dumps
from lingma_proxy.simulator.chat_body import ChatBody, Function, Message, NamedTool
from lingma_proxy.simulator.instance import instance
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.tool_use import practical, smallest

INTRODUCTION = "I am the built-in simulator of Lingma, not a model. You asked: "
THOUGHTS = "The question is short, and I am a simulator: I shall repeat it or do as it says."
REMEMBERED = "I remember: "
LONGEST_ECHO = 4000
"""Characters of a question that are repeated."""

FRAGMENT = 9
"""Characters of a call's arguments in one delta."""

WORD = re.compile(r"\s*\S{1,24}|\s+\Z")
REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>\s*", re.DOTALL)
ONE_WORD = re.compile(r"exactly one word\b([^:]*):\s*([^\s.!?<]+)", re.IGNORECASE)
ONLY_JSON = re.compile(
    r"\b(?:only|nothing but)\b[^.\n]{0,40}\bJSON\b|\bJSON\b[^.\n]{0,40}\bnothing else\b",
    re.IGNORECASE,
)
DEMANDED_EARLY = 300
"""Characters of a system message in which it says what it demands.  Further down, a long
prompt may speak of JSON as of many other things."""
ANNOUNCED = re.compile(r"JSON Schema[^{]{0,100}(?=\{)")
SCHEMA_WORDS = frozenset(
    {"type", "properties", "required", "$ref", "$defs", "anyOf", "oneOf", "allOf", "enum", "const"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: deltas, and why it ends (None: it does not say)."""

    deltas: tuple[JsonObject, ...]
    finish: str | None = "stop"


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be answered, found in the messages."""

    question: str
    """The last text of the user, without what clients wrap around it."""
    pictures: tuple[str, ...] = ()
    results: tuple[Message, ...] = ()
    """What the tools answered, if they spoke last."""
    begun: str | None = None
    """The assistant's own turn, if it is to go on with it."""


def answer(
    body: ChatBody,
    new_id: Callable[[], str],
    look: Callable[[str], Picture | None],
) -> Answer:
    """The small person's answer.  `look` finds the picture behind a URL."""
    turn = find_turn(body)
    thought = thoughts(THOUGHTS) if body.model_config.is_reasoning else []
    if called := choose_call(body, turn):
        tool, arguments = called
        return Answer((*thought, *call(0, new_id(), tool.name, arguments)), "tool_calls")
    said = reply_text(body, turn, look)
    if turn.begun:
        said = said.removeprefix(turn.begun) if said.startswith(turn.begun) else f" … {said}"
    return Answer((*thought, *words(said)))


def find_turn(body: ChatBody) -> Turn:
    spoken = [message for message in body.messages if message.role != "system"]
    asked = [message for message in spoken if message.role == "user" and _says(message)]
    last = asked[-1] if asked else (spoken or body.messages)[-1]
    question = _without_reminders(last.text)
    while spoken and spoken[-1].role == "user" and not _says(spoken[-1]):
        spoken.pop()
    if spoken and spoken[-1].role == "tool":
        count = next(at for at, message in enumerate(spoken[::-1]) if message.role != "tool")
        return Turn(question, results=tuple(spoken[len(spoken) - count :]))
    if spoken and spoken[-1].role == "assistant":
        return Turn(question, begun=spoken[-1].text)
    anywhere = any(message.pictures for message in body.messages)
    beside = () if anywhere else body.image_urls or ()
    return Turn(question, pictures=tuple(last.pictures or beside))


def choose_call(body: ChatBody, turn: Turn) -> tuple[Function, str] | None:
    """The tool that is to be called, with its arguments."""
    tools = [tool.function for tool in body.tools or ()]
    if not tools or body.tool_choice == "none":
        return None
    if isinstance(body.tool_choice, NamedTool):
        tools = [tool for tool in tools if tool.name == body.tool_choice.function.name]
    elif body.tool_choice != "required" and (turn.results or "TOOLTEST" not in turn.question):
        return None
    if found := practical(tools):
        return found
    return (tools[0], smallest(tools[0])) if body.tool_choice not in (None, "auto") else None


def reply_text(body: ChatBody, turn: Turn, look: Callable[[str], Picture | None]) -> str:
    demanded, schema = json_demand(body)
    if demanded:
        return dumps(instance(schema))
    if turn.results:
        return "DONE: " + "\n".join(result_text(result, look) for result in turn.results)
    if "MEMORYTEST" in turn.question:
        return REMEMBERED + (" | ".join(earlier(body)) or "nothing")
    if word := ONE_WORD.search(turn.question):
        return word[2].upper() if "capital" in word[1].lower() else word[2]
    if turn.pictures:
        return describe(turn.pictures, look)
    if len(turn.question) <= LONGEST_ECHO:
        return INTRODUCTION + turn.question
    rest = len(turn.question) - LONGEST_ECHO
    return f"{INTRODUCTION}{turn.question[:LONGEST_ECHO]} … and {rest} characters more."


def earlier(body: ChatBody) -> list[str]:
    """What the user said before the last time."""
    asked = [message for message in body.messages if message.role == "user" and _says(message)]
    return [_without_reminders(message.text) for message in asked[:-1]]


def result_text(result: Message, look: Callable[[str], Picture | None]) -> str:
    """A tool's result on one line, for people who look for it there."""
    text = " ".join(line for line in result.text.splitlines() if line.strip())
    if result.pictures:
        text = " ".join(filter(None, (text, describe(result.pictures, look))))
    return text


def describe(urls: Sequence[str], look: Callable[[str], Picture | None]) -> str:
    seen = [str(look(url) or "something that is no picture to me") for url in urls]
    return f"I cannot see, but I can measure: {'; '.join(seen)}."


def json_demand(body: ChatBody) -> tuple[bool, Json]:
    """Whether only JSON is wanted, and by which schema."""
    demanded = False
    for message in reversed(body.messages):
        if message.role != "system":
            continue
        announced = ANNOUNCED.search(message.text, 0, DEMANDED_EARLY)
        if announced and (schema := schema_at(message.text, announced.end())) is not None:
            return True, schema
        demanded = demanded or bool(ONLY_JSON.search(message.text, 0, DEMANDED_EARLY))
    return demanded, {
        "type": "object",
        "properties": {"answer": {"type": "string"}},
        "required": ["answer"],
    }


def schema_at(text: str, start: int) -> JsonObject | None:
    """The schema that begins there, if one does."""
    try:
        value, _ = JSONDecoder().raw_decode(text, start)
    except (JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) and SCHEMA_WORDS & set(value) else None


def words(text: str) -> list[JsonObject]:
    """The text word by word; together they are the text, blanks and all."""
    return [{"content": word} for word in WORD.findall(text)]


def thoughts(text: str) -> list[JsonObject]:
    return [{"reasoning_content": word} for word in WORD.findall(text)]


def call(index: int, id: str, name: str, arguments: str) -> list[JsonObject]:
    """A call in fragments: the first names it, the others bring the arguments."""
    first: JsonObject = {
        "index": index,
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }
    pieces = [arguments[at : at + FRAGMENT] for at in range(0, len(arguments), FRAGMENT)]
    rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
    return [{"tool_calls": [fragment]} for fragment in (first, *rest)]


def _says(message: Message) -> bool:
    return bool(_without_reminders(message.text).strip() or message.pictures)


def _without_reminders(text: str) -> str:
    return REMINDER.sub("", text)
