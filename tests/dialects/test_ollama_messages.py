import pytest

from lingma_proxy.conversation.request import Image, Message, Text, Thinking, ToolCall, ToolResult
from lingma_proxy.dialects.ollama_messages import UNNAMED, conversation
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import loads

USER = {"role": "user", "content": "Hi"}


def call(name, arguments=None, **more):
    return {"function": {"name": name, "arguments": arguments or {}}, **more}


def said(*calls, **more):
    return {"role": "assistant", "content": "", "tool_calls": [*calls], **more}


def result(content, **more):
    return {"role": "tool", "content": content, **more}


def calls_of(message):
    return [part for part in message.parts if isinstance(part, ToolCall)]


def results_of(message):
    return [part for part in message.parts if isinstance(part, ToolResult)]


def pairs(messages):
    """Which result answers which call."""
    calls = {part.id: part.name for it in messages for part in it.parts if type(part) is ToolCall}
    return [
        (calls[part.call_id], "".join(text.text for text in part.content if isinstance(text, Text)))
        for message in messages
        for part in message.parts
        if isinstance(part, ToolResult)
    ]


def test_each_role_says_its_own():
    assert conversation(
        [
            {"role": "system", "content": " Be brief.\n"},
            {"role": "user", "content": "Look", "images": ["aGk="]},
            {"role": "assistant", "content": "So", "thinking": "Hm"},
        ]
    ) == (
        Message("system", (Text(" Be brief.\n"),)),
        Message("user", (Image(UNNAMED, b"hi"), Text("Look"))),
        Message("assistant", (Thinking("Hm"), Text("So"))),
    )


@pytest.mark.parametrize("nothing", [None, []])
def test_there_may_be_no_messages(nothing):
    assert conversation(nothing) == ()


def test_a_picture_may_come_alone_and_as_a_data_url():
    (message,) = conversation(
        [{"role": "user", "content": "", "images": ["data:image/png;base64,aGk="]}]
    )

    assert message.parts == (Image("image/png", b"hi"),)


def test_arguments_keep_their_order_and_their_numbers():
    body = loads('{"z": 9007199254740993, "a": {"y": 1, "b": 123456789012345678901234567890}}')

    *_, message = conversation([USER, said(call("seek", body))])

    (part,) = calls_of(message)
    assert part.arguments == '{"z":9007199254740993,"a":{"y":1,"b":123456789012345678901234567890}}'


def test_calls_without_ids_have_the_same_ones_each_time():
    history = [USER, said(call("a"), call("a"), call("b", id="mine")), result("1")]

    first, again = conversation(history), conversation([*history, result("2")])

    assert first[1] == again[1]
    assert len({part.id for part in calls_of(first[1])}) == 3
    assert calls_of(first[1])[2].id == "mine"


def test_results_find_their_calls_by_id_then_by_name_then_by_order():
    calls = said(call("a"), call("b"), call("c", id="3"), call("b"), call("d"))

    messages = conversation(
        [
            USER,
            calls,
            result("third", tool_call_id="3", tool_name="a"),
            result("second", tool_name="b"),
            result("fourth", name="b"),
            result("first"),
            result("fifth", tool_name="misspelled"),
        ]
    )

    assert pairs(messages) == [
        ("c", "third"),
        ("b", "second"),
        ("b", "fourth"),
        ("a", "first"),
        ("d", "fifth"),
    ]
    assert len(messages) == 3, "results that follow one another are one message"
    ids = [part.call_id for part in results_of(messages[2])]
    assert ids[1] == calls_of(messages[1])[1].id, "the first `b` is answered first"


def test_calls_of_one_turn_may_stand_in_several_messages():
    messages = conversation([USER, said(call("a")), said(call("b")), result("1"), result("2")])

    assert pairs(messages) == [("a", "1"), ("b", "2")]


def test_calls_of_an_earlier_turn_are_not_waiting_any_more():
    history = [USER, said(call("a")), USER, said(call("b")), result("x", tool_name="a")]

    assert pairs(conversation(history)) == [("b", "x")]


def test_a_result_may_be_empty_or_a_picture():
    messages = conversation(
        [USER, said(call("a"), call("b")), result(""), result("", images=["aGk="])]
    )

    assert [part.content for part in results_of(messages[2])] == [(), (Image(UNNAMED, b"hi"),)]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ("Hi", "messages is a list"),
        (["Hi"], r"messages\[0\] is an object, not a string"),
        ([{"content": "Hi"}], r"messages\[0\].role is missing"),
        ([{"role": "robot", "content": "Hi"}], "'robot' is not supported"),
        ([{"role": "user", "content": [{"type": "text"}]}], "content is a string, not a list"),
        ([{**USER, "images": "aGk="}], r"messages\[0\].images is a list"),
        ([{**USER, "images": [3]}], r"images\[0\] is base64"),
        ([{**USER, "images": ["a!"]}], "cannot be read"),
        ([{**USER, "images": [""]}], "is empty"),
        ([{"role": "system", "content": "", "images": ["aGk="]}], "only in what the user"),
        ([{"role": "assistant", "content": "", "images": ["aGk="]}], "only in what the user"),
        ([said({"function": {"name": "a", "arguments": "{}"}})], "arguments is an object"),
        ([said({"function": {"arguments": {}}})], "which has a name"),
        ([said("a")], "which has a name"),
        ([USER, result("x")], r"messages\[1\] is the result of a tool, but no call"),
        ([USER, said(call("a")), result("x"), result("y")], r"messages\[3\] is the result"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(messages, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        conversation(messages)


def test_a_call_may_lack_arguments():
    messages = conversation(
        [said({"function": {"name": "a"}}, {"function": {"name": "b", "arguments": None}})]
    )

    assert [part.arguments for part in calls_of(messages[0])] == ["{}", "{}"]


class Name(str):
    """A name that knows how often any of its kind was compared."""

    __slots__ = ()
    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other):
        Name.compared += 1
        return str.__eq__(self, other)


def test_many_calls_are_matched_without_looking_at_each_for_each():
    number = 500
    names = [f"tool_{n}" for n in range(number)]
    Name.compared = 0

    messages = conversation(
        [
            USER,
            said(*(call(Name(name)) for name in names)),
            *(result(name, tool_name=Name(name)) for name in reversed(names)),
        ]
    )

    assert pairs(messages) == [(name, name) for name in reversed(names)]
    assert Name.compared < 10 * number
