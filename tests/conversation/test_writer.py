import json
from itertools import count

import pytest
from hypothesis import given

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.writer import BLANK, JsonEnd, ReplyWriter
from lingma_proxy.errors import ProtocolError
from support.cuts import in_two, one_by_one
from support.stories import Call, Delta, Say, Think, Together, heard_parts, new_ids, say, text_of
from support.strategies import arguments, json_objects, scripts
from support.work import copied

STOP = FinishReason.STOP


def writer() -> ReplyWriter:
    return ReplyWriter(new_ids())


# Where parts open and close.


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
def test_a_call_that_is_cut_before_its_arguments_is_not_made_complete(reason) -> None:
    w = writer()
    w.tool_call(0, "a", "list", "")
    w.tool_call(1, "b", "read", "")

    assert w.end(reason) == [
        PartDelta(0, "{}"),
        PartEnded(0),
        PartStarted(1, ToolCall("b", "read", "")),
        PartEnded(1),
        ReplyEnded(reason),
    ]


def test_a_reply_starts_with_what_is_known_of_it() -> None:
    assert writer().start("1", "m") == [ReplyStarted("1", "m", (), 0)]
    assert writer().start("1", "m", ("A warning.",), 12) == [
        ReplyStarted("1", "m", ("A warning.",), 12)
    ]


def test_a_reply_that_says_nothing_just_ends() -> None:
    assert writer().end(STOP, Usage(1, 0), "END") == [ReplyEnded(STOP, Usage(1, 0), "END")]


def test_a_part_opens_with_its_first_piece_and_streams() -> None:
    w = writer()

    assert w.text("Hel") == [PartStarted(0, Text("")), PartDelta(0, "Hel")]
    assert w.text("lo") == [PartDelta(0, "lo")]
    assert w.end(STOP) == [PartEnded(0), ReplyEnded(STOP)]


def test_nothing_said_is_nothing_heard() -> None:
    w = writer()

    assert w.text("") == w.thinking("") == []
    w.text("x")
    assert w.thinking("") == []
    assert w.text("y") == [PartDelta(0, "y")]


def test_a_part_closes_when_another_stands_behind_it() -> None:
    w = writer()
    w.thinking("Hm.")

    assert w.text("Yes.") == [PartEnded(0), PartStarted(1, Text("")), PartDelta(1, "Yes.")]
    assert w.tool_call(0, "call_1", "f", "") == [
        PartEnded(1),
        PartStarted(2, ToolCall("call_1", "f", "")),
    ]
    assert w.tool_call(0, "", "", '{"a"') == [PartDelta(2, '{"a"')]
    assert w.thinking("So.") == []
    assert w.tool_call(0, "", "", ":1}") == [
        PartDelta(2, ":1}"),
        PartEnded(2),
        PartStarted(3, Thinking("")),
        PartDelta(3, "So."),
    ]


def test_what_stands_behind_a_call_waits_in_the_order_in_which_it_was_first_heard_of() -> None:
    w = writer()
    w.tool_call(7, "call_a", "f", "[")
    assert w.text("one ") == []
    assert w.tool_call(3, "call_b", "g", "{") == []
    assert w.text("two") == []
    assert w.tool_call(3, "", "", "}") == []

    assert heard_parts([PartStarted(0, ToolCall("call_a", "f", "")), *w.tool_call(7, "", "", "]")]) == [
        ToolCall("call_a", "f", "]"),
        Text("one "),
        ToolCall("call_b", "g", "{}"),
        Text("two"),
    ]  # fmt: skip


# Calls.


def test_a_call_without_arguments_is_one_with_an_empty_object() -> None:
    w = writer()
    w.tool_call(0, "call_1", "now", "")

    assert w.end(STOP) == [PartDelta(0, "{}"), PartEnded(0), ReplyEnded(STOP)]


def test_a_call_is_given_an_id_only_if_the_vendor_gives_none() -> None:
    w = writer()

    assert w.tool_call(0, "", "f", "{}")[0] == PartStarted(0, ToolCall("call_new_1", "f", ""))
    assert w.tool_call(1, "call_2", "f", "{}")[1] == PartStarted(1, ToolCall("call_2", "f", ""))
    assert w.tool_call(2, "", "f", "{}")[1] == PartStarted(2, ToolCall("call_new_2", "f", ""))


def test_an_id_may_come_before_the_name() -> None:
    w = writer()

    assert w.tool_call(0, "call_1", "", '{"a"') == []
    assert w.tool_call(0, "", "f", ":1}") == [
        PartStarted(0, ToolCall("call_1", "f", "")),
        PartDelta(0, '{"a":1}'),
    ]


def test_an_id_may_come_after_the_name_while_the_call_waits() -> None:
    w = writer()
    w.tool_call(0, "call_1", "f", "")
    w.tool_call(1, "", "g", "{}")
    w.tool_call(1, "call_2", "", "")

    assert PartStarted(1, ToolCall("call_2", "g", "")) in w.tool_call(0, "", "", "{}")


def test_an_id_and_a_name_may_come_again() -> None:
    w = writer()
    w.tool_call(0, "call_1", "f", '{"a"')

    assert w.tool_call(0, "call_1", "f", ":1}") == [PartDelta(0, ":1}")]
    assert w.tool_call(0, "call_1", "f", "") == []
    assert w.tool_call(0, "call_1", "f", "\n") == [PartDelta(0, "\n")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Call(0, "call_1", "f", "{}"), Call(0, "call_2", "g", "{}")),
        (Call(0, "call_1", "f", ""), Call(0, "call_2", "g", "{}")),
        (Call(0, "", "f", "{}"), Call(0, "", "f", "{}")),
    ],
    ids=["ids differ", "ids differ, no arguments", "no ids"],
)
def test_calls_may_share_a_number(first: Call, second: Call) -> None:
    w = writer()
    events = [*say(w, first), *say(w, second), *w.end(STOP)]

    heard = heard_parts(events)

    assert [(it.name, it.arguments) for it in heard if isinstance(it, ToolCall)] == [
        (first.name, "{}"),
        (second.name, "{}"),
    ]
    assert len({it.id for it in heard if isinstance(it, ToolCall)}) == 2


def test_a_call_that_never_gets_a_name_is_an_error() -> None:
    w = writer()
    assert w.tool_call(0, "call_1", "", "{}") == []
    assert w.text("behind it") == []

    with pytest.raises(ProtocolError, match="without a name"):
        w.end(STOP)


def test_a_call_that_goes_on_after_it_was_complete_is_an_error() -> None:
    w = writer()
    w.tool_call(0, "call_1", "f", "{}")
    w.text("behind it")

    assert w.tool_call(0, "", "", " \n") == []
    with pytest.raises(ProtocolError, match="tool call 0 after it was complete"):
        w.tool_call(0, "", "", "{}")


def test_the_writer_knows_whether_anything_was_called() -> None:
    w = writer()
    w.text("x")
    assert not w.any_calls

    w.tool_call(0, "", "", "")
    assert w.any_calls


# When JSON is complete.


def json_end(pieces: list[str]) -> bool:
    end = JsonEnd()
    for piece in pieces:
        end.feed(piece)
    return end.complete


@given(json_objects)
def test_json_is_complete_at_its_end_and_not_before(value: object) -> None:
    text = json.dumps(value)

    end = JsonEnd()
    for character in one_by_one(text):
        assert not end.complete
        end.feed(character)
    assert end.complete


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", False),
        (" ", False),
        ("{", False),
        ("{}", True),
        (" {} \n", True),
        ("[[]", False),
        ("[[]]", True),
        ('"', False),
        ('"x"', True),
        (r'"x\"', False),
        (r'"x\\"', True),
        (r'{"a":"}"', False),
        (r'{"a":"\\\"}"}', True),
        (r'{"a":"\u007d"', False),
        ("12", False),  # more digits may come
        ("null", False),
    ],
)
def test_json_is_complete_however_it_is_cut(text: str, complete: bool) -> None:
    assert json_end(one_by_one(text)) is complete
    for pieces in in_two(text):
        assert json_end(pieces) is complete


@given(arguments())
def test_blanks_around_json_do_not_matter(text: str) -> None:
    assert json_end([text])


# Whatever a vendor says.


class Model:
    """What a script amounts to, part by part in the order of first mention: the plain way."""

    def __init__(self) -> None:
        self.parts: list[dict[str, str]] = []
        self.calls: dict[int, dict[str, str]] = {}

    def add(self, delta: Delta) -> None:
        match delta:
            case Say(text) | Think(text) if text:
                kind = type(delta).__name__
                if not self.parts or self.parts[-1]["kind"] != kind:
                    self.parts.append({"kind": kind, "text": ""})
                self.parts[-1]["text"] += text
            case Call(index, id, name, text):
                if index not in self.calls:
                    self.calls[index] = {"kind": "Call", "text": "", "id": "", "name": ""}
                    self.parts.append(self.calls[index])
                call = self.calls[index]
                call["id"], call["name"] = call["id"] or id, call["name"] or name
                call["text"] += text
            case Together(deltas):
                for each in deltas:
                    self.add(each)
            case _:
                pass

    def due(self) -> list[str]:
        """The texts of the parts that must have been heard by now, in full."""
        texts = []
        for part in self.parts:
            if part["kind"] == "Call" and not part["name"]:
                break
            texts.append(part["text"])
            if part["kind"] == "Call" and not parses(part["text"]):
                break
        return texts


def parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def alike(heard: list[str], due: list[str]) -> bool:
    """Equal, but for blanks after arguments that are complete and `{}` for no arguments."""
    return [text.rstrip(BLANK) or "{}" for text in heard] == [
        text.rstrip(BLANK) or "{}" for text in due
    ]


def texts(events: list[Event]) -> list[str]:
    return [text_of(part) for part in heard_parts(events)]


@given(scripts())
def test_a_script_amounts_to_its_parts_in_order_of_first_mention(script: list[Delta]) -> None:
    w, model, grammar, collector = writer(), Model(), Grammar(), Collector()

    batches = [w.start("1", "m"), *(say(w, delta) for delta in script), w.end(STOP)]

    for delta in script:
        model.add(delta)
    for batch in batches:
        grammar.check(batch)
        collector.feed(batch)
    grammar.end()
    heard = collector.reply().parts
    made_up = new_ids()
    for part, expected in zip(heard, model.parts, strict=True):
        match part:
            case Text(text):
                assert {"kind": "Say", "text": text} == expected
            case Thinking(text, ""):
                assert {"kind": "Think", "text": text} == expected
            case ToolCall(id, name, text):
                assert (id, name) == (expected["id"] or made_up(), expected["name"])
                fed = expected["text"]
                if fed.strip(BLANK):
                    assert fed.startswith(text)
                    assert not fed[len(text) :].strip(BLANK)
                else:
                    assert text == fed + "{}"


@given(scripts())
def test_nothing_waits_that_need_not(script: list[Delta]) -> None:
    """Only what stands behind a call that is not complete waits, or a call without a name."""
    w, model = writer(), Model()
    heard: list[Event] = []

    for delta in script:
        model.add(delta)
        heard += say(w, delta)
        assert alike(texts(heard), model.due())


# How much work it is.

LONG = [
    pytest.param([Say("x" * 500)] * 2000, id="text"),
    pytest.param([Call(0, "c", "f", '{"a":"'), *[Call(0, "", "", "x" * 500)] * 2000], id="a call"),
    pytest.param(
        [Call(0, "c", "f", '{"a":"'), *[Call(1, "", "g", "x" * 500), Call(0, "", "", "x")] * 2000],
        id="a call that waits for another",
    ),
    pytest.param([Call(0, "c", "f", '{"a":"'), *[Say("x" * 500)] * 2000], id="text that waits"),
    pytest.param([Call(n, "", "f", "{}") for n in range(2000)], id="many calls"),
]


@pytest.mark.parametrize("script", LONG)
def test_a_long_reply_in_many_pieces_is_not_copied_at_each(script: list[Delta]) -> None:
    ids = count()
    w = ReplyWriter(lambda: str(next(ids)))

    work = copied(lambda delta: say(w, delta), script)

    assert work < 2000 * len(script)
