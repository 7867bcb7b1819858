"""The messages of OpenAI Chat, decoded.

    system, developer          ▸ system, where they stand
    user                       ▸ user       text, images, documents
    assistant                  ▸ assistant  thinking, then text, then calls
    tool tool … (or function)  ▸ user       one message with all of their results

Nothing is trimmed or moved.  Unknown fields pass; unknown roles and unknown parts of
content are refused, for an answer that does not know them would be a wrong one.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TypeVar

from lingma_proxy.conversation.request import (
    Message,
    Part,
    Shown,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.openai_custom_tools import as_arguments
from lingma_proxy.dialects.openai_shared import (
    a_list_at,
    document,
    image,
    kind_of,
    refused,
    string,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject

P = TypeVar("P", bound=Part)


def conversation(value: Json) -> tuple[Message, ...]:
    match value:
        case [_, *_]:
            decoded = [message(each, f"messages[{index}]") for index, each in enumerate(value)]
            return joined(decoded)
        case []:
            raise refused("messages", "is empty; at least one message is needed.")
        case None:
            raise refused("messages", "is missing; it is a list of messages.")
        case _:
            raise refused("messages", f"is a list of messages, not {kind_of(value)}.")


def joined(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Results that follow one another become one message: together they answer one turn."""
    turns: list[Message] = []
    for results, run in groupby(messages, key=holds_result):
        if results:
            turns.append(Message("user", tuple(part for each in run for part in each.parts)))
        else:
            turns += run
    return tuple(turns)


def holds_result(message: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in message.parts)


def message(value: Json, place: str) -> Message:
    """One message.  A result is a message of the user's, for `joined` to join."""
    match value:
        case {"role": "system" | "developer"}:
            text = content(value.get("content"), f"{place}.content", text_part)
            return Message("system", text, string(value, "name", f"{place}."))
        case {"role": "user"}:
            said = content(value.get("content"), f"{place}.content", user_part)
            return Message("user", said, string(value, "name", f"{place}."))
        case {"role": "assistant"}:
            return Message(
                "assistant", assistant_parts(value, place), string(value, "name", f"{place}.")
            )
        case {"role": "tool", "tool_call_id": str(call_id)}:
            return Message("user", (ToolResult(call_id, result(value, place)),))
        case {"role": "tool"}:
            raise refused(f"{place}.tool_call_id", "is the id of the call that is answered.")
        case {"role": "function", "name": str(name)}:
            return Message("user", (ToolResult(function_id(name), result(value, place)),))
        case {"role": "function"}:
            raise refused(f"{place}.name", "is the name of the function that was called.")
        case {"role": str(role)}:
            raise refused(
                f"{place}.role",
                f"{role[:40]!r} is not supported; it is system, developer, user, assistant or tool.",
            )
        case dict():
            raise refused(f"{place}.role", "is missing.")
        case _:
            raise refused(place, f"is an object, not {kind_of(value)}.")


def function_id(name: str) -> str:
    """A `function_call` has no id; its result names the function.  So the name is the id."""
    return f"function_{name}"


def content(value: Json, place: str, read: Callable[[Json, str], P]) -> "tuple[P | Text, ...]":
    """A string, or a list of parts that `read` reads."""
    match value:
        case str():
            return (Text(value),)
        case [_, *_]:
            return tuple(read(each, f"{place}[{index}]") for index, each in enumerate(value))
        case [] | None:
            raise refused(place, "is missing; it is a string or a list of parts.")
        case _:
            raise refused(place, f"is a string or a list of parts, not {kind_of(value)}.")


def result(value: JsonObject, place: str) -> tuple[Shown, ...]:
    """What came of a call, which may be nothing at all."""
    match value.get("content"):
        case None | []:
            return ()
        case some:
            return content(some, f"{place}.content", user_part)


def assistant_parts(value: JsonObject, place: str) -> tuple[Part, ...]:
    """Thinking, then text, then calls.  A turn in which nothing was said has no parts."""
    parts: list[Part] = []
    thought = value.get("reasoning_content") or value.get("reasoning")
    if isinstance(thought, str) and thought:  # clients replay it in shapes of their own
        parts.append(Thinking(thought))
    if value.get("audio") is not None:
        raise refused(f"{place}.audio", "cannot be heard here; send what was said as content.")
    match value.get("content"):
        case None | []:
            pass
        case said:
            parts += content(said, f"{place}.content", assistant_part)
    if refusal := string(value, "refusal", f"{place}."):
        parts.append(Text(refusal))
    for index, call in enumerate(a_list_at(value, "tool_calls", f"{place}.")):
        parts.append(tool_call(call, f"{place}.tool_calls[{index}]"))
    match value.get("function_call"):
        case None:
            pass
        case {"name": str(name), "arguments": str(arguments)}:
            parts.append(ToolCall(function_id(name), name, arguments))
        case _:
            raise refused(f"{place}.function_call", "is an object with a name and arguments.")
    return tuple(parts)


def tool_call(value: Json, place: str) -> ToolCall:
    match value:
        case {"type": "custom", "id": str(id), "custom": {"name": str(name), "input": str(input)}}:
            return ToolCall(id, name, as_arguments(input))
        case {"type": "custom"}:
            raise refused(place, "of type custom is an object with an id, a name and an input.")
        case {"id": str(id), "function": {"name": str(name), "arguments": str(arguments)}}:
            return ToolCall(id, name, arguments)
        case {"id": str(), "function": {"name": str()}}:
            raise refused(f"{place}.function.arguments", "is a string that holds JSON.")
        case _:
            raise refused(place, "is an object with an id and a function.")


def text_part(value: Json, place: str) -> Text:
    match value:
        case {"type": "text" | "input_text", "text": str(text)}:
            return Text(text)
        case _:
            raise strange(value, place)


def assistant_part(value: Json, place: str) -> Text:
    match value:
        case {"type": "text" | "output_text", "text": str(text)}:
            return Text(text)
        case {"type": "refusal", "refusal": str(text)}:
            return Text(text)
        case _:
            raise strange(value, place)


def user_part(value: Json, place: str) -> Shown:
    match value:
        case {"type": "text" | "input_text", "text": str(text)}:
            return Text(text)
        case {"type": "image_url", "image_url": str(url) | {"url": str(url)}}:
            return image(url, f"{place}.image_url")
        case {"type": "file", "file": dict(file)}:
            return document(file, f"{place}.file")
        case _:
            raise strange(value, place)


def strange(value: Json, place: str) -> InvalidRequest:
    match value:
        case {"type": "input_audio" | "audio"}:
            return refused(place, "is audio, which no model here can hear; send what is said.")
        case {"type": "text" | "refusal" | "image_url" | "file" as kind}:
            return refused(place, f"of type {kind} is incomplete, or stands in the wrong message.")
        case {"type": str(kind)}:
            return refused(place, f"of type {kind[:40]!r} is not supported.")
        case _:
            return refused(place, f"is an object with a type, not {kind_of(value)}.")
