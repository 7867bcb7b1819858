import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.history import check
from lingma_proxy.conversation.request import Message, Text, ToolCall, ToolResult
from lingma_proxy.errors import InvalidRequest


def calls(*ids: str) -> Message:
    return Message("assistant", tuple(ToolCall(id, "shell", "{}") for id in ids))


def results(*ids: str) -> Message:
    return Message("user", tuple(ToolResult(id, ()) for id in ids))


def says(text: str) -> Message:
    return Message("user", (Text(text),))


HELLO = says("hello")
SYSTEM = Message("system", (Text("be brief"),))
DONE = Message("assistant", (Text("done"),))


@given(st.lists(st.lists(st.sampled_from("abc"), unique=True), max_size=4), st.data())
def test_calls_that_are_each_answered_once_pass(turns: list[list[str]], data: st.DataObject):
    messages = [HELLO]
    for ids in turns:
        order = data.draw(st.permutations(ids))
        messages += [calls(*ids), results(*order)] if ids else [DONE, HELLO]
    check([*messages, DONE])


@pytest.mark.parametrize(
    "messages",
    [
        [HELLO],
        [DONE, DONE],
        [HELLO, calls("a"), results("a"), calls("a"), results("a")],
        [HELLO, calls("a"), calls("b"), results("a", "b")],
        [HELLO, calls("a", "b"), results("b"), results("a")],
        [HELLO, calls("a"), SYSTEM, results("a"), SYSTEM, HELLO],
        [HELLO, calls("a", "b"), results("a"), SYSTEM, results("b")],
        [HELLO, calls("a"), Message("user", (Text("here:"), ToolResult("a", ())))],
    ],
    ids=[
        "no calls",
        "an assistant that speaks twice",
        "an id used again in a later turn",
        "parallel calls in two messages",
        "parallel results in two messages",
        "a system message between",
        "a system message between results",
        "text before the result",
    ],
)
def test_what_clients_really_send_passes(messages: list[Message]):
    check(messages)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([results("a")], "'a', but the assistant"),
        ([HELLO, calls("a"), results("b")], "'b', but the assistant"),
        ([HELLO, calls("a"), results("a"), HELLO, DONE, results("a")], "'a', but the assistant"),
        ([HELLO, calls("a")], "'a' (shell) has no result"),
        ([HELLO, calls("a", "b"), results("a")], "'b' (shell) has no result"),
        ([HELLO, calls("a"), HELLO, results("a")], "'a' (shell) has no result"),
        ([HELLO, calls("a", "b"), results("a"), DONE], "'b' (shell) has no result"),
        ([HELLO, calls("a"), results("a", "a")], "'a' has two results"),
        ([HELLO, calls("a"), results("a"), results("a")], "'a' has two results"),
        ([HELLO, calls("a", "a"), results("a")], "have the id 'a'"),
        ([HELLO, calls("a"), calls("a"), results("a")], "have the id 'a'"),
    ],
)
def test_what_does_not_fit_is_named(messages: list[Message], complaint: str):
    with pytest.raises(InvalidRequest) as error:
        check(messages)

    assert complaint in error.value.message
    assert error.value.param == "messages"


def test_a_very_long_id_is_not_quoted_whole():
    with pytest.raises(InvalidRequest) as error:
        check([HELLO, calls("x" * 10_000)])

    assert len(error.value.message) < 500
