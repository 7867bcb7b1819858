import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Usage
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
from lingma_proxy.vendor.updates import (
    Broke,
    Counted,
    Finished,
    Spoke,
    Thought,
    Used,
    read_stop,
    read_update,
    refused,
    request_id,
    session_id,
)
from support.strategies import json_values, texts

STOP, LENGTH, FILTER = FinishReason.STOP, FinishReason.LENGTH, FinishReason.CONTENT_FILTER


def update(kind, **fields):
    return read_update({"sessionId": "s", "update": {"sessionUpdate": kind, **fields}})


def finish(**data):
    return update("notification", type="chat_finish", data=data)


def error_of(said) -> ProxyError:
    assert isinstance(said, Broke)
    return said.error


# What is said.


@pytest.mark.parametrize("text", [" ", "\n", "ping", " \u2028“x”\r\n", "<message>"])
def test_text_is_passed_on_byte_for_byte(text):
    content = {"type": "text", "text": text}

    assert update("agent_message_chunk", content=content) == Spoke(text)
    assert update("agent_thought_chunk", content=content) == Thought(text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"type": "resource_link", "uri": "https://a.example/b", "name": "b"}, "[b](https://a.example/b)"),
        ({"type": "resource_link", "uri": "https://a.example/b"}, "https://a.example/b"),
        ({"type": "resource", "resource": {"uri": "x:y", "text": " as it is "}}, " as it is "),
        ({"type": "resource", "resource": {"uri": "x:y", "blob": "AAAA"}}, "[resource](x:y)"),
        ({"type": "image", "uri": "https://a.example/p", "data": ""}, "[image](https://a.example/p)"),
        ({"type": "image", "data": "AAAA", "mimeType": "image/png"}, "[image: this cannot be shown here]"),
        ({"type": "hologram"}, "[hologram: this cannot be shown here]"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_not_dropped_in_silence(content, text):
    assert update("agent_message_chunk", content=content) == Spoke(text)


@pytest.mark.parametrize(
    "content", [None, {}, [], "x", {"type": "text", "text": ""}, {"type": "text"}]
)
def test_what_says_nothing_is_nothing(content):
    assert update("agent_message_chunk", content=content) is None


@pytest.mark.parametrize(
    "kind",
    ["tool_call", "tool_call_update", "plan", "available_commands_update", "user_message_chunk",
     "current_mode_update", "config_option_update", "session_info_update", "something_new"],
)  # fmt: skip
def test_what_is_not_for_the_client_is_nothing(kind):
    assert update(kind, content={"type": "text", "text": "not the answer"}) is None
    assert update("notification", type=kind, data={"reason": "x"}) is None


@given(json_values)
def test_updates_of_any_shape_are_read(value):
    for params in ({"update": value}, {"update": {"sessionUpdate": "notification", "data": value}}):
        read_update({**params, "_meta": value, "sessionId": value})
    for kind in ("context_usage", "chat_finish"):
        update("notification", type=kind, data=value)
    for kind in ("agent_message_chunk", "usage_update"):
        update(kind, content=value, used=value, size=value)
    read_stop(value)
    read_stop({"stopReason": "end_turn", "usage": value})


def test_an_update_tells_which_prompt_and_session_it_belongs_to():
    params = {"sessionId": "s", "_meta": {"ai-coding/request-id": "r"}}

    assert (request_id(params), session_id(params)) == ("r", "s")
    for unsaid in ({}, {"_meta": None, "sessionId": None}, {"_meta": {"ai-coding/request-id": 1}}):
        assert (request_id(unsaid), session_id(unsaid)) == (None, None)


# How full the session is.


@pytest.mark.parametrize(
    ("used", "limit", "said"),
    [
        (10**30, 100, None),(1234, 180000, Used(1234, 180000)), (0, 0, Used(0)), (1, None, Used(1)),
     (None, 5, None), (True, 5, None), ("7", 5, None), (-1, 5, None)],
)  # fmt: skip
def test_both_ways_to_say_how_full_it_is_are_read(used, limit, said):
    data = {"usedTokens": used, "limitTokens": limit}

    assert update("notification", type="context_usage", data=data) == said
    assert update("usage_update", used=used, size=limit) == said


# How the plugin ends.


@pytest.mark.parametrize("reason", [None, "", "success", "SUCCESS", "stop", "end_turn", "200", 0])
def test_a_plain_end_is_a_stop(reason):
    assert finish(reason=reason) == Finished(STOP)


def test_an_end_without_data_is_a_stop_too():
    assert update("notification", type="chat_finish") == Finished(STOP)
    assert finish(reason="success", statusCode=200, errorCode="0") == Finished(STOP)


def test_the_full_answer_is_not_the_answer():
    assert finish(reason="success", fullAnswer="all of it") == Finished(STOP)


@pytest.mark.parametrize(
    ("reason", "expected"), [("length", LENGTH), ("max_tokens", LENGTH), ("content_filter", FILTER)]
)
def test_an_end_that_was_forced_is_said_so(reason, expected):
    assert finish(reason=reason) == Finished(expected)


@pytest.mark.parametrize(
    ("data", "kind", "said"),
    [
        ({"reason": "error"}, BackendRefused, "error"),
        ({"reason": "cancelled"}, BackendRefused, "cancelled"),
        ({"reason": "model melted"}, BackendRefused, "model melted"),
        ({"reason": "success", "statusCode": 500}, BackendRefused, "500"),
        ({"reason": "slow", "statusCode": 408}, BackendTimeout, "slow"),
        ({"reason": "no", "statusCode": "401"}, NotLoggedIn, "no"),
        ({"reason": "x", "errorCode": "110", "errorMessage": "quota"}, RateLimited, "quota"),
        ({"reason": "ErrorCode418Risk"}, BackendRefused, "content control"),
    ],
)
def test_a_failure_is_not_taken_for_an_end(data, kind, said):
    error = error_of(finish(**data))

    assert type(error) is kind
    assert said in error.message


def test_a_reason_is_quoted_without_what_is_nobodys_business():
    error = error_of(finish(reason="cannot open /home/someone/.lingma/x\n" + "K" * 60))

    assert "someone" not in error.message
    assert "KKK" not in error.message
    assert "cannot open [a path] […]" in error.message


# How an agent ends.


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", STOP),
        ("max_tokens", LENGTH),
        ("max_turn_requests", LENGTH),
        ("refusal", FILTER),
    ],
)
def test_a_reason_to_stop_is_one_of_ours(reason, expected):
    assert read_stop({"stopReason": reason}) == Finished(expected)


@pytest.mark.parametrize(
    ("result", "kind"),
    [({"stopReason": "cancelled"}, BackendRefused), ({"stopReason": "tired"}, BackendRefused),
     ({}, BrokenOff), (None, BrokenOff), ({"stopReason": None}, BrokenOff)],
)  # fmt: skip
def test_any_other_end_is_an_error(result, kind):
    error = error_of(read_stop(result, "The agent x"))

    assert type(error) is kind
    assert error.message.startswith("The agent x ")


@pytest.mark.parametrize(
    ("total", "usage"),
    [
        (130, Usage(100, 30, cached=40, reasoning=10)),  # all is in them
        (185, Usage(145, 40, cached=40, reasoning=10)),  # nothing is
        (140, Usage(100, 40, cached=40, reasoning=10)),  # thinking is apart
        (175, Usage(145, 30, cached=40, reasoning=10)),  # the cache is
        (170, Usage(140, 30, cached=40, reasoning=10)),  # of the cache, what was read
        (999, Usage(100, 30, cached=40, reasoning=10)),  # who knows
        (None, Usage(100, 30, cached=40, reasoning=10)),
    ],
)
def test_the_total_tells_how_an_agent_counts(total, usage):
    counted = {"inputTokens": 100, "outputTokens": 30, "thoughtTokens": 10, "cachedReadTokens": 40,
               "cachedWriteTokens": 5, "totalTokens": total}  # fmt: skip

    assert read_stop({"stopReason": "end_turn", "usage": counted}) == Finished(STOP, usage)


@pytest.mark.parametrize("usage", [None, {}, {"inputTokens": 0, "outputTokens": 0}, [1]])
def test_what_counts_nothing_is_no_usage(usage):
    assert read_stop({"stopReason": "end_turn", "usage": usage}) == Finished(STOP)


# Error responses.


@pytest.mark.parametrize(
    ("code", "doing", "kind", "status"),
    [
        (-32000, "session/new", NotLoggedIn, 401),
        (401, "session/prompt", NotLoggedIn, 401),
        (-32601, "session/new", BackendUnavailable, 503),
        (-32601, "session/set_model", BackendRefused, 502),
        (-32602, "session/prompt", ProtocolError, 502),
        (
            -32602,
            "session/set_model",
            BackendRefused,
            400,
        ),  # a name that no list was there to refuse
        (-32600, "session/prompt", ProtocolError, 502),
        (-32700, "session/prompt", ProtocolError, 502),
        (-32603, "session/prompt", BackendRefused, 502),
        (-32002, "session/prompt", BackendRefused, 502),
        (429, "session/prompt", RateLimited, 429),
        (504, "session/prompt", BackendTimeout, 504),
        (400, "session/prompt", BackendRefused, 400),
        (7, "session/prompt", BackendRefused, 502),
    ],
)
def test_an_error_response_is_the_error_that_says_what_to_do(code, doing, kind, status):
    error = refused(code, "their words", doing=doing)

    assert (type(error), error.status) == (kind, status)
    assert "their words" in error.message or code == -32601


def test_a_runtime_without_sessions_says_what_to_open_and_other_agents_do_not():
    for who in ("Lingma", "Qoder CN"):
        assert "JetBrains" in refused(-32601, "", doing="session/new", who=who).message
    assert "Lingma" not in refused(-32601, "", doing="session/new", who="The agent").message


@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: {"authMethods": it}])
def test_a_missing_login_names_the_ways_to_log_in(wrap):
    methods = wrap([{"id": "a", "name": "With a browser"}, {"id": "key"}, {}, 3])
    error = refused(
        -32000, "Authentication required", methods, doing="session/new", log_in="Do it."
    )

    assert error.message.endswith("Do it. It offers: With a browser, key.")


@pytest.mark.parametrize(
    "data", ["boom", {"details": "boom"}, {"message": "boom"}, {"error": {"message": "boom"}}]
)
def test_what_the_data_adds_is_said(data):
    assert "Internal error: boom (" in refused(-32603, "Internal error", data, doing="x").message


@given(st.integers(), texts, json_values)
def test_every_error_response_has_a_meaning(code, message, data):
    assert refused(code, message, data, doing="session/prompt").message.isprintable()


def test_what_a_call_of_the_model_has_cost_comes_with_a_chunk_that_says_nothing():
    chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": ""}}
    usage = {"inputTokens": 9135, "outputTokens": 1, "totalTokens": 9136, "thoughtTokens": 0}
    meta = {"usage": usage, "durationMs": 667}

    assert read_update({"update": {**chunk, "_meta": meta}}) == Counted(Usage(9135, 1))
    assert read_update({"update": {**chunk, "_meta": {"usage": {}}}}) is None
    assert read_update({"update": chunk}) is None
