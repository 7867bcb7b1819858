import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, PartStarted, ReplyStarted, Usage
from lingma_proxy.conversation.reply import replay
from lingma_proxy.conversation.request import Message, ResponseFormat, Text, Tool
from lingma_proxy.errors import BackendTimeout, InvalidRequest, UnfitAnswer
from lingma_proxy.policies.answer_in_json import AnswerInJson, checker, fitted
from support.backends import (
    CALL,
    THOUGHT,
    answer,
    ask,
    cuts,
    drain,
    hands_on,
    hear,
    heard,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)
from support.strategies import json_objects
from tools.test_schema_extent import doubling

ANY = ResponseFormat()
POINT = ResponseFormat(
    {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
        "required": ["x", "y"],
    }
)
GOOD = ' {"y": 2,  "x": 1.0e0}\n'
BAD = '{"x": "one"}'
SYSTEM = Message("system", (Text("be kind"),))


async def in_json(wanted: ResponseFormat, *replies, request=None):
    """What comes of a reply, and what the model was asked."""
    inner = Scripted(replies)
    reply = await hear(AnswerInJson(inner), request or ask(response_format=wanted))
    assert inner.speaking == 0
    return reply, inner.requests


async def test_without_a_format_the_inner_stream_is_handed_on() -> None:
    assert await hands_on(AnswerInJson, ask())


async def test_an_answer_that_fits_is_said_as_the_model_spelled_it() -> None:
    reply, asked = await in_json(POINT, one_by_one(answer(GOOD)))

    assert reply == answer(GOOD)
    assert len(asked) == 1


async def test_the_model_is_told_the_schema_after_the_leading_system_messages() -> None:
    request = ask(SYSTEM, SYSTEM, "hi", SYSTEM, response_format=POINT)

    _, [asked] = await in_json(POINT, answer(GOOD), request=request)

    assert asked.messages[:2] == (SYSTEM, SYSTEM)
    assert asked.messages[3:] == request.messages[2:]
    told = asked.messages[2].parts[0].text
    assert asked.messages[2].role == "system"
    assert told.endswith("JSON Schema: " + json.dumps(POINT.schema, separators=(",", ":")))


async def test_with_tools_only_answers_in_text_are_told_to_be_json() -> None:
    request = ask("hi", tools=(Tool("shell", "", {}),), response_format=ANY)

    _, [asked] = await in_json(ANY, answer("{}"), request=request)

    assert asked.messages[0].parts[0].text.startswith("When you answer in text")
    assert asked.tools == request.tools


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("```json\n{}\n```", "{}\n"),
        ("\n```\n{ }```\n", "{ }"),
        ('Here you are:\n{"a": [1]}\nAnything else?', '{"a": [1]}'),
        ('As [1] says: {"a": 1}', '{"a": 1}'),
        ("Sure!\n```json\n{}\n```\nDone.", "{}"),
        ('{"a": "```"}', '{"a": "```"}'),
    ],
)
async def test_what_is_around_a_value_is_taken_away(said, value) -> None:
    reply, _ = await in_json(ANY, answer(said))

    assert reply == answer(value)


@pytest.mark.parametrize(
    "said", ["[1]", "3", '"{}"', "", " ", "{} {}", "{'a': 1}", "{", '{"a": NaN}']
)
async def test_what_is_no_object_is_asked_for_again(said) -> None:
    reply, asked = await in_json(ANY, answer(said), answer("{}"))

    assert reply == answer("{}")
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "array"}, "Here: [1, {}]"),
        ({"type": "integer"}, "```json\n42\n```"),
        ({"type": "string"}, '"text"'),
        ({"type": "integer"}, "123456789012345678901234567890"),
        ({"$defs": {"n": {"type": "null"}}, "$ref": "#/$defs/n"}, "null"),
        ({"prefixItems": [{"type": "integer"}], "items": False}, "[1]"),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [True]}, "[1, 2]"),
    ],
)
async def test_any_value_may_be_demanded(schema, said) -> None:
    value, _ = fitted(said, checker(ResponseFormat(schema)))

    assert value is not None
    assert value.strip() in said


async def test_a_repair_is_asked_with_the_answer_and_what_is_wrong_with_it() -> None:
    first = answer(THOUGHT, BAD, usage=Usage(input=1, output=2, cached=3, reasoning=4))
    second = answer(GOOD, usage=Usage(input=10, output=20, cached=30, estimated=True))

    reply, [asked, again] = await in_json(POINT, first, second)

    usage = Usage(input=11, output=22, cached=33, reasoning=4, estimated=True)
    assert reply == answer(THOUGHT, GOOD, usage=usage)
    assert again.messages[: len(asked.messages)] == asked.messages
    failed, told = again.messages[len(asked.messages) :]
    assert failed == Message("assistant", (Text(BAD),))
    assert told.role == "user"
    assert 'at x: "one" is not of type "integer"' in told.parts[0].text


async def test_an_empty_answer_is_not_sent_back() -> None:
    _, [asked, again] = await in_json(ANY, answer(), answer("{}"))

    assert [message.role for message in again.messages[len(asked.messages) :]] == ["user"]


async def test_the_thinking_of_both_tries_is_heard_with_legal_indices() -> None:
    reply, _ = await in_json(ANY, answer(THOUGHT, "no"), answer(THOUGHT, "{", "}"))

    assert reply == answer(THOUGHT, THOUGHT, "{}")


async def test_two_failures_are_an_error_that_says_why() -> None:
    inner = Scripted([answer(BAD), answer('{"x": 1}')])

    events, error = await heard(AnswerInJson(inner), ask(response_format=POINT))

    assert isinstance(error, UnfitAnswer)
    assert '"y" is a required property' in error.message
    assert [type(event) for event in events] == [ReplyStarted]
    assert len(inner.requests) == 2


async def test_a_complaint_about_a_long_value_is_short() -> None:
    format = ResponseFormat({"type": "string", "maxLength": 1})
    inner = Scripted([answer(json.dumps("x" * 100_000))] * 2)

    _, error = await heard(AnswerInJson(inner), ask(response_format=format))

    assert isinstance(error, UnfitAnswer)
    assert len(error.message) < 1000


async def test_the_start_and_thinking_do_not_wait_for_the_answer() -> None:
    inner = Scripted([one_by_one(answer(THOUGHT, GOOD))])

    batches = await drain(AnswerInJson(inner), ask(response_format=POINT))

    assert batches[:4] == one_by_one(answer(THOUGHT))[:4]
    assert [type(event) for event in batches[4]][:1] == [PartStarted]
    assert len(batches) == 5


@pytest.mark.parametrize(
    "reply",
    [
        answer(CALL, reason=FinishReason.TOOL_CALLS),
        answer("let me look", CALL, "there", reason=FinishReason.TOOL_CALLS),
        answer("{", reason=FinishReason.LENGTH),
        answer("I will ", "", "not", reason=FinishReason.CONTENT_FILTER),
        answer('{"a": "', stop_sequence='"'),
        answer(THOUGHT, CALL, CALL),
    ],
)
async def test_what_is_no_whole_answer_goes_out_as_it_is(reply) -> None:
    said, asked = await in_json(ANY, one_by_one(reply))

    assert said == reply
    assert len(asked) == 1


async def test_text_before_a_call_goes_out_with_the_call() -> None:
    reply = answer("let me look", CALL, "there")

    batches = await drain(AnswerInJson(Scripted([one_by_one(reply)])), ask(response_format=ANY))

    assert batches[1] == replay(reply)[1:5]
    assert batches[2:] == one_by_one(reply)[5:]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "objekt"}, "objekt"),
        ({"properties": {"a": {"pattern": "("}}}, "at properties/a/pattern"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/hostname"}, "Retrieval is disabled"),
        ({"$ref": "#/nowhere"}, "/nowhere"),
        ({"$schema": "http://127.0.0.1:9/draft"}, "meta-schema"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_the_clients_fault(schema, says) -> None:
    inner = Scripted([])

    events, error = await heard(AnswerInJson(inner), ask(response_format=ResponseFormat(schema)))

    assert events == []
    assert inner.requests == []
    assert isinstance(error, InvalidRequest)
    assert says in error.message
    assert error.param == "response_format"


def test_a_schema_nested_beyond_all_reason_is_the_clients_fault() -> None:
    schema: dict = {}
    for _ in range(900):
        schema = {"not": schema}

    with pytest.raises(InvalidRequest):
        checker(ResponseFormat(schema))


@pytest.mark.parametrize("depth", [18, 400, 5000])
def test_a_schema_that_multiplies_itself_is_the_clients_fault(depth) -> None:
    with pytest.raises(InvalidRequest, match="references"):
        checker(ResponseFormat(doubling(depth)))


def test_a_schema_in_a_circle_checks_what_is_deep() -> None:
    check = checker(ResponseFormat({"items": {"$ref": "#"}, "type": "array"}))
    deep = "[" * 900 + "]" * 900

    assert fitted(deep, check) == (deep, "")


async def test_a_failure_of_the_repair_is_told() -> None:
    inner = Scripted([answer("no"), BackendTimeout("silence")])

    events, error = await heard(AnswerInJson(inner), ask(response_format=ANY))

    assert isinstance(error, BackendTimeout)
    assert len(events) == 1


async def test_hanging_up_at_any_point_leaves_nothing_behind() -> None:
    first = one_by_one(answer(THOUGHT, "no"))
    second = one_by_one(answer(THOUGHT, "{}"))

    await leaves_nothing_behind(AnswerInJson, ask(response_format=ANY), first, second)


@given(
    json_objects,
    st.sampled_from([("", ""), ("```json\n", "\n```"), ("Here:\n", "\nEnjoy.")]),
    cuts,
    cuts,
)
def test_an_object_arrives_whatever_is_around_it_and_however_it_comes(
    value, around, deltas, batches
) -> None:
    before, after = around
    script = in_pieces(answer(before + json.dumps(value) + after), deltas, batches)
    inner = Scripted([script])

    reply = asyncio.run(hear(AnswerInJson(inner), ask(response_format=ANY)))

    [part] = reply.parts
    assert isinstance(part, Text)
    assert json.loads(part.text) == value
