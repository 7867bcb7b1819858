"""A reply's events can be read again, in their order, with when they came."""

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    Head,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import Found, SearchCall, SearchResult
from lingma_proxy.jsonio import loads
from lingma_proxy.recording.event_lines import lines, written


def said(*batches, began=0.0):
    return [loads(line) for line in lines(b"".join(written(began, batches))).splitlines()]


def test_each_event_is_a_line_with_its_milliseconds():
    found = b"".join(written(10.0, [(10.5, [PartEnded(0)]), (11.25, [PartDelta(1, "a\nb")])]))

    assert lines(found) == (
        b'{"ms":500,"event":"part ended","index":0}\n'
        b'{"ms":1250,"event":"text","index":1,"text":"a\\nb"}\n'
    )


SPOKEN: list[tuple[float, list[Event]]] = [
    (0.5, [PartStarted(0, Text("")), PartDelta(0, "Hel"), PartDelta(0, "lo 你")]),
    (0.75, [PartDelta(0, "好"), PartEnded(0), PartStarted(1, Text("")), PartDelta(1, '"🙂\n')]),
    (1.5, [PartDelta(1, "!"), PartEnded(1)]),
]


def test_what_a_part_says_is_written_as_one_text_and_read_in_its_pieces():
    found = b"".join(written(0.0, SPOKEN))

    assert '"text":"Hello 你好"' in found.decode()
    assert found.count(b"\n") == 6
    assert [(it["ms"], it["index"], it["text"]) for it in said(*SPOKEN) if it["event"] == "text"] == [
        (500, 0, "Hel"), (500, 0, "lo 你"), (750, 0, "好"), (750, 1, '"🙂\n'), (1500, 1, "!"),
    ]  # fmt: skip


def test_where_pieces_are_not_to_be_told_a_part_is_one():
    found = b"".join(written(0.0, SPOKEN, pieces=False))

    assert lines(found) == found
    texts = [it for it in map(loads, found.splitlines()) if it["event"] == "text"]
    assert [(it["ms"], it["text"]) for it in texts] == [(500, "Hello 你好"), (750, '"🙂\n!')]


def test_a_line_that_was_cut_off_is_left_as_it_is():
    found = b"".join(written(0.0, SPOKEN))
    cut = found[: found.index(b"ends")]

    assert lines(cut) == cut


def test_halves_of_a_character_do_not_move_the_pieces_behind_them():
    batches: list[tuple[float, list[Event]]] = [
        (0.0, [PartDelta(0, "\ud83d"), PartDelta(0, "\ude42a"), PartDelta(0, "b")])
    ]

    assert [it["text"] for it in said(*batches)] == ["\ufffd", "\ufffda", "b"]


def test_every_event_says_what_it_holds():
    heads: list[Head] = [
        Text(""),
        Thinking("", "signed"),
        ToolCall("call-1", "read", ""),
        SearchCall("search-1", "web_search", "why"),
        SearchResult("search-1", (Found("https://a.example", "A", "a"),)),
    ]
    events = [
        ReplyStarted("reply-1", "kmodel", ("top_k is not sent.",), 7),
        *(PartStarted(index, head) for index, head in enumerate(heads)),
        ReplyEnded(FinishReason.STOP, Usage(2**62, 1), "END"),
    ]
    found = said((0.0, events))

    assert found[0] | {"ms": 0} == {
        "ms": 0,
        "event": "started",
        "id": "reply-1",
        "model": "kmodel",
        "warnings": ["top_k is not sent."],
        "input_tokens": 7,
    }
    assert [it.get("kind") for it in found[1:-1]] == ["text", "thinking", "call", "search", "found"]
    assert found[2]["signature"] == "signed"
    assert found[3] == {
        "ms": 0, "event": "part", "index": 2, "kind": "call",
        "id": "call-1", "name": "read", "arguments": "",
    }  # fmt: skip
    assert found[5]["found"][0]["url"] == "https://a.example"
    assert (found[-1]["reason"], found[-1]["stop_sequence"]) == ("stop", "END")
    assert found[-1]["usage"]["input"] == 2**62


def test_half_a_character_is_marked():
    assert said((0.0, [PartDelta(0, "\ud83d")]))[0]["text"] == "�"


def test_a_clock_that_was_set_back_makes_no_negative_times():
    assert said((1.0, [PartEnded(0)]), began=5.0)[0]["ms"] == 0
