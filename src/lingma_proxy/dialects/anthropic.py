"""Anthropic's Messages API, as of its versions 2023-06-01 and 2026-10-21.

Reference: https://platform.claude.com/docs/en/api/messages

Unknown fields pass (clients send new ones every week, and give up on a 400); unknown
content is refused; documented fields that nobody here can honour are named in a warning.
Two are refused because ignoring them would lose the conversation: `thread` (the server
is to remember it; the SDKs resend it whole when told that it cannot) and `compaction`
(the answer is to be a summary of it).
"""

from lingma_proxy.conversation.history import check
from lingma_proxy.conversation.request import (
    ChatRequest,
    Effort,
    Reasoning,
    ResponseFormat,
    Sampling,
)
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects.anthropic_content import (
    asks_for_citations,
    decode_messages,
    decode_system,
    refused,
)
from lingma_proxy.dialects.anthropic_encode import AnthropicEncoder, error_body, whole
from lingma_proxy.dialects.anthropic_tools import Offer
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, an_object, loads, objects

EFFORTS: dict[str, Effort] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def decode(body: JsonObject, id: str) -> Asked:
    refuse_threads(body)
    if an_object(body.get("compaction")):
        raise refused("compaction", "a conversation cannot be compacted here; ask for a summary.")
    max_tokens = integer(body, "max_tokens", 0)
    if max_tokens is None:
        raise refused("max_tokens", "this field is required.")
    warnings: list[str] = []
    request = decode_request(body, id, max_tokens, warnings)
    check(request.messages)
    return Asked(request, flag(body, "stream"), warnings=(*warnings, *unhonoured(body)))


def decode_request(
    body: JsonObject, id: str, max_tokens: int | None, warnings: list[str]
) -> ChatRequest:
    """What `messages` and `messages/count_tokens` have in common."""
    model = body.get("model")
    if not (model is None or isinstance(model, str)):
        raise refused("model", "a string is expected.")
    messages = (*decode_system(body.get("system")), *decode_messages(body.get("messages")))
    offer = Offer(body.get("tools"), body.get("messages"))
    choice, parallel = offer.choice(body.get("tool_choice"))
    warnings += offer.warnings
    return ChatRequest(
        id=id,
        model=model or "",
        messages=messages,
        tools=offer.tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        sampling=Sampling(
            temperature=number(body, "temperature", 0, 2),
            top_p=number(body, "top_p", 0, 1),
            top_k=integer(body, "top_k", 0),
            max_tokens=max_tokens,
            stop=decode_stop(body.get("stop_sequences")),
        ),
        reasoning=decode_reasoning(body, max_tokens, warnings),
        usage_first=True,
        response_format=decode_format(body),
        web_search=offer.web_search,
        conversation=session(an_object(body.get("metadata")).get("user_id")),
    )


def refuse_threads(body: JsonObject) -> None:
    if body.get("thread") is not None:
        raise InvalidRequest(
            "thread: conversations are not kept here; send all of its messages, without thread.",
            param="thread",
            details={"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        )


def decode_stop(value: Json) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case list() if all(isinstance(stop, str) and stop for stop in value):
            return tuple(dict.fromkeys(value))
        case _:
            raise refused("stop_sequences", "a list of strings, none of them empty, is expected.")


def decode_reasoning(body: JsonObject, max_tokens: int | None, warnings: list[str]) -> Reasoning:
    """`thinking` and `output_config.effort`.

    Thoughts are shown when they were asked for, unless `display` is `omitted`.
    """
    effort = decode_effort(body, warnings)
    match body.get("thinking"):
        case None:
            return Reasoning(effort=effort, shown=False)
        case {"type": "disabled"}:
            return Reasoning(wanted=False, effort=effort, shown=False)
        case {"type": "adaptive" | "between_tools"} as thinking:
            shown = thinking.get("display") != "omitted"
            return Reasoning(wanted=True, effort=effort, shown=shown)
        case {"type": "enabled"} as thinking:
            budget = integer(thinking, "budget_tokens", 1, "thinking.budget_tokens")
            if budget is None:
                raise refused("thinking.budget_tokens", "this field is required.")
            if max_tokens is not None and budget >= max_tokens:
                # Anthropic refuses that, but clients that send it exist, and mean "all of it".
                budget = max(1, max_tokens - 1)
            shown = thinking.get("display") != "omitted"
            return Reasoning(wanted=True, effort=effort, budget_tokens=budget, shown=shown)
        case _:
            raise refused(
                "thinking", "an object of type enabled, adaptive or disabled is expected."
            )


def decode_effort(body: JsonObject, warnings: list[str]) -> Effort | None:
    """The effort of the whole, or that of this turn, which a system message may carry."""
    effort = an_object(body.get("output_config")).get("effort")
    for message in objects(body.get("messages")):
        match message:
            case {"role": "system", "output_config": {"effort": str(of_turn)}}:
                effort = of_turn
    known = EFFORTS.get(effort) if isinstance(effort, str) else None
    if effort is not None and known is None:
        warnings.append("output_config.effort is not a known effort and was ignored.")
    return known


def decode_format(body: JsonObject) -> ResponseFormat | None:
    """`output_config.format`, and `output_format`, its name in the beta."""
    name, format = "output_config.format", an_object(body.get("output_config")).get("format")
    if format is None:
        name, format = "output_format", body.get("output_format")
    match format:
        case None:
            return None
        case {"type": "json_schema", "schema": dict(schema)}:
            return ResponseFormat(schema)
        case _:
            raise refused(name, "an object of type json_schema, with a schema, is expected.")


def session(user_id: Json) -> str:
    """The session that Claude Code names in `metadata.user_id`; "" when it only names a user.

    It is JSON in a string, `{"device_id", "account_uuid", "session_id"}`; versions before 2.1
    wrote `user_…_account_…_session_…`.
    """
    if not isinstance(user_id, str):
        return ""
    try:
        named = an_object(loads(user_id)).get("session_id")
    except ValueError:
        named = user_id.rpartition("_session_")[2] if "_session_" in user_id else ""
    return named if isinstance(named, str) else ""


def unhonoured(body: JsonObject) -> list[str]:
    """Documented fields that change nothing here, each in a sentence."""
    edits = objects(an_object(body.get("context_management")).get("edits"))
    asked = {
        # To keep all thinking is what we do anyway.
        "context_management": any(edit.get("keep") != "all" for edit in edits),
        "citations (in messages)": asks_for_citations(body.get("messages")),
        "container": body.get("container"),
        "mcp_servers": body.get("mcp_servers"),
        "fallbacks": body.get("fallbacks"),
        "inference_geo": body.get("inference_geo"),
        "speed": body.get("speed") == "fast",
        "diagnostics": an_object(body.get("diagnostics")).get("previous_message_id"),
        "billing_policy": an_object(body.get("billing_policy")).get("bill_to") == "user_profile",
        "output_config.task_budget": an_object(body.get("output_config")).get("task_budget"),
    }
    return [f"{name} has no effect here." for name, given in asked.items() if given]


def flag(body: JsonObject, name: str) -> bool:
    match body.get(name):
        case None:
            return False
        case bool(value):
            return value
        case _:
            raise refused(name, "true or false is expected.")


def number(body: JsonObject, name: str, low: float, high: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise refused(name, f"a number from {low} to {high} is expected.")
    return value


def integer(body: JsonObject, name: str, low: int, where: str = "") -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise refused(where or name, f"a whole number of at least {low} is expected.")
    return value


DIALECT = Dialect(
    name="anthropic",
    paths=("/v1/messages",),
    media_type="text/event-stream",
    decode=decode,
    encoder=AnthropicEncoder,
    whole=whole,
    error=error_body,
)
