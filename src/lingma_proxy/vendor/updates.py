"""What the plugin or an agent says while it answers one prompt: a message of theirs → `Said`.

    session/update   params: sessionId, update: {sessionUpdate: KIND, …}, _meta
      agent_message_chunk, agent_thought_chunk      content: {type: "text", text} or another block
      usage_update                                  used, size
      notification        (the plugin's own kind)   type: "context_usage" | "chat_finish", data
      all others: tool calls, plans, commands, modes      nothing that is said
    the response to session/prompt                  stopReason, usage
    an error instead of a response                  code, message, data

A standard agent ends its turn with the response, the plugin with `chat_finish`; its
response is null, and comes when it likes.  Either may end it with an error response.
Failures are never taken for an end: what is no known reason to stop is an error that quotes
the reason.  `fullAnswer`, which `chat_finish` may hold, is often empty and never the answer.
"""

from dataclasses import dataclass
from typing import TypeAlias

from lingma_proxy.conversation.events import MOST_TOKENS, FinishReason, Usage
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    BrokenOff,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    RateLimited,
)
from lingma_proxy.jsonio import Json, JsonObject, an_object, objects
from lingma_proxy.vendor.refusals import (
    BLOCKED,
    FINE,
    LOG_IN,
    code_and_message,
    quoted,
    refusal,
    status_in,
)

LINGMA = "Lingma"
"""The plugin, as a sentence begins with it."""
RUNTIMES = {LINGMA, "Qoder CN"}
REQUEST_ID = "ai-coding/request-id"
"""The key in `_meta` that says which prompt an update belongs to; the plugin's alone."""

STOP_REASONS = {
    "end_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "max_turn_requests": FinishReason.LENGTH,  # its own limit on calls to a model, in mid-work
    "refusal": FinishReason.CONTENT_FILTER,
}
"""The standard's reasons, but for `cancelled`, which is no answer."""

ENDS = {
    **dict.fromkeys(("", "success", "succeeded", "ok", "stop", "end", "done"), FinishReason.STOP),
    **dict.fromkeys(("finish", "finished", "complete", "completed"), FinishReason.STOP),
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    **STOP_REASONS,
}
"""`reason` of `chat_finish`, in lower case.  Only `success` has been seen, and there is no list."""

NO_SESSIONS = (
    "This runtime has no chat sessions (the VS Code extension alone has none). Open the desktop"
    " app (Lingma or Qoder CN) or a JetBrains IDE with the plugin, and try again."
)


@dataclass(frozen=True, slots=True)
class Spoke:
    """A piece of the answer, verbatim and never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of what it thinks, verbatim and never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Used:
    """How full the session is: the tokens in it by now, and how many fit, if that was said."""

    tokens: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What one call of the agent's model has cost; a turn may have several."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Finished:
    reason: FinishReason
    usage: Usage | None = None
    """Perhaps of the session, not of the turn: to be believed of a session's first turn.
    The standard's schema calls it both."""


@dataclass(frozen=True, slots=True)
class Broke:
    error: ProxyError


Said: TypeAlias = Spoke | Thought | Used | Counted | Finished | Broke


def request_id(params: JsonObject) -> str | None:
    """Which prompt an update belongs to, where the peer says so."""
    found = an_object(params.get("_meta")).get(REQUEST_ID)
    return found if isinstance(found, str) and found else None


def session_id(params: JsonObject) -> str | None:
    found = params.get("sessionId")
    return found if isinstance(found, str) and found else None


def read_update(params: JsonObject) -> Said | None:
    """What the params of a `session/update` say; None for what is not for the client."""
    match params.get("update"):
        case {"sessionUpdate": "agent_message_chunk", "content": content, **rest}:
            if text := _text(content):
                return Spoke(text)
            # Qwen Code says after each call of its model what that has cost.
            usage = _usage(an_object(rest.get("_meta")).get("usage"))
            return None if usage is None else Counted(usage)
        case {"sessionUpdate": "agent_thought_chunk", "content": content}:
            return Thought(text) if (text := _text(content)) else None
        case {"sessionUpdate": "usage_update", "used": used, **rest}:
            return _used(used, rest.get("size"))
        case {"sessionUpdate": "notification", "type": "context_usage", "data": {**data}}:
            return _used(data.get("usedTokens"), data.get("limitTokens"))
        case {"sessionUpdate": "notification", "type": "chat_finish", **rest}:
            return _finish(an_object(rest.get("data")))
        case _:
            return None


def read_stop(result: Json, who: str = "The agent") -> Finished | Broke:
    """How the response to `session/prompt` ends the turn of a standard agent."""
    match result:
        case {"stopReason": str(reason), **rest}:
            pass
        case _:
            return Broke(BrokenOff(f"{who} ended its turn without a reason to stop."))
    if reason in STOP_REASONS:
        return Finished(STOP_REASONS[reason], _usage(rest.get("usage")))
    if reason == "cancelled":
        said = f"{who} broke off its turn: it says that it was cancelled. Try again."
    else:
        said = f"{who} stopped for a reason that is not known: {quoted(reason, 80)}."
    return Broke(BackendRefused(said, upstream=502))


def refused(
    code: int,
    message: str,
    data: Json = None,
    *,
    doing: str,
    who: str = LINGMA,
    log_in: str = LOG_IN,
) -> ProxyError:
    """The error that an error response amounts to.

    `doing` is the method that was called, `who` begins a sentence, `log_in` is one that says
    how to log in there.
    """
    words = quoted(message)
    if (more := _details(data)) and more not in words:
        words = f"{words}: {more}" if words else more
    said = f"{words} ({doing}, {code})" if words else f"{doing}, {code}"
    match code, doing:
        case (-32000 | 401 | 403, _):
            return NotLoggedIn(f"{who} asks for a login: {said}. {log_in}{_methods(data)}")
        case (-32601, "session/new") if who in RUNTIMES:
            return BackendUnavailable(NO_SESSIONS)
        case (-32601, _):
            return BackendRefused(
                f"{who} does not know {doing}. Another version of it may.", upstream=501
            )
        case (-32602, "session/set_model"):
            no_model = (
                f"{who} does not take this model: {said}. `lingma-proxy models` lists its own."
            )
            return BackendRefused(no_model, upstream=404)
        case (-32700 | -32600 | -32602, _):
            return ProtocolError(f"{who} did not understand us: {said}.")
        case (429, _):
            return RateLimited(f"{who} says that the limit is reached: {said}. Wait a while.")
        case (408 | 504, _):
            return BackendTimeout(f"{who} gave up waiting for its model: {said}. Try again.")
        case _:
            # Positive codes are those of HTTP, as some agents pass them on from their provider.
            upstream = code if 400 <= code < 600 else 502
            return BackendRefused(f"{who} failed: {said}.", upstream=upstream)


def _text(content: Json) -> str:
    """A block of content as text: texts verbatim, of others what a reader can use."""
    match content:
        case {"type": "text", "text": str(text)}:
            return text
        case {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case {"type": "resource_link", "uri": str(uri), **rest}:
            name = rest.get("title") or rest.get("name")
            return f"[{name}]({uri})" if isinstance(name, str) else uri
        case {"type": "image" | "audio" as kind, "uri": str(uri)} if uri:
            return f"[{kind}]({uri})"
        case {"type": "resource", "resource": {"uri": str(uri)}} if uri:
            return f"[resource]({uri})"
        case {"type": str(kind)} if kind != "text":
            return f"[{quoted(kind, 40)}: this cannot be shown here]"
        case _:
            return ""


def _used(used: Json, limit: Json) -> Used | None:
    tokens = _count(used)
    return None if tokens is None else Used(tokens, _count(limit) or None)


def _finish(data: JsonObject) -> Finished | Broke:
    status = status_in(data)
    code, message = code_and_message(data)
    reason = data.get("reason")
    reason = str(reason).strip() if isinstance(reason, str | int) else ""
    if status >= 400:
        return Broke(refusal(status, _no_end(code), message or reason))
    if _no_end(code) or reason.startswith(BLOCKED):
        return Broke(refusal(0, _no_end(code) or reason, message or reason))
    if reason in FINE:
        return Finished(FinishReason.STOP)
    if (known := ENDS.get(reason.lower())) is not None:
        return Finished(known)
    said = quoted(f"{reason}: {message}" if message else reason)
    return Broke(BackendRefused(f"{LINGMA} ended its answer with a failure: {said}.", upstream=502))


def _no_end(code: str) -> str:
    """The code, unless it is one that says that all is well."""
    return "" if code in FINE or code.lower() in ENDS else code


def _usage(usage: Json) -> Usage | None:
    """Tokens of a standard agent, None where nothing was counted.

    Ours has the cached part in `input` and the thinking in `output`.  Theirs is not settled:
    `totalTokens` is the sum of all kinds, so it tells which kinds stand beside the others.
    """
    given = an_object(usage)
    input, output = _count(given.get("inputTokens")) or 0, _count(given.get("outputTokens")) or 0
    thought = _count(given.get("thoughtTokens")) or 0
    cached = _count(given.get("cachedReadTokens")) or 0
    written = _count(given.get("cachedWriteTokens")) or 0
    if not input and not output:
        return None
    beside = (_count(given.get("totalTokens")) or 0) - input - output
    for out, read, kept in (
        (0, 0, 0),
        (thought, cached, written),
        (thought, 0, 0),
        (0, cached, written),
        (0, cached, 0),
        (thought, cached, 0),
    ):
        if out + read + kept == beside:
            input, output = input + read + kept, output + out
            break
    return Usage(input, output, cached=min(cached, input), reasoning=min(thought, output))


def _count(value: Json) -> int | None:
    return value if type(value) is int and 0 <= value < MOST_TOKENS else None


def _details(data: Json) -> str:
    """What `data` adds to the words of an error: their message is often only `Internal error`."""
    match data:
        case str(text):
            return quoted(text)
        case {"details": str(text)} | {"message": str(text)} | {"error": str(text)}:
            return quoted(text)
        case {"error": {"message": str(text)}}:
            return quoted(text)
        case _:
            return ""


def _methods(data: Json) -> str:
    """A sentence that names the ways to log in; "" if none are given."""
    listed = objects(data) or objects(an_object(data).get("authMethods"))
    names = [
        quoted(name, 60)
        for method in listed[:8]
        if isinstance(name := method.get("name") or method.get("id"), str)
    ]
    return f" It offers: {', '.join(names)}." if names else ""
