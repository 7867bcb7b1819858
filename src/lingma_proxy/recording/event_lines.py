r"""A reply's events as lines of JSON, each with the milliseconds since the attempt began.

    {"ms":412,"event":"started","id":"…","model":"…","warnings":[],"input_tokens":0}
    {"ms":413,"event":"part","index":0,"kind":"call","id":"…","name":"read_file"}
    {"ms":413,"event":"text","index":0,"text":"{\"path\":"}
    {"ms":590,"event":"part ended","index":0}
    {"ms":590,"event":"ended","reason":"tool_calls","usage":{…},"stop_sequence":null}

`kind` is text, thinking, call, search or found; a search and what it found are whole at once.

A line for each token would cost more to write than all the rest.  What a part says is written as
one text, with when each piece came and where it ends in characters, and read as lines again:

    {"ms":[413,431],"event":"text","index":0,"text":"{\"path\":\"a.py\"}","ends":[8,15]}
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
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
from lingma_proxy.jsonio import JsonObject, dumpb, loads, whole

TOGETHER = b'{"ms":['
"""Begins a line that stands for several."""


def written(
    began: float, batches: Iterable[tuple[float, Sequence[Event]]], *, pieces: bool = True
) -> Iterator[bytes]:
    """Lines with their ends; `began` and the times of batches in seconds.

    Without `pieces` nothing tells in which pieces a part was said: only when it began.
    """
    said: list[str] = []
    times: list[int] = []
    index = 0
    for time, batch in batches:
        ms = max(0, round((time - began) * 1000))
        for event in batch:
            if type(event) is PartDelta:
                said.append(event.text)
                times.append(ms)
                index = event.index
                continue
            if said:
                yield text_line(index, times, said, pieces=pieces)
                said, times = [], []
            yield b'{"ms":%d,' % ms + dumpb(told(event))[1:] + b"\n"
    if said:
        yield text_line(index, times, said, pieces=pieces)


def text_line(index: int, times: list[int], said: list[str], *, pieces: bool) -> bytes:
    """All that a part says at a stretch."""
    text = "".join(said)
    line: JsonObject = {"ms": times[0], "event": "text", "index": index, "text": text}
    if pieces and len(said) > 1:
        if not sound(text):
            said = whole(said)  # before they are joined: two halves would be one character
            line["text"] = "".join(said)
        line |= {"ms": times, "ends": list(accumulate(map(len, said)))}
    return dumpb(line) + b"\n"


def sound(text: str) -> bool:
    """Whether it has no half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def lines(text: bytes) -> bytes:
    """What was written, with one line for each event."""
    if TOGETHER not in text:
        return text
    return b"\n".join(line for each in text.split(b"\n") for line in singly(each))


def singly(line: bytes) -> Iterator[bytes]:
    if not line.startswith(TOGETHER):
        yield line
        return
    try:
        together = loads(line)
    except ValueError:  # it was cut off
        yield line
        return
    begin = 0
    for ms, end in zip(together["ms"], together["ends"], strict=True):
        piece = {"text": together["text"][begin:end]}
        yield dumpb({"ms": ms, "event": "text", "index": together["index"], **piece})
        begin = end


def told(event: Event) -> JsonObject:
    match event:
        case ReplyStarted():
            return {"event": "started", **fields(event)}
        case PartStarted(index, head):
            return {"event": "part", "index": index, **headed(head)}
        case PartDelta():
            return {"event": "text", "index": event.index, "text": event.text}
        case PartEnded(index):
            return {"event": "part ended", "index": index}
        case ReplyEnded():
            return {"event": "ended", **fields(event)}
        case _:
            assert_never(event)


def headed(head: Head) -> JsonObject:
    match head:
        case Text(text):
            return {"kind": "text", **({"text": text} if text else {})}
        case Thinking():
            return {"kind": "thinking", **fields(head)}
        case ToolCall():
            return {"kind": "call", **fields(head)}
        case SearchCall():
            return {"kind": "search", **fields(head)}
        case SearchResult():
            return {"kind": "found", **fields(head)}
        case _:
            assert_never(head)


def fields(of: ReplyStarted | ReplyEnded | Head) -> JsonObject:
    """By name; what is in them is encoded as it is."""
    return {name: getattr(of, name) for name in of.__dataclass_fields__}
