"""The messages of Ollama's chat, decoded.

    system     ▸ system, where it stands
    user       ▸ user       images, then text
    assistant  ▸ assistant  thinking, then text, then calls
    tool tool  ▸ user       one message with all of their results

Calls need no ids there: a result names its tool, or only follows.  So each call gets an id
from its place, the same each time the conversation is sent, and a result answers the call
whose id it gives, else the first open one of its tool, else the first open one.
"""

from collections import OrderedDict, deque

from lingma_proxy.conversation.request import (
    Image,
    ImageLink,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.openai_chat_messages import joined
from lingma_proxy.dialects.openai_shared import a_list_at, image, kind_of, refused, string
from lingma_proxy.jsonio import Json, JsonObject, dumps
from lingma_proxy.wire import data_url

UNNAMED = "application/octet-stream"
"""The media type of pictures, which nobody says; their first bytes tell (`PrepareImages`)."""


def conversation(value: Json) -> tuple[Message, ...]:
    match value:
        case None:
            return ()
        case list():
            pass
        case _:
            raise refused("messages", f"is a list of messages, not {kind_of(value)}.")
    messages: list[Message] = []
    open_calls = OpenCalls()
    for index, each in enumerate(value):
        place = f"messages[{index}]"
        match each:
            case {"role": "tool"}:
                messages.append(result(each, place, open_calls))
            case {"role": "assistant"}:
                said = assistant(each, place, f"call_{index}")
                if not (messages and messages[-1].role == "assistant"):
                    open_calls.clear()
                open_calls.add(said)
                messages.append(said)
            case _:
                messages.append(message(each, place))
    return joined(messages)


def message(value: Json, place: str) -> Message:
    match value:
        case {"role": "system" | "developer"}:
            no_images(value, place)
            return Message("system", (Text(content(value, place)),))
        case {"role": "user"}:
            pictures = images(value, place)
            text = content(value, place)
            words = (Text(text),) if text or not pictures else ()
            return Message("user", (*pictures, *words))
        case {"role": str(role)}:
            raise refused(
                f"{place}.role",
                f"{role[:40]!r} is not supported; it is system, user, assistant or tool.",
            )
        case dict():
            raise refused(f"{place}.role", "is missing.")
        case _:
            raise refused(place, f"is an object, not {kind_of(value)}.")


def assistant(value: JsonObject, place: str, prefix: str) -> Message:
    """`prefix` is what the ids of calls begin with that have none."""
    no_images(value, place)
    parts: list[Thinking | Text | ToolCall] = []
    if thought := string(value, "thinking", f"{place}."):
        parts.append(Thinking(thought))
    if text := content(value, place):
        parts.append(Text(text))
    for at, call in enumerate(a_list_at(value, "tool_calls", f"{place}.")):
        parts.append(tool_call(call, f"{place}.tool_calls[{at}]", f"{prefix}_{at}"))
    return Message("assistant", tuple(parts))


def tool_call(value: Json, place: str, otherwise: str) -> ToolCall:
    match value:
        case {"function": {"name": str(name), "arguments": dict() as arguments}}:
            written = dumps(arguments)
        case {"function": {"name": str(name), "arguments": None}}:
            written = "{}"
        case {"function": {"name": str(), "arguments": given}}:
            raise refused(f"{place}.function.arguments", f"is an object, not {kind_of(given)}.")
        case {"function": {"name": str(name)}}:
            written = "{}"
        case _:
            raise refused(place, "is an object with a function, which has a name and arguments.")
    return ToolCall(string(value, "id", f"{place}.") or otherwise, name, written)


class OpenCalls:
    """The calls of a turn that have no result yet.  However many there are, one is found at once."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        """By id, in the order in which they were made."""
        self._ids: dict[str, deque[str]] = {}
        """By name, in that order, too; some of them have a result by now."""

    def clear(self) -> None:
        self._names.clear()
        self._ids.clear()

    def add(self, message: Message) -> None:
        for part in message.parts:
            if isinstance(part, ToolCall):
                self._names[part.id] = part.name
                self._ids.setdefault(part.name, deque()).append(part.id)

    def take(self, id: str | None, name: str | None) -> str | None:
        """The id of the call that a result answers, which is open no longer; None if none is."""
        found = id if id in self._names else self._first_called(name)
        if found is not None:
            del self._names[found]
        return found

    def _first_called(self, name: str | None) -> str | None:
        ids = self._ids.get(name or "", deque())
        while ids:
            if (first := ids.popleft()) in self._names:
                return first
        return next(iter(self._names), None)


def result(value: JsonObject, place: str, open_calls: OpenCalls) -> Message:
    """The result of one of the open calls."""
    id = string(value, "tool_call_id", f"{place}.")
    name = string(value, "tool_name", f"{place}.") or string(value, "name", f"{place}.")
    answered = open_calls.take(id, name)
    if answered is None:
        raise refused(
            place,
            "is the result of a tool, but no call of the assistant's before it waits for one.",
        )
    text = content(value, place)
    words = (Text(text),) if text else ()
    return Message("user", (ToolResult(answered, (*words, *images(value, place))),))


def content(value: JsonObject, place: str) -> str:
    return string(value, "content", f"{place}.") or ""


def images(value: JsonObject, place: str) -> tuple[Image | ImageLink, ...]:
    return tuple(
        picture(each, f"{place}.images[{at}]" if place else f"images[{at}]")
        for at, each in enumerate(a_list_at(value, "images", f"{place}." if place else ""))
    )


def picture(value: Json, place: str) -> Image | ImageLink:
    """Base64, as it should be; or a data URL, as it often is."""
    match value:
        case str() if data_url.is_data_url(value):
            return image(value, place)
        case str():
            pass
        case _:
            raise refused(place, f"is base64, in a string, not {kind_of(value)}.")
    try:
        data = data_url.base64(value)
    except ValueError as error:
        raise refused(place, f"cannot be read: {error}.") from None
    if not data:
        raise refused(place, "is empty; it is an image in base64.")
    return Image(UNNAMED, data)


def no_images(value: JsonObject, place: str) -> None:
    if value.get("images"):
        raise refused(f"{place}.images", "can stand only in what the user or a tool says.")
