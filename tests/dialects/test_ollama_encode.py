import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.stopwatch import Stopwatch
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects.ollama import CHAT, GENERATE
from lingma_proxy.errors import BackendTimeout, ModelNotFound, ProtocolError
from lingma_proxy.jsonio import dumpb, loads
from support.ollama_grammar import OllamaGrammar
from support.strategies import arguments, texts

NOW = 1_800_000_000
BODIES: dict[str, dict[str, Any]] = {
    "ollama_chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "ollama_generate": {"prompt": "Hi"},
}
NOTHING: dict[str, dict[str, Any]] = {
    "ollama_chat": {"messages": []},
    "ollama_generate": {"prompt": ""},
}
both = pytest.mark.parametrize("dialect", [CHAT, GENERATE], ids=lambda dialect: dialect.name)


def asked(dialect: Dialect, **fields: Any) -> Asked:
    return dialect.decode({"model": "auto", **BODIES[dialect.name], **fields}, "req_7f")


def timed(dialect: Dialect, looks: Iterable[int]) -> Asked:
    """With a clock that shows these nanoseconds, one at each look; it is NOW on the wall."""
    watch = Stopwatch(iter(looks).__next__, lambda: NOW * 10**9)
    watch.start()
    return replace(asked(dialect), watch=watch)


def reply(*parts: Any, reason: FinishReason = FinishReason.STOP) -> Reply:
    return Reply("r1", "qmodel", parts, reason, Usage(10, 5))


def lines(dialect: Dialect, reply: Reply, **fields: Any) -> list[Any]:
    encoder = dialect.encoder(asked(dialect, **fields), NOW)
    data = encoder.encode(replay(reply)) + encoder.end()
    grammar = OllamaGrammar(chat=dialect is CHAT)
    grammar.feed(data)
    grammar.end()
    return [json.loads(line) for line in data.splitlines()]


def whole(dialect: Dialect, reply: Reply, **fields: Any) -> Any:
    return loads(dumpb(dialect.whole(asked(dialect, **fields), [reply], NOW)))


CALL = ToolCall("call_1", "shell", '{"command": "ls"}')


# Time.


@both
def test_each_line_has_the_time_at_which_it_was_said(dialect: Dialect) -> None:
    encoder = dialect.encoder(timed(dialect, count(0, 1_500)), 0)

    times = [json.loads(encoder.heartbeat())["created_at"] for _ in range(3)]

    assert times == [f"2027-01-15T08:00:00.00000{n}Z" for n in (1, 3, 4)]


@both
def test_how_long_it_took_is_what_the_clock_says(dialect: Dialect) -> None:
    question = timed(dialect, [0, 40, 100, 100])
    question.watch.hear(replay(reply(Text("Hi")))[:2])

    said = dialect.whole(replace(question), [reply(Text("Hi"))], NOW)

    assert said["prompt_eval_duration"] == 40
    assert said["total_duration"] == said["prompt_eval_duration"] + said["eval_duration"] == 100
    assert (said["prompt_eval_count"], said["eval_count"]) == (10, 5)


@both
def test_what_came_all_at_once_was_being_made_all_the_while(dialect: Dialect) -> None:
    """So that nobody who divides by it divides by nothing."""
    question = timed(dialect, count(0, 50))
    question.watch.hear(replay(reply(Text("Hi"))))

    said = dialect.whole(question, [reply(Text("Hi"))], NOW)

    assert said["eval_duration"] == said["total_duration"] > 0


# What is said.


@both
@given(st.lists(texts, max_size=3), st.lists(texts, max_size=3), st.lists(arguments(), max_size=3))
def test_a_stream_adds_up_to_what_is_said_at_once(
    dialect: Dialect, thoughts: list[str], said: list[str], calls: list[str]
) -> None:
    parts = [
        *map(Thinking, thoughts),
        *map(Text, said),
        *(ToolCall(f"call_{n}", "shell", written) for n, written in enumerate(calls)),
    ]
    *pieces, last = lines(dialect, reply(*parts))
    at_once = whole(dialect, reply(*parts))

    place = [each["message"] if dialect is CHAT else each for each in [*pieces, at_once]]
    text = "content" if dialect is CHAT else "response"
    *streamed, complete = place
    assert "".join(each[text] for each in streamed) == complete[text] == "".join(said)
    thinking = "".join(each.get("thinking", "") for each in streamed)
    assert thinking == complete.get("thinking", "") == "".join(thoughts)
    made = [call for each in streamed for call in each.get("tool_calls", [])]
    assert made == complete.get("tool_calls", [])
    assert [call["function"]["arguments"] for call in made] == [json.loads(it) for it in calls]
    assert last["done_reason"] == at_once["done_reason"] == "stop"


@both
def test_arguments_keep_the_models_spelling_in_one_line(dialect: Dialect) -> None:
    written = '{ "at" : 9007199254740993,\r\n\t"b": 1e2, "a": "\\n\u2028" }\n'
    call = ToolCall("call_1", "seek", written)
    encoder = dialect.encoder(asked(dialect), NOW)

    data = encoder.encode(replay(reply(call)))

    assert b'{ "at" : 9007199254740993,\t"b": 1e2, "a": "\\n\\u2028" }' in data
    assert len(data.decode().splitlines()) == 1


@both
def test_no_arguments_are_an_empty_object(dialect: Dialect) -> None:
    first, _ = lines(dialect, reply(ToolCall("call_1", "now", "")))

    said = first["message"] if dialect is CHAT else first
    assert said["tool_calls"][0]["function"]["arguments"] == {}


@both
@pytest.mark.parametrize("cut", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
def test_a_call_that_was_cut_off_is_no_call(dialect: Dialect, cut: FinishReason) -> None:
    broken = reply(CALL, ToolCall("call_2", "write", '{"text": "It was'), reason=cut)
    first, last = lines(dialect, broken)
    at_once = whole(dialect, broken)

    for each in (first, at_once):
        said = each["message"] if dialect is CHAT else each
        assert [call["id"] for call in said["tool_calls"]] == ["call_1"]
    assert last["done_reason"] == at_once["done_reason"] == str(cut)


@both
@pytest.mark.parametrize("written", ["echo hello", "[1]", '"x"', '{"a": }', '{"text": "It was'])
def test_arguments_that_are_no_object_are_an_error(dialect: Dialect, written: str) -> None:
    odd = reply(CALL, ToolCall("call_2", "run", written), reason=FinishReason.TOOL_CALLS)
    encoder = dialect.encoder(asked(dialect), NOW)

    with pytest.raises(ProtocolError, match="called run with arguments"):
        encoder.encode(replay(odd))
    with pytest.raises(ProtocolError, match="called run with arguments"):
        whole(dialect, odd)


@both
def test_who_wants_no_thoughts_hears_none(dialect: Dialect) -> None:
    thoughtful = reply(Thinking("Hm."), Text("Yes."))

    assert len(lines(dialect, thoughtful, think=True)) == 3
    assert len(lines(dialect, thoughtful, think=False)) == 2
    assert b"Hm." not in dumpb(whole(dialect, thoughtful, think=False))


@both
def test_the_model_that_answers_is_named(dialect: Dialect) -> None:
    assert {line["model"] for line in lines(dialect, reply(Text("Hi")))} == {"qmodel"}
    assert whole(dialect, reply(Text("Hi")))["model"] == "qmodel"


# What is not asked, and what goes wrong.


@both
@pytest.mark.parametrize(("keep_alive", "reason"), [(None, "load"), ("5m", "load"), (0, "unload")])
def test_where_nothing_was_asked_nothing_was_measured(
    dialect: Dialect, keep_alive: object, reason: str
) -> None:
    said = whole(dialect, reply(), **NOTHING[dialect.name], keep_alive=keep_alive)

    text = (
        {"message": {"role": "assistant", "content": ""}} if dialect is CHAT else {"response": ""}
    )
    del said["created_at"]
    assert said == {"model": "qmodel", **text, "done": True, "done_reason": reason}


@both
def test_an_error_is_a_string_and_names_the_request_if_it_is_not_the_clients(
    dialect: Dialect,
) -> None:
    ours = dialect.error(BackendTimeout("It took too long."), "req_1")
    theirs = dialect.error(ModelNotFound("There is no such model."), "req_1")

    assert ours == {"error": "It took too long. (request req_1)"}
    assert theirs == {"error": "There is no such model."}
