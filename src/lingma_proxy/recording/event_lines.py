r"""A reply's events as lines of JSON, each with the milliseconds since the attempt began.

    {"ms":412,"event":"started","id":"…","model":"…","warnings":[],"input_tokens":0}
    {"ms":413,"event":"part","index":0,"kind":"call","id":"…","name":"read_file"}
    {"ms":413,"event":"text","index":0,"text":"{\"path\":"}
    {"ms":590,"event":"part ended","index":0}
    {"ms":590,"event":"ended","reason":"tool_calls","usage":{…},"stop_sequence":null}

`kind` is text, thinking, call, search or found; a search and what it found are whole at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import assert_never

from lingma_proxy.conversation.events import (
    Event,
    Head,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.jsonio import JsonObject, dumpb


def lines(began: float, batches: Iterable[tuple[float, Sequence[Event]]]) -> Iterator[bytes]:
    """One line, with its end, for each event; `began` and the times of batches in seconds."""
    for time, batch in batches:
        ms = b'{"ms":%d,' % max(0, round((time - began) * 1000))
        for event in batch:
            # One is made per token, so this one is spelled by hand.
            if type(event) is PartDelta:
                yield b'%b"event":"text","index":%d,"text":%b}\n' % (
                    ms,
                    event.index,
                    dumpb(event.text),
                )
            else:
                yield ms + dumpb(said(event))[1:] + b"\n"


def said(event: Event) -> JsonObject:
    match event:
        case ReplyStarted():
            return {"event": "started", **asdict(event)}
        case PartStarted(index, head):
            return {"event": "part", "index": index, **headed(head)}
        case PartDelta():
            return {"event": "text", "index": event.index, "text": event.text}
        case PartEnded(index):
            return {"event": "part ended", "index": index}
        case ReplyEnded():
            return {"event": "ended", **asdict(event)}
        case _:
            assert_never(event)


def headed(head: Head) -> JsonObject:
    match head:
        case Text(text):
            return {"kind": "text", **({"text": text} if text else {})}
        case Thinking():
            return {"kind": "thinking", **asdict(head)}
        case ToolCall():
            return {"kind": "call", **asdict(head)}
        case SearchCall():
            return {"kind": "search", **asdict(head)}
        case SearchResult():
            return {"kind": "found", **asdict(head)}
        case _:
            assert_never(head)
