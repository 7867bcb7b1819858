"""The input of OpenAI Responses, decoded: items, of which several make one turn.

    message                                  ▸ system, user or assistant, where it stands
    reasoning, message, calls …              ▸ one message of the assistant's
    outputs of calls …                       ▸ one message of the user's
    calls that OpenAI ran itself             ▸ left out with a warning; MCP's are kept

Nothing is trimmed or moved.  Unknown fields pass; unknown items and unknown parts of
content are refused, for an answer that does not know them would be a wrong one.
"""

from collections.abc import Callable, Iterator, Sequence

from lingma_proxy.conversation.request import (
    Message,
    Part,
    Shown,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects import openai_reasoning_content
from lingma_proxy.dialects.openai_custom_tools import as_arguments
from lingma_proxy.dialects.openai_responses_tools import Kind, Offer
from lingma_proxy.dialects.openai_shared import document, image, kind_of, refused, string
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, an_object, dumps, objects

LEFT_OUT = frozenset(
    [
        "code_interpreter_call",
        "configuration_update",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_list_tools",
        "program",
        "program_output",
        "web_search_call",
    ]
)
"""What OpenAI did for itself in between: the answers after it tell what came of it."""
UNREADABLE = (
    "[The beginning of this conversation was summarized in a form that only its author can read.]"
)


def as_list(value: Json) -> list[Json]:
    """The items of `input`; a string is one message of the user's."""
    match value:
        case None:
            return []
        case str():
            return [{"type": "message", "role": "user", "content": value}]
        case list():
            return value
        case dict():
            return [value]
        case _:
            raise refused("input", f"is a string or a list of items, not {kind_of(value)}.")


class Items:
    """Reads the items of one request.  `warnings` grows on the way."""

    def __init__(self, items: Sequence[Json], offer: Offer) -> None:
        self._items = items
        self._offer = offer
        self._left_out: dict[str, None] = {}
        self._call_ids = {
            item["id"]: item["call_id"]
            for item in objects(list(items))
            if isinstance(item.get("id"), str) and isinstance(item.get("call_id"), str)
        }
        """By the ids of items: the output of a shell may name the call's item."""

    @property
    def warnings(self) -> Iterator[str]:
        for kind in self._left_out:
            yield f"input: items of type {kind!r} are left out."

    def messages(self, name: str = "input") -> tuple[Message, ...]:
        """Raises InvalidRequest."""
        turns: list[list[Message]] = []
        for index, item in enumerate(self._items):
            for message in self._item(item, f"{name}[{index}]"):
                if turns and belongs(message, turns[-1][-1]):
                    turns[-1].append(message)
                else:
                    turns.append([message])
        return tuple(
            Message(turn[0].role, tuple(part for each in turn for part in each.parts))
            for turn in turns
        )

    def _item(self, value: Json, place: str) -> Iterator[Message]:
        match value:
            case {"type": "message"} | {"type": None, "role": _}:
                yield message(value, place)
            case {"role": _} if "type" not in value:
                yield message(value, place)
            case {"type": "reasoning"}:
                yield from thought(value)
            case {"type": "function_call"}:
                yield self._call("function", value, text_at(value, "arguments", place), place)
            case {"type": "custom_tool_call"}:
                arguments = as_arguments(text_at(value, "input", place))
                yield self._call("custom", value, arguments, place)
            case {"type": "local_shell_call"}:
                action = given(value.get("action"), "type")
                yield self._call(
                    "local_shell", {**value, "name": "local_shell"}, dumps(action), place
                )
            case {"type": "tool_search_call" | "tool_search_output", "execution": "server"}:
                self._left_out["tool_search_call"] = None
            case {"type": "tool_search_call"}:
                found = value.get("arguments")
                arguments = found if isinstance(found, str) else dumps(found)
                yield self._call("tool_search", {**value, "name": "tool_search"}, arguments, place)
            case {"type": "tool_search_output"}:
                yield self._result(value, (Text(dumps(value.get("tools"))),), place)
            case {
                "type": "function_call_output"
                | "custom_tool_call_output"
                | "local_shell_call_output"
            }:
                yield self._result(value, output(value.get("output"), f"{place}.output"), place)
            case {"type": "shell_call" | "apply_patch_call" | "computer_call" as kind}:
                arguments = dumps(given(value, "type", "id", "call_id", "status"))
                named = {**value, "name": kind.removesuffix("_call")}
                yield self._call("function", named, arguments, place)
            case {"type": "shell_call_output" | "apply_patch_call_output"}:
                said = value.get("output")
                text = said if isinstance(said, str) else dumps(said)
                yield self._result(value, (Text(text),), place)
            case {"type": "computer_call_output", "output": {"image_url": str(url)}}:
                yield self._result(value, (image(url, f"{place}.output.image_url"),), place)
            case {"type": "mcp_call", "id": str(id), "name": str(name), "arguments": str(written)}:
                yield Message("assistant", (ToolCall(id, name, written),))
                said = value.get("output")
                failed = value.get("error")
                text = said if isinstance(said, str) else dumps(failed) if failed else ""
                yield Message("user", (ToolResult(id, (Text(text),), is_error=bool(failed)),))
            case {"type": "compaction" | "compaction_summary" | "context_compaction" as kind}:
                self._left_out[kind] = None
                yield Message("system", (Text(UNREADABLE),))
            case {"type": "additional_tools"}:
                pass  # `openai_responses_tools` has them
            case {"type": str(kind)} if kind in LEFT_OUT:
                self._left_out[kind] = None
            case _:
                raise strange_item(value, place)

    def _call(self, kind: Kind, value: JsonObject, arguments: str, place: str) -> Message:
        match value:
            case {"call_id": str(id), "name": str(name)} | {"id": str(id), "name": str(name)}:
                namespace = string(value, "namespace", f"{place}.")
                called = self._offer.name(kind, name, namespace)
                return Message("assistant", (ToolCall(id, called, arguments),))
            case {"name": str()}:
                raise refused(f"{place}.call_id", "is the id of the call, a string.")
            case _:
                raise refused(f"{place}.name", "is the name of the tool that was called.")

    def _result(self, value: JsonObject, content: tuple[Shown, ...], place: str) -> Message:
        match value:
            case {"call_id": str(id)}:
                pass
            case {"id": str(item)}:
                id = self._call_ids.get(item, item)
            case _:
                raise refused(f"{place}.call_id", "is the id of the call that is answered.")
        return Message("user", (ToolResult(id, content),))


def belongs(message: Message, before: Message) -> bool:
    """Whether an item goes on with the turn before it, rather than beginning another."""
    match message.role:
        case "assistant":
            # Two messages in a row are two replies; nothing else ends one.
            return before.role == "assistant" and not (says(message) and says(before))
        case "user":
            return holds_result(message) and holds_result(before)
        case "system":
            return False


def says(message: Message) -> bool:
    """Whether its last word is text; an empty message is text, too."""
    return not message.parts or isinstance(message.parts[-1], Text)


def holds_result(message: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in message.parts)


def text_at(value: JsonObject, name: str, place: str) -> str:
    match value.get(name):
        case str() as text:
            return text
        case other:
            raise refused(f"{place}.{name}", f"is a string, not {kind_of(other)}.")


def given(value: Json, *without: str) -> JsonObject:
    return {
        name: each
        for name, each in an_object(value).items()
        if each is not None and name not in without
    }


# Messages.


def message(value: JsonObject, place: str) -> Message:
    said = value.get("content")
    match value.get("role"):
        case "system" | "developer":
            return Message("system", content(said, f"{place}.content", text_part))
        case "user":
            return Message("user", content(said, f"{place}.content", user_part))
        case "assistant":
            return Message("assistant", content(said, f"{place}.content", text_part))
        case str(role):
            raise refused(
                f"{place}.role",
                f"{role[:40]!r} is not supported; it is system, developer, user or assistant.",
            )
        case None:
            raise refused(f"{place}.role", "is missing.")
        case other:
            raise refused(f"{place}.role", f"is a string, not {kind_of(other)}.")


def content(value: Json, place: str, read: Callable[[Json, str], Part]) -> tuple[Part, ...]:
    """A string, or a list of parts that `read` reads, which may be empty."""
    match value:
        case str():
            return (Text(value),)
        case list():
            return tuple(read(each, f"{place}[{index}]") for index, each in enumerate(value))
        case None:
            raise refused(place, "is missing; it is a string or a list of parts.")
        case _:
            raise refused(place, f"is a string or a list of parts, not {kind_of(value)}.")


def text_part(value: Json, place: str) -> Text:
    match value:
        case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
            return Text(text)
        case {"type": "refusal", "refusal": str(text)}:
            return Text(text)
        case _:
            raise strange_part(value, place)


def user_part(value: Json, place: str) -> Shown:
    match value:
        case {"type": "input_file"}:
            return document(value, place)
        case {"type": "input_image" | "image_url", "image_url": str(url) | {"url": str(url)}}:
            return image(url, f"{place}.image_url")
        case {"type": "computer_screenshot", "image_url": str(url)}:
            return image(url, f"{place}.image_url")
        case _:
            return text_part(value, place)


def output(value: Json, place: str) -> tuple[Shown, ...]:
    """What came of a call, which may be nothing at all."""
    match value:
        case None:
            return ()
        case str():
            return (Text(value),)
        case list():
            return tuple(user_part(each, f"{place}[{index}]") for index, each in enumerate(value))
        case _:
            raise refused(place, f"is a string or a list of parts, not {kind_of(value)}.")


def thought(value: JsonObject) -> Iterator[Message]:
    """What the model thought: as we hid it, or else as others show it; or nothing."""
    hidden = openai_reasoning_content.revealed(value.get("encrypted_content"))
    shown = objects(value.get("content")) or objects(value.get("summary"))
    texts = [each["text"] for each in shown if isinstance(each.get("text"), str)]
    if hidden is not None:
        yield Message("assistant", (hidden,))
    elif any(texts):
        yield Message("assistant", (Thinking("\n\n".join(texts)),))


def strange_part(value: Json, place: str) -> InvalidRequest:
    match value:
        case {"type": "input_image", "file_id": str()}:
            return refused(place, "names a file at OpenAI's; send the image as a URL.")
        case {"type": "input_audio"}:
            return refused(place, "is audio, which no model here can hear; send what is said.")
        case {"type": "input_file"}:
            return refused(place, "is a file, which only the user and results can show.")
        case {"type": "input_text" | "output_text" | "refusal" | "input_image" as kind}:
            return refused(place, f"of type {kind} is incomplete, or stands in the wrong message.")
        case {"type": str(kind)}:
            return refused(place, f"of type {kind[:40]!r} is not supported.")
        case _:
            return refused(place, f"is an object with a type, not {kind_of(value)}.")


def strange_item(value: Json, place: str) -> InvalidRequest:
    match value:
        case {"type": "item_reference"}:
            return refused(
                place, "refers to an item that is not stored here; send the item itself."
            )
        case {"type": "compaction_trigger"}:
            return refused(
                place, "asks for a summary of OpenAI's own kind; ask the model for one in words."
            )
        case {"type": "mcp_call" | "computer_call_output" as kind}:
            return refused(place, f"of type {kind} is incomplete.")
        case {"type": str(kind)}:
            return refused(f"{place}.type", f"{kind[:40]!r} is not supported.")
        case dict():
            return refused(place, "is an object with a type or a role.")
        case _:
            return refused(place, f"is an object, not {kind_of(value)}.")
