from dataclasses import replace

import pytest

from lingma_proxy.backends.sessions import LONGEST, Session, Sessions, extended, trail
from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)


def said(role, *parts):
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def user(*parts):
    return said("user", *parts)


def assistant(*parts):
    return said("assistant", *parts)


def asked(*messages, name=""):
    return trail(ChatRequest("1", "m", tuple(messages), conversation=name))


def kept(mode, *messages, name="", id="s1"):
    sessions = Sessions(mode)
    assert sessions.keep(Session(id, "m", asked(*messages, name=name)), 0) == []
    return sessions


HELLO = (user("hello"), assistant("hi"))


def test_a_conversation_that_goes_on_goes_on_in_its_session():
    session, held = kept("auto", *HELLO).take(asked(*HELLO, user("and now?")))

    assert (session.id, held) == ("s1", 2)


@pytest.mark.parametrize(
    "messages",
    [
        (user("hello"),),
        HELLO,
        (user("hello"), assistant("hi!"), user("and now?")),
        (user("Hello"), assistant("hi"), user("and now?")),
        (said("system", "Be brief."), *HELLO, user("and now?")),
        (user("hello", Image("image/png", b"1")), assistant("hi"), user("and now?")),
        (user("hello", Document("", b"1")), assistant("hi"), user("and now?")),
        (user("hello", DocumentLink("1")), assistant("hi"), user("and now?")),
        (*HELLO, user("elsewhere"), assistant("was said"), user("and now?")),
        (user("hello"), user("hi"), user("and now?")),
    ],
    ids=[
        "only its beginning",
        "nothing new",
        "another answer",
        "another question",
        "a system message more",
        "a picture more",
        "a document more",
        "a link to a document more",
        "it went on elsewhere",
        "another role",
    ],
)
def test_another_conversation_is_another_session(messages):
    assert kept("auto", *HELLO).take(asked(*messages)) is None


@pytest.mark.parametrize(
    "answer",
    [
        assistant(Thinking("hm"), "hi"),
        assistant("h", "i"),
        assistant("h", Thinking("hm", "signed"), "i"),
    ],
    ids=["thinking", "in two texts", "thinking between them"],
)
def test_how_a_client_repeats_an_answer_does_not_matter(answer):
    assert kept("auto", *HELLO).take(asked(user("hello"), answer, user("more"))) is not None


PARTS: list[Part] = [
    Text("a"),
    ToolCall("1", "t", "{}"),
    ToolCall("1", "t", '{"a":1}'),
    ToolResult("1", ()),
    ToolResult("1", (), is_error=True),
    ToolResult("1", (Text("a"),)),
    ToolResult("1", (Text(""), Text("a"))),
    Image("image/png", b"1"),
    Image("image/png", b"12"),
    ImageLink("https://a/b.png"),
]


@pytest.mark.parametrize("one", PARTS, ids=repr)
def test_whatever_differs_is_another_conversation(one):
    same = [
        other for other in PARTS if asked(user(one), user("x")) == asked(user(other), user("x"))
    ]

    assert same == [one]


def test_the_session_that_holds_the_most_is_taken():
    sessions = kept("auto", *HELLO)
    longer = (*HELLO, user("and now?"), assistant("now"))
    sessions.keep(Session("s2", "m", asked(*longer)), 1)

    session, held = sessions.take(asked(*longer, user("go on")))

    assert (session.id, held) == ("s2", 4)


def test_a_session_is_taken_once():
    sessions = kept("auto", *HELLO)
    more = asked(*HELLO, user("and now?"))

    assert sessions.take(more) is not None
    assert sessions.take(more) is None


def test_fresh_keeps_none():
    session = Session("s1", "m", asked(*HELLO))

    assert Sessions("fresh").keep(session, 0) == [session]


def test_a_session_that_holds_nothing_is_not_kept():
    session = Session("s1", "m")

    assert Sessions("auto").keep(session, 0) == [session]


CHANGED = (user("hello"), assistant("hi, as the client changed it"), user("more"))


def test_reuse_goes_on_where_only_answers_were_changed():
    assert kept("reuse", *HELLO, name="mine").take(asked(*CHANGED, name="mine")) is not None


@pytest.mark.parametrize(
    ("one", "other"), [("mine", "yours"), ("mine", ""), ("", "mine"), ("", "")]
)
def test_reuse_does_so_only_within_one_conversation_of_one_client(one, other):
    assert kept("reuse", *HELLO, name=one).take(asked(*CHANGED, name=other)) is None


def test_reuse_does_not_go_on_where_the_client_said_something_else():
    other = (user("Hello"), assistant("hi"), user("more"))

    assert kept("reuse", *HELLO, name="mine").take(asked(*other, name="mine")) is None


def test_reuse_never_goes_on_in_a_conversation_of_another_name():
    more = (*HELLO, user("and now?"))

    assert kept("reuse", *HELLO, name="mine").take(asked(*more, name="yours")) is None
    assert kept("reuse", *HELLO, name="mine").take(asked(*more, name="mine")) is not None
    assert kept("auto", *HELLO, name="mine").take(asked(*more, name="yours")) is not None


def test_auto_does_not_go_on_where_answers_were_changed():
    assert kept("auto", *HELLO, name="mine").take(asked(*CHANGED, name="mine")) is None


def test_the_oldest_makes_room():
    sessions = Sessions("auto", most=2)
    some = [Session(str(n), "m", asked(user(str(n)), assistant("x"))) for n in range(3)]

    assert [sessions.keep(session, n) for n, session in enumerate(some)] == [[], [], [some[0]]]


def test_what_has_waited_too_long_is_given_up():
    sessions = kept("auto", *HELLO)
    sessions.keep(later := Session("s2", "m", asked(user("other"), assistant("x"))), 10)

    assert sessions.next_look() == LONGEST["auto"]
    assert [each.id for each in sessions.abandoned(LONGEST["auto"])] == ["s1"]
    assert sessions.next_look() == LONGEST["auto"] + 10
    assert sessions.all() == [later]
    assert sessions.next_look() is None


def test_a_trail_can_be_followed_on():
    more = (user("and now?"), assistant("now"))

    assert extended(asked(*HELLO, name="n"), more) == asked(*HELLO, *more, name="n")


def test_a_name_of_a_message_counts():
    assert asked(replace(user("a"), name="x"), user("b")) != asked(user("a"), user("b"))


def test_no_text_is_kept():
    assert "hello" not in repr(asked(*HELLO))
