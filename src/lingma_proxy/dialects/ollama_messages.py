"""The messages of Ollama's chat, decoded.

    system     ▸ system, where it stands
    user       ▸ user       images, then text
    assistant  ▸ assistant  thinking, then text, then calls
    tool tool  ▸ user       one message with all of their results

Calls need no ids there: a result names its tool, or only follows.  So each call gets an id
from its place, the same each time the conversation is sent, and a result answers the call
whose id it gives, else the first open one of its tool, else the first open one.
"""

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
    open_calls: list[ToolCall] = []
    for index, each in enumerate(value):
        place = f"messages[{index}]"
        match each:
            case {"role": "tool"}:
                messages.append(result(each, place, open_calls))
            case {"role": "assistant"}:
                said = assistant(each, place, f"call_{index}")
                if not (messages and messages[-1].role == "assistant"):
                    open_calls.clear()
                open_calls += [part for part in said.parts if isinstance(part, ToolCall)]
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


def result(value: JsonObject, place: str, open_calls: list[ToolCall]) -> Message:
    """The result of one of the open calls, which is open no longer."""
    id = string(value, "tool_call_id", f"{place}.")
    name = string(value, "tool_name", f"{place}.") or string(value, "name", f"{place}.")
    answered = next((call for call in open_calls if call.id == id), None)
    if answered is None:
        answered = next((call for call in open_calls if call.name == name), None)
    if answered is None and open_calls:
        answered = open_calls[0]
    if answered is None:
        raise refused(
            place,
            "is the result of a tool, but no call of the assistant's before it waits for one.",
        )
    open_calls.remove(answered)
    text = content(value, place)
    words = (Text(text),) if text else ()
    return Message("user", (ToolResult(answered.id, (*words, *images(value, place))),))


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
