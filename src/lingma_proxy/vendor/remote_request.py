"""A request for the vendor's remote API: our neutral form → the body that it reads.

The vendor's messages are OpenAI's with a few fields of its own:

    system, user   content: text, or a list of text and image_url when there are images
                   (which stands in `parts`, and the content is text, when they were uploaded)
    assistant      content: text, tool_calls: […]
    tool           content: text, tool_call_id

One of our messages may become several of theirs, in the same order.  A `tool` message
takes only text; the pictures in a result follow in a message of the user's, after the last
result of the run, for nothing may stand between a call and its results.

The fields that carry nothing are those that the vendor's plugin sends.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    NamedTool,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, dumpb
from lingma_proxy.vendor import thinking
from lingma_proxy.vendor.profiles import profile_of
from lingma_proxy.vendor.signing import COSY_VERSION
from lingma_proxy.wire import data_url

AGENT = "agent_common"
CHAT = (
    f"/algo/api/v2/service/pro/sse/agent_chat_generation?FetchKeys=llm_model_result&AgentId={AGENT}"
)
MODELS = "/algo/api/v2/model/list"
ENCODED = "&Encode=1"
"""Follows CHAT when the body is encoded (`vendor.encoding`)."""

MOST_TOKENS = 16384
"""The highest `max_tokens` that a working client sends; above it the field stays away."""
BETWEEN_BLOCKS = "\n\n"
"""Blocks of text that the client keeps apart, in a field that holds one text."""
FAILED = "The tool call failed:\n"
NO_SCHEMA: JsonObject = {"type": "object", "properties": {}}

_UNSAID: JsonObject = {
    "reasoning_content_signature": "",
    "response_meta": {
        "id": "",
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    },
}


def encode(
    request: ChatRequest,
    *,
    key: str,
    user_type: str,
    now: int,
    request_id: str,
    business_id: str,
    cosy_version: str = COSY_VERSION,
    uploaded: bool = False,
) -> bytes:
    """The body, before any Encode=1.

    `key` is the model's ("" lets the server choose), `now` is Unix time in milliseconds,
    `request_id` 32 hexadecimal digits, `uploaded` whether the pictures are links that an upload
    gave (`protocol/remote.md` A.7, "Images", the second way; else the first).  Raises
    InvalidRequest for a picture that the vendor could not fetch.
    """
    pictures = list(dict.fromkeys(map(_url, pictures_of(request.messages))))
    messages = _messages(
        request.messages,
        _recalled(request.messages) if profile_of(key).recalls_thinking else None,
    )
    body: JsonObject = {
        "request_id": request_id,
        "request_set_id": "",
        "chat_record_id": request_id,
        "stream": True,
        "image_urls": pictures or None,
        "is_reply": False,
        "is_retry": False,
        "session_id": "",
        "code_language": "",
        "source": 0,
        "version": "3",
        "chat_prompt": "",
        "parameters": _parameters(request),
        "aliyun_user_type": user_type or "personal_standard",
        "agent_id": AGENT,
        "task_id": "question_refine",
        "model_config": {
            "key": key,
            "display_name": "",
            "model": key,
            "format": "",
            "is_vl": bool(pictures),
            "is_reasoning": _thinks(request, key),
            "api_key": "",
            "url": "",
            "source": "",
            "enable": False,
        },
        "messages": list(map(_apart, messages)) if uploaded else messages,
        "business": {
            "product": "jb_plugin",
            "version": cosy_version,
            "type": "memory",
            "id": business_id,
            "begin_at": now,
            "stage": "start",
            "name": f"memory_intent_recognition_{request_id}",
        },
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice != "auto":
            body["tool_choice"] = _choice(request.tool_choice)
        if not request.parallel_tool_calls:
            body["parallel_tool_calls"] = False
    return dumpb(body)


def unhonoured(request: ChatRequest) -> tuple[str, ...]:
    """What is asked for and has no place in the vendor's request, each a sentence."""
    sampling = request.sampling
    named: dict[str, object] = {
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": sampling.seed,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    found = [
        f"{name} is not sent: Lingma has no such parameter."
        for name, value in named.items()
        if value is not None
    ]
    found += _about_thinking(request)
    if any(tool.strict for tool in request.tools):
        found.append("`strict` is not sent: Lingma does not promise that arguments fit the schema.")
    return tuple(found)


def _about_thinking(request: ChatRequest) -> Iterator[str]:
    reasoning = request.reasoning
    asked = thinking.wanted(reasoning)
    match profile_of(request.model).thinks:
        case "never" if asked:
            yield "The model does not think: an effort or a budget for it has no effect."
            return
        case "always" if asked is False:
            yield "The model always thinks: it is asked not to, but may not heed it."
            return
        case _:
            pass
    if reasoning.effort not in {None, "none"}:
        yield f"The effort {reasoning.effort!r} only switches thinking on: Lingma knows no degrees."
    if reasoning.budget_tokens is not None:
        yield "The thinking budget only switches thinking on: Lingma knows no limit to it."


def _parameters(request: ChatRequest) -> JsonObject:
    found: JsonObject = {}
    if request.sampling.temperature is not None:
        found["temperature"] = request.sampling.temperature
    limit = request.sampling.max_tokens
    if limit is not None and limit <= MOST_TOKENS:
        found["max_tokens"] = limit
    return found


def _thinks(request: ChatRequest, key: str) -> bool:
    asked = thinking.wanted(request.reasoning)
    if profile_of(key).thinks == "never":
        return False
    return "thinking" in key.lower() if asked is None else asked


def _tool(tool: Tool) -> JsonObject:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters or NO_SCHEMA,
        },
    }


def _choice(choice: ToolChoice) -> Json:
    match choice:
        case NamedTool(name):
            return {"type": "function", "function": {"name": name}}
        case _:
            return choice


def _recalled(messages: Sequence[Message]) -> int:
    """From which message on the thinking is sent: behind the last word of the user's.

    Results of tools are none.  What was thought before it is left out by the templates of the
    models themselves.
    """
    words = (
        at
        for at, message in enumerate(messages)
        if message.role == "user" and not any(isinstance(it, ToolResult) for it in message.parts)
    )
    return max(words, default=-1) + 1


def _messages(messages: Sequence[Message], recalled: int | None = None) -> list[JsonObject]:
    """`recalled`: from which of them on thinking is sent; None: it is not."""
    found: list[JsonObject] = []
    shown: list[Part] = []
    for at, message in enumerate(messages):
        for sent in _split(message, shown, recalled=recalled is not None and at >= recalled):
            if shown and sent["role"] != "tool":
                found.append(_message("user", _content(shown)))
                shown.clear()
            found.append(sent)
    if shown:
        found.append(_message("user", _content(shown)))
    return found


def _split(message: Message, shown: list[Part], *, recalled: bool) -> Iterator[JsonObject]:
    """The vendor's messages for one of ours.

    Pictures in results are put into `shown`, each behind a line that says whose it is, before
    the message after the results is asked for.
    """
    if message.role == "assistant":
        yield from _assistant(message, recalled=recalled)
        return
    run: list[Part] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            run.append(part)
            continue
        if run:
            yield _message(message.role, _content(run), name=message.name)
            run = []
        yield _message("tool", _result(part), tool_call_id=part.call_id)
        pictures = [piece for piece in part.content if not isinstance(piece, Text)]
        if pictures:
            shown += [Text(f"From the result of tool call {part.call_id}:"), *pictures]
    if run or not message.parts:
        yield _message(message.role, _content(run), name=message.name)


def _assistant(message: Message, *, recalled: bool) -> Iterator[JsonObject]:
    # What a model said came as one text, however thinking and calls have cut it since.
    text = "".join(part.text for part in message.parts if isinstance(part, Text))
    thought = "\n".join(part.text for part in message.parts if isinstance(part, Thinking))
    if recalled and thought:
        text = f"<think>\n{thought}\n</think>\n\n{text}"
    calls = [
        {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments or "{}"},
        }
        for index, call in enumerate(part for part in message.parts if isinstance(part, ToolCall))
    ]
    only_thought = message.parts and all(isinstance(part, Thinking) for part in message.parts)
    if calls:
        yield _message("assistant", text, name=message.name, tool_calls=calls)
    elif not only_thought:
        yield _message("assistant", text, name=message.name)


def _message(
    role: Literal["system", "user", "assistant", "tool"], content: Json, **more: Json
) -> JsonObject:
    given = {name: value for name, value in more.items() if value is not None}
    return {"role": role, "content": content, **given, **_UNSAID}


def _content(parts: Sequence[Part]) -> Json:
    if all(isinstance(part, Text) for part in parts):
        return _joined(parts)
    return [
        {"type": "text", "text": part.text}
        if isinstance(part, Text)
        else {"type": "image_url", "image_url": {"url": _url(part)}}
        for part in parts
    ]


def _apart(message: JsonObject) -> JsonObject:
    """The message with its pictures beside its text."""
    match message:
        case {"content": [*pieces]}:
            texts = (piece["text"] for piece in pieces if piece["type"] == "text")
            parts = [
                {**piece, "image_url": {**piece["image_url"], "detail": "auto"}}
                if piece["type"] == "image_url"
                else piece
                for piece in pieces
            ]
            return {**message, "content": BETWEEN_BLOCKS.join(texts), "parts": parts}
        case _:
            return message


def _result(result: ToolResult) -> str:
    text = _joined(result.content)
    if result.is_error:
        return FAILED + text
    if not text and result.content and not any(isinstance(part, Text) for part in result.content):
        return "(The result is a picture; it follows.)"
    return text


def _joined(parts: Sequence[Part]) -> str:
    return BETWEEN_BLOCKS.join(part.text for part in parts if isinstance(part, Text))


def pictures_of(messages: Sequence[Message]) -> Iterator[Image | ImageLink]:
    """All pictures of a conversation, those in results too, in their order."""
    for message in messages:
        for part in message.parts:
            pieces = part.content if isinstance(part, ToolResult) else (part,)
            yield from (piece for piece in pieces if isinstance(piece, Image | ImageLink))


def _url(picture: Part) -> str:
    match picture:
        case Image(media_type, data):
            return data_url.encode(media_type, data)
        case ImageLink(url) if url.lower().startswith(("https://", "http://", "data:")):
            return url
        case Document() | DocumentLink():
            raise InvalidRequest("Lingma takes no documents, only their text.", param="messages")
        case _:
            raise InvalidRequest(
                "Lingma takes pictures as data URLs or http(s) links; this one is neither.",
                param="messages",
            )
