"""What a request goes on from stands before its own input; what it refers to stands in it."""

import pytest

from lingma_proxy.dialects.openai_responses_history import (
    gone_on,
    not_found,
    previous_id,
    referred,
    resolved,
    said_then,
)
from lingma_proxy.errors import InvalidRequest, NotFound

MESSAGE = {"type": "message", "id": "msg_1", "role": "user", "content": "Hi"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}


@pytest.mark.parametrize("body", [{}, {"previous_response_id": None}, {"previous_response_id": ""}])
def test_most_requests_go_on_from_nothing(body):
    assert previous_id(body) is None


def test_a_request_names_what_it_goes_on_from():
    assert previous_id({"previous_response_id": "resp_1", "conversation": None}) == "resp_1"


@pytest.mark.parametrize(
    "body", [{"previous_response_id": 1}, {"previous_response_id": "r", "conversation": "c"}]
)
def test_what_cannot_be_gone_on_from_is_refused(body):
    with pytest.raises(InvalidRequest) as caught:
        previous_id(body)

    assert caught.value.param == "previous_response_id"


def test_what_was_said_before_comes_first():
    body = {"model": "m", "input": [CALL], "instructions": "Be brief."}

    assert gone_on(body, [MESSAGE]) == {**body, "input": [MESSAGE, CALL]}
    assert body["input"] == [CALL], "the client's body stays as it is"


@pytest.mark.parametrize("given", ["More", None, [], {"role": "user", "content": "More"}])
def test_an_input_of_any_form_is_gone_on_to(given):
    first, *rest = gone_on({"input": given}, [MESSAGE])["input"]

    assert first == MESSAGE
    assert [item.get("content") for item in rest] == (["More"] if given else [])


def test_without_anything_before_the_body_is_left_alone():
    body = {"input": "Hi"}

    assert gone_on(body, []) is body


@pytest.mark.parametrize(
    "kind", ["function_call", "custom_tool_call", "local_shell_call", "tool_search_call"]
)
def test_a_call_that_was_cut_off_was_never_made(kind):
    cut = {**CALL, "type": kind, "status": "incomplete"}
    done = {**CALL, "type": kind, "status": "completed"}
    text = {**MESSAGE, "status": "incomplete"}

    assert said_then([MESSAGE], [text, done, cut]) == [MESSAGE, text, done]


@pytest.mark.parametrize(
    "item",
    [{"type": "item_reference", "id": "x"}, {"type": None, "id": "x"}, {"id": "x"}],
    ids=["named", "null", "bare"],
)
def test_a_reference_is_known_by_its_type_or_by_having_none(item):
    assert referred({"input": [MESSAGE, item]}) == ["x"]


@pytest.mark.parametrize(
    "given",
    ["x", None, [MESSAGE], [{"id": "x", "role": "user", "content": "y"}], [{"id": 1}], [1, "x"]],
)
def test_nothing_else_is_a_reference(given):
    assert referred({"input": given}) == []


def test_an_item_takes_the_place_of_its_reference():
    body = {"input": [{"type": "item_reference", "id": "fc_1"}, MESSAGE]}

    assert resolved(body, {"fc_1": CALL}) == {"input": [CALL, MESSAGE]}


def test_a_reference_to_nothing_is_said_in_openais_words():
    with pytest.raises(NotFound, match=r"^Item with id 'x' not found\..*It is off\.$") as caught:
        resolved({"input": [{"id": "x"}]}, {}, "It is off.")

    assert (caught.value.status, caught.value.param) == (404, "input")


def test_an_unknown_response_is_said_in_openais_words():
    error = not_found("resp_1", "resp_1")

    assert error.message == "Previous response with id 'resp_1' not found."
    assert (error.status, error.param) == (400, "previous_response_id")
    assert error.code == "previous_response_not_found"


def test_a_conversation_with_a_gap_names_it():
    error = not_found("resp_1", "resp_9", "It is off.")

    assert "'resp_1'" in error.message
    assert "'resp_9'" in error.message
    assert error.message.endswith("It is off.")
    assert error.code == "previous_response_not_found"
