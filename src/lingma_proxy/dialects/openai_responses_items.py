"""What a response of OpenAI Responses consists of: its items, its usage, and itself.

    Text        message              Thinking    reasoning, if anybody asked for it
    ToolCall    function_call, custom_tool_call, local_shell_call, tool_search_call
    SearchCall  web_search_call, which has what is said of its SearchResult, too

A response has the same items whether it was streamed or not, with the same ids.
"""

from collections.abc import Sequence

from lingma_proxy.conversation.events import FinishReason, Head, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects import openai_reasoning_content
from lingma_proxy.dialects.openai_custom_tools import as_input
from lingma_proxy.dialects.openai_responses_request import PREFIXES, ResponsesAsked, item_id
from lingma_proxy.dialects.openai_responses_tools import Origin
from lingma_proxy.dialects.openai_shared import error_body
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import Json, JsonObject, loads

CUT = {FinishReason.LENGTH, FinishReason.CONTENT_FILTER}
"""Ends that may come in the middle of a part."""
INCOMPLETE = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}


def our(asked: Asked) -> ResponsesAsked:
    assert isinstance(asked, ResponsesAsked), "the request was decoded by this dialect"
    return asked


# Items.


def is_said(asked: ResponsesAsked, head: Head) -> bool:
    match head:
        case Thinking():
            return asked.summary or asked.encrypted
        case SearchResult():
            return False  # its call says it
        case _:
            return True


def item(
    asked: ResponsesAsked,
    index: int,
    part: Head,
    status: str,
    found: SearchResult | None = None,
) -> JsonObject:
    """The item for a part whose text is there, `completed` or `incomplete`."""
    match part:
        case Text(text):
            return message(new_id(asked, index, "message"), [output_text(text)], status)
        case Thinking():
            return reasoning(asked, index, part)
        case ToolCall(id, name, arguments):
            return call(asked, index, id, asked.offer.origin(name), arguments, status)
        case SearchCall():
            return search(asked, index, part, found)
        case SearchResult():
            raise AssertionError("a result is said with its call")


def search(
    asked: ResponsesAsked,
    index: int,
    call: SearchCall,
    found: SearchResult | None,
    status: str = "",
) -> JsonObject:
    """A search of the web: `completed` or `failed` by what was found, unless it is said."""
    action: JsonObject = {"type": "search", "query": call.query, "queries": [call.query]}
    if found is None:
        status = status or "incomplete"
    else:
        status = "completed" if found.error is None else "failed"
        if asked.sources:
            action["sources"] = [{"type": "url", "url": each.url} for each in found.found]
    return {
        "id": new_id(asked, index, "web_search_call"),
        "type": "web_search_call",
        "status": status,
        "action": action,
    }


def new_id(asked: ResponsesAsked, index: int, kind: str) -> str:
    return item_id(PREFIXES[kind], asked.request.id, f"output {index}")


def message(id: str, content: list[JsonObject], status: str) -> JsonObject:
    return {
        "id": id,
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
    }


def output_text(text: str) -> JsonObject:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def reasoning(asked: ResponsesAsked, index: int, thinking: Thinking) -> JsonObject:
    """Thoughts, as they were asked for: shown, or hidden, or both."""
    found: JsonObject = {
        "id": new_id(asked, index, "reasoning"),
        "type": "reasoning",
        "summary": [summary_text(thinking.text)] if asked.summary else [],
    }
    if asked.encrypted:
        found["encrypted_content"] = openai_reasoning_content.hidden(thinking)
    return found


def summary_text(text: str) -> JsonObject:
    return {"type": "summary_text", "text": text}


def call(  # what a call consists of
    asked: ResponsesAsked, index: int, id: str, origin: Origin, arguments: str, status: str
) -> JsonObject:
    """A call, as the client knows the tool; one that does not fit it is a function's."""
    match origin.kind:
        case "custom":
            return custom_call(asked, index, id, origin, as_input(arguments), status)
        case "local_shell" if (action := shell_action(arguments)) is not None:
            return {
                "id": new_id(asked, index, "local_shell_call"),
                "type": "local_shell_call",
                "status": status,
                "call_id": id,
                "action": action,
            }
        case "tool_search" if isinstance(wanted := value_of(arguments), dict):
            return {
                "id": new_id(asked, index, "tool_search_call"),
                "type": "tool_search_call",
                "status": status,
                "call_id": id,
                "execution": "client",
                "arguments": wanted,
            }
        case _:
            return function_call(asked, index, id, origin, arguments, status)


def function_call(  # the same
    asked: ResponsesAsked, index: int, id: str, origin: Origin, arguments: str, status: str
) -> JsonObject:
    return {
        "id": new_id(asked, index, "function_call"),
        "type": "function_call",
        "status": status,
        "arguments": arguments,
        "call_id": id,
        "name": origin.name,
        **space(origin),
    }


def custom_call(  # the same
    asked: ResponsesAsked, index: int, id: str, origin: Origin, input: str, status: str
) -> JsonObject:
    return {
        "id": new_id(asked, index, "custom_tool_call"),
        "type": "custom_tool_call",
        "status": status,
        "call_id": id,
        "input": input,
        "name": origin.name,
        **space(origin),
    }


def space(origin: Origin) -> JsonObject:
    return {} if origin.namespace is None else {"namespace": origin.namespace}


def shell_action(arguments: str) -> JsonObject | None:
    """What `local_shell` is to run; None if the arguments do not say it.

    Some models write the command as they would type it: a shell is to read it then.
    """
    match value_of(arguments):
        case {"command": str(line), **others}:
            command: list[str] = ["bash", "-lc", line]
        case {"command": [_, *_] as command, **others} if all(
            isinstance(word, str) for word in command
        ):
            pass
        case _:
            return None
    env, timeout = others.get("env"), others.get("timeout_ms")
    return {
        "type": "exec",
        "command": command,
        "env": env if is_env(env) else {},
        "timeout_ms": timeout if isinstance(timeout, int) and timeout > 0 else None,
        "user": a_string(others.get("user")),
        "working_directory": a_string(others.get("working_directory")),
    }


def is_env(value: Json) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def a_string(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def value_of(text: str) -> Json:
    """The value of a JSON text; None if it is none."""
    try:
        return loads(text)
    except ValueError:
        return None


# The response.


def response_id(asked: Asked) -> str:
    return f"resp_{asked.request.id.removeprefix('req_')}"


def response(
    asked: ResponsesAsked, now: int, model: str, status: str, output: Sequence[JsonObject]
) -> JsonObject:
    """A response with nothing at its end: no usage, no error, no reason."""
    return {
        "id": response_id(asked),
        "object": "response",
        "created_at": now,
        "status": status,
        "error": None,
        "incomplete_details": None,
        **asked.echo,
        "model": model,
        "output": list(output),
        "usage": None,
    }


def ended(
    asked: ResponsesAsked, now: int, model: str, output: Sequence[JsonObject],
    reason: FinishReason, usage: Usage | None,
) -> JsonObject:  # fmt: skip
    """A response whose reply has come to its end, by itself or cut short."""
    cut = INCOMPLETE.get(reason)
    return {
        **response(asked, now, model, "incomplete" if cut else "completed", output),
        "incomplete_details": {"reason": cut} if cut else None,
        "usage": spent(usage),
    }


def failed(
    asked: ResponsesAsked, now: int, model: str, output: Sequence[JsonObject], error: ProxyError
) -> JsonObject:
    return {**response(asked, now, model, "failed", output), "error": said(error, asked)}


def said(error: ProxyError, asked: ResponsesAsked) -> JsonObject:
    """An error as a response has it, with one of the few codes that are documented."""
    match error.status:
        case 429:
            code = "rate_limit_exceeded"
        case status if status < 500:
            code = "invalid_prompt"
        case _:
            code = "server_error"
    return {"code": code, "message": error_body(error, asked.request.id)["error"]["message"]}


def spent(usage: Usage | None) -> JsonObject | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def whole(asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:
    ours = our(asked)
    (reply,) = replies
    output: list[JsonObject] = []
    found = {part.call_id: part for part in reply.parts if isinstance(part, SearchResult)}
    for at, part in enumerate(reply.parts):
        if is_said(ours, part):
            cut = reply.reason in CUT and at == len(reply.parts) - 1
            status = "incomplete" if cut else "completed"
            result = found.get(part.id) if isinstance(part, SearchCall) else None
            output.append(item(ours, len(output), part, status, result))
    return ended(ours, now, reply.model, output, reply.reason, reply.usage)
