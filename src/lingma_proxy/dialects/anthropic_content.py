"""Anthropic's messages and their content blocks, decoded: one arm per shape.

    messages: [{role: user | assistant | system, content: str | [block, …]}]

Order is kept and nothing is trimmed.  A block falls into one of these kinds:

    text, image, tool_use, tool_result, thinking     become the part of that name
    documents that are files, or links to them       become documents, for somebody to read
    a search of the web that was answered            becomes a call and its result
    other documents, search_result, what Anthropic's
    other tools did (server_tool_use, …)             become text that any model can read
    redacted_thinking, fallback, mcp_tool_listing,
    tool_addition, tool_removal                      are not for the model's eyes
    container_upload, file ids, the unknown          are refused in words

Places are named as Anthropic names them: `messages.3.content.1`.
"""

from collections.abc import Iterator, Sequence

from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Shown,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.search import told
from lingma_proxy.dialects.anthropic_search import decode_call, decode_result
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, an_object, dumps, loads, objects
from lingma_proxy.wire import data_url

MAX_WHY = 300

OPAQUE = {"encrypted_content", "encrypted_stdout", "encrypted_index", "cache_control", "caller"}
"""Fields that only Anthropic's servers can read, or that are none of the model's business."""


def refused(where: str, why: str) -> InvalidRequest:
    if len(why) > MAX_WHY:
        why = f"{why[:MAX_WHY]}…"  # it quotes something of the client's, of any length
    return InvalidRequest(f"{where}: {why}", param=where)


def decode_system(value: Json) -> list[Message]:
    """The top-level `system`: a string, or a list of text blocks."""
    match value:
        case None | []:
            return []
        case str(text):
            return [Message("system", (Text(text),))] if text else []
        case list(blocks):
            texts = (_system_text(block, f"system.{at}") for at, block in enumerate(blocks))
            return [Message("system", tuple(texts))]
        case _:
            raise refused("system", "a string or a list of text blocks is expected.")


def decode_messages(value: Json) -> list[Message]:
    if not isinstance(value, list):
        raise refused("messages", "a list of messages is required.")
    if not value:
        raise refused("messages", "at least one message is required.")
    last_user = max(
        (at for at, message in enumerate(value) if _role(message) == "user"), default=-1
    )
    messages: list[Message] = []
    for at, message in enumerate(value):
        messages += _messages(message, f"messages.{at}", cleared=at < last_user)
    return messages


def _role(message: Json) -> Json:
    return message.get("role") if isinstance(message, dict) else None


def _messages(message: Json, where: str, *, cleared: bool) -> Sequence[Message]:
    """One message; none, if it has nothing to say to the model; several, if it has searched.

    `cleared`: a later message of the user exists, which is when `clear_at` takes effect.
    """
    match message:
        case {"role": "system", "clear_at": "next_user_message"} if cleared:
            return ()
        case {"role": "user" | "assistant" | "system" as role, "content": str(text)}:
            return (Message(role, (Text(text),)),)
        case {"role": "assistant", "content": list(blocks)} if answered := _searches(blocks):
            return [*_searched(blocks, answered, f"{where}.content")]
        case {"role": "user" | "assistant" | "system" as role, "content": list(blocks)}:
            decode = {"user": _of_user, "assistant": _of_assistant, "system": _of_system}[role]
            parts: list[Part] = []
            for at, block in enumerate(blocks):
                parts += decode(block, f"{where}.content.{at}")
            # A message of which nothing is left (say, all of it redacted) is no message.
            return (Message(role, tuple(parts)),) if parts or not blocks else ()
        case {"role": "system", "output_config": dict()}:
            return ()
        case {"role": "user" | "assistant" | "system"}:
            raise refused(f"{where}.content", "a string or a list of content blocks is required.")
        case {"role": role}:
            raise refused(
                f"{where}.role", f"{role!r} is not a role; use user, assistant or system."
            )
        case _:
            raise refused(where, "an object with role and content is expected.")


def _searches(blocks: Sequence[Json]) -> set[str]:
    """The ids of the searches of the web among these blocks that have a result behind them."""
    asked: set[str] = set()
    answered: set[str] = set()
    for block in objects(blocks):
        if (call := decode_call(block)) is not None:
            asked.add(call.id)
        elif (result := decode_result(block)) is not None and result.call_id in asked:
            answered.add(result.call_id)
    return answered


def _searched(blocks: Sequence[Json], answered: set[str], where: str) -> Iterator[Message]:
    """What the assistant said and searched, as turns: its own, the results, its own, …"""
    answered = set(answered)
    parts: list[Part] = []
    results: list[Part] = []
    for at, block in enumerate(blocks):
        known = block if isinstance(block, dict) else {}
        if (result := decode_result(known)) is not None and result.call_id in answered:
            answered.remove(result.call_id)  # a second one would be one too many
            shown = (Text(told(result)),)
            results.append(ToolResult(result.call_id, shown, is_error=result.error is not None))
            continue
        if results:
            yield Message("assistant", tuple(parts))
            yield Message("user", tuple(results))
            parts, results = [], []
        if (call := decode_call(known)) is not None and call.id in answered:
            parts.append(ToolCall(call.id, call.name, dumps({"query": call.query})))
        else:
            parts += _of_assistant(block, f"{where}.{at}")
    if parts:
        yield Message("assistant", tuple(parts))
    if results:
        yield Message("user", tuple(results))


def _of_system(block: Json, where: str) -> list[Part]:
    match block:
        case {"type": "tool_addition" | "tool_removal"}:
            return []  # read by `anthropic_tools`
        case _:
            return [_system_text(block, where)]


def _system_text(block: Json, where: str) -> Text:
    match block:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case {"type": str(kind)}:
            raise refused(where, f"a system message holds text; {kind!r} cannot stand here.")
        case _:
            raise refused(where, "a text block is expected.")


def _of_user(block: Json, where: str) -> list[Part]:
    match block:
        case {"type": "tool_result", "tool_use_id": str(call_id)} if call_id:
            content = tuple(_result_content(block.get("content"), f"{where}.content"))
            return [ToolResult(call_id, content, is_error=block.get("is_error") is True)]
        case {"type": "tool_result"}:
            raise refused(f"{where}.tool_use_id", "the id of the tool_use is required.")
        case {"type": "tool_use" | "thinking" | "redacted_thinking" as kind}:
            raise refused(where, f"{kind!r} can only stand in a message of the assistant.")
        case _:
            return [*_shown(block, where)]


def _of_assistant(block: Json, where: str) -> list[Part]:
    match block:
        case {"type": "tool_use", "id": str(id), "name": str(name)} if id and name:
            return [ToolCall(id, name, _arguments(block.get("input"), f"{where}.input"))]
        case {"type": "tool_use"}:
            raise refused(where, "a tool_use needs an id and a name.")
        case {"type": "thinking", "thinking": str(text)}:
            signature = block.get("signature")
            return [Thinking(text, signature if isinstance(signature, str) else "")]
        case {"type": "thinking" | "redacted_thinking"}:
            return []  # of a shape that is not known, or encrypted for Anthropic's eyes
        case {"type": "tool_result" | "image" as kind}:
            raise refused(where, f"{kind!r} can only stand in a message of the user.")
        case _:
            return [*_shown(block, where)]


def _arguments(value: Json, where: str) -> str:
    match value:
        case None:
            return "{}"
        case dict():
            return dumps(value)
        case str(text):
            # Not in the API, but clients that keep arguments as text send them so.
            try:
                if isinstance(loads(text), dict):
                    return text
            except ValueError:
                pass
    raise refused(where, "an object is expected.")


def _result_content(value: Json, where: str) -> Iterator[Shown]:
    match value:
        case None | "":
            return
        case str(text):
            yield Text(text)
        case list(blocks):
            for at, block in enumerate(blocks):
                yield from _shown(block, f"{where}.{at}")
        case _:
            raise refused(where, "a string or a list of content blocks is expected.")


def _shown(block: Json, where: str) -> Iterator[Shown]:
    """Blocks that may stand with either role, and in the results of tools."""
    match block:
        case {"type": "text", "text": str(text)}:
            yield Text(text)
        case {"type": "image", "source": dict(source)}:
            yield _image(source, f"{where}.source")
        case {"type": "document", "source": dict(source)}:
            yield from _document(block, source, f"{where}.source")
        case {"type": "search_result", "content": list(blocks)}:
            texts = [_search_text(b, f"{where}.content.{at}") for at, b in enumerate(blocks)]
            labels = {k: block.get(k) for k in ("title", "source")}
            yield from framed("search_result", labels, texts)
        case {"type": "tool_reference", "tool_name": str(name)}:
            yield Text(f"The tool {name} is now available.")
        case {"type": "compaction", "content": str(summary)}:
            yield Text(summary)
        case {"type": "compaction" | "fallback" | "mcp_tool_listing"}:
            return  # marks that the API leaves in a conversation, and does not render either
        case {"type": "browser_state", "tabs": list()}:
            yield Text(dumps(_readable(block)))
        case {"type": "server_tool_use" | "mcp_tool_use"}:
            yield _foreign(block, block.get("input"))
        case {"type": str(kind)} if kind.endswith("_tool_result"):
            yield _foreign(block, block.get("content"))
        case {"type": "container_upload"}:
            raise refused(where, "there is no container to upload into; send the content itself.")
        case {"type": "text" | "image" | "document" | "search_result" | "tool_reference" as kind}:
            raise refused(where, f"this {kind} block lacks what it must hold.")
        case {"type": str(kind)}:
            raise refused(where, f"content of type {kind!r} is not supported.")
        case _:
            raise refused(where, "a content block is an object with a type.")


def asks_for_citations(messages: Json) -> bool:
    """Whether a document, or something found, is to be cited."""
    blocks = [block for message in objects(messages) for block in objects(message.get("content"))]
    blocks += [inner for block in blocks for inner in objects(block.get("content"))]
    return any(an_object(block.get("citations")).get("enabled") is True for block in blocks)


def _image(source: JsonObject, where: str) -> Image | ImageLink:
    match source:
        case {"type": "base64", "media_type": str(media_type), "data": str(data)} if data:
            try:
                return Image(media_type.lower(), data_url.base64(data))
            except ValueError as error:
                raise refused(f"{where}.data", f"{error}.") from None
        case {"type": "url", "url": str(url)} if data_url.is_data_url(url):
            try:
                decoded = data_url.decode(url)
            except ValueError as error:
                raise refused(f"{where}.url", f"{error}.") from None
            return Image(decoded.media_type, decoded.data)
        case {"type": "url", "url": str(url)} if url:
            return ImageLink(url)
        case {"type": "file"}:
            raise refused(where, "there is no Files API here; send the image as base64 or url.")
        case _:
            raise refused(where, "base64 (with media_type and data) or url is expected.")


def _document(block: JsonObject, source: JsonObject, where: str) -> Iterator[Shown]:
    """A file, a link to one, or what is text already in a frame that names it."""
    labels = {name: _label(block, name) for name in ("title", "context")}
    match source:
        case {"type": "base64", "data": str(data)} if data:
            media_type = source.get("media_type")
            try:
                content = data_url.base64(data)
            except ValueError as error:
                raise refused(f"{where}.data", f"{error}.") from None
            named = media_type.lower() if isinstance(media_type, str) else ""
            yield Document(named, content, **labels)
        case {"type": "url", "url": str(url)} if data_url.is_data_url(url):
            try:
                decoded = data_url.decode(url)
            except ValueError as error:
                raise refused(f"{where}.url", f"{error}.") from None
            yield Document(decoded.media_type, decoded.data, **labels)
        case {"type": "url", "url": str(url)} if url:
            yield DocumentLink(url, **labels)
        case _:
            yield from framed("document", {**labels}, [*_spelled_out(source, where)])


def _label(block: JsonObject, name: str) -> str:
    value = block.get(name)
    return value if isinstance(value, str) else ""


def _spelled_out(source: JsonObject, where: str) -> Iterator[Shown]:
    match source:
        case {"type": "text", "data": str(text)} | {"type": "content", "content": str(text)}:
            yield Text(text)
        case {"type": "content", "content": list(blocks)}:
            for at, block in enumerate(blocks):
                match block:
                    case {"type": "text" | "image"}:
                        yield from _shown(block, f"{where}.content.{at}")
                    case _:
                        raise refused(f"{where}.content.{at}", "a text or an image is expected.")
        case {"type": "file"}:
            raise refused(where, "there is no Files API here; send the document as base64 or url.")
        case _:
            raise refused(where, "a source of type base64, text, content or url is expected.")


def _search_text(block: Json, where: str) -> Text:
    match block:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case _:
            raise refused(where, "a text block is expected.")


def framed(name: str, labels: JsonObject, content: Sequence[Shown]) -> list[Shown]:
    """Content between `<name label="…">` and `</name>`, texts that touch made one."""
    head = "".join(f" {key}={dumps(value)}" for key, value in labels.items() if value)
    framed: list[Shown] = []
    for part in (Text(f"<{name}{head}>"), *content, Text(f"</{name}>")):
        if isinstance(part, Text) and framed and isinstance(framed[-1], Text):
            framed[-1] = Text(f"{framed[-1].text}\n{part.text}")
        else:
            framed.append(part)
    return framed


def _foreign(block: JsonObject, content: Json) -> Text:
    """What a tool on Anthropic's servers was asked, or answered, in an earlier turn."""
    names = ("name", "server_name", "id", "tool_use_id", "is_error")
    head = "".join(f" {name}={dumps(block[name])}" for name in names if name in block)
    body = content if isinstance(content, str) else dumps(_readable(content))
    return Text(f"<{block['type']}{head}>\n{body}\n</{block['type']}>")


def _readable(value: Json) -> Json:
    """JSON without what nobody here can read."""
    match value:
        case {"type": "base64", "data": str()}:
            return {**value, "data": "(not read)"}
        case dict():
            return {key: _readable(item) for key, item in value.items() if key not in OPAQUE}
        case list():
            return [_readable(item) for item in value]
        case _:
            return value
