"""A reply's events can be read again, in their order, with when they came."""

from lingma_proxy.conversation.events import (
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
from lingma_proxy.recording.event_lines import lines


def said(*batches, began=0.0):
    return [loads(line) for line in lines(began, batches)]


def test_each_event_is_a_line_with_its_milliseconds():
    found = list(lines(10.0, [(10.5, [PartEnded(0)]), (11.25, [PartDelta(1, "a\nb")])]))

    assert found == [
        b'{"ms":500,"event":"part ended","index":0}\n',
        b'{"ms":1250,"event":"text","index":1,"text":"a\\nb"}\n',
    ]


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
