"""How an answer travels: what is written when, and how the connection ends.

A delivery is a sequence of steps and does nothing by itself; `remote` takes them.

    Pause* ( Head ( Pause | Write )* )? ( End | Drop | Reset )
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lingma_proxy.jsonio import dumpb
from lingma_proxy.simulator.chunks import Line
from lingma_proxy.simulator.faults import Faults
from lingma_proxy.simulator.refusal import (
    Refusal,
    bad_payload,
    bad_signature,
    bad_user,
    quota_used_up,
)

JSON = "application/json; charset=utf-8"
EVENTS = "text/event-stream; charset=utf-8"
NO_SUCH_KEY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>\n"
)
PAGE = b"<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>\n"


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float | None
    """None: until the other side leaves."""


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The body is over, as HTTP has it."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed, in whatever state the answer is."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST)."""


Step: TypeAlias = Pause | Head | Write | End | Drop | Reset


def refused(refusal: Refusal) -> list[Step]:
    return [Head(refusal.status, JSON), Write(refusal.body), End()]


def whole(body: bytes, faults: Faults, content_type: str = JSON) -> Iterator[Step]:
    """An answer that is no stream."""
    if "garbage" in faults:
        body = body[: len(body) // 2]
    steps: list[Step] = [Head(200, _type(content_type, faults)), Write(body), End()]
    yield from _under_way(_before(faults, steps), faults)


def stream(lines: Iterable[Line], faults: Faults, pace: float = 0) -> Iterator[Step]:
    """The answer to a chat."""
    yield from _under_way(_before(faults, _stream(lines, faults, pace)), faults)


def _before(faults: Faults, steps: Iterable[Step]) -> Iterator[Step]:
    """What may happen instead of the answer, or before it."""
    if "hang" in faults:
        yield Pause(faults.seconds("hang"))
    if "drop" in faults:
        yield Drop()
    elif "reset" in faults and faults.number("reset") is None:
        yield Reset()
    else:
        yield from _instead(faults) or steps


def _instead(faults: Faults) -> list[Step]:
    if "signature" in faults:
        return _refused_somewhere(bad_signature(), faults.word("signature"))
    if "quota" in faults:
        return _refused_somewhere(quota_used_up(), faults.word("quota"))
    if "auth-payload" in faults:
        return refused(bad_payload("as asked for"))
    if "user-invalid" in faults:
        return refused(bad_user("as asked for"))
    if "no-such-key" in faults:
        return [Head(404, "application/xml"), Write(NO_SUCH_KEY), End()]
    if "rate-limit" in faults:
        head = Head(429, JSON, {"Retry-After": str(faults.number("rate-limit"))})
        return [head, Write(dumpb({"code": "429", "message": "Too many requests"})), End()]
    if "unavailable" in faults:
        return [Head(503, "text/html"), Write(b"<html>503 Service Unavailable</html>"), End()]
    if "html" in faults:
        return [Head(200, "text/html"), Write(PAGE), End()]
    if "status" in faults:
        status = min(max(faults.number("status") or 500, 300), 599)
        return [Head(status, "text/plain"), Write(b"the simulator was asked for this"), End()]
    if "error" in faults:
        status = faults.number("error") or 500
        envelope = {
            "headers": {},
            "body": "",
            "statusCodeValue": status,
            "statusCode": "ERROR",
            "statusMessage": "the simulator was asked to fail",
        }
        return [Head(200, EVENTS), Write(b"data:" + dumpb(envelope) + b"\n\n"), End()]
    return []


def _refused_somewhere(refusal: Refusal, where: str | None) -> list[Step]:
    if where == "http":
        return refused(refusal)
    return [Head(200, EVENTS), Write(b"data:" + refusal.envelope + b"\n\n"), End()]


def _stream(lines: Iterable[Line], faults: Faults, pace: float) -> Iterator[Step]:
    yield Head(200, _type(EVENTS, faults), {"Cache-Control": "no-cache"})
    for silence in ("hang-first", "slow"):
        if silence in faults:
            yield Pause(faults.seconds(silence))
    pace = (faults.seconds("pace") or 0) if "pace" in faults else pace
    end = b"\r\n" if "crlf" in faults else b"\n"
    spoken = 0
    held: list[bytes] = []
    if "cut-line" in faults:
        lines, last = _until_last_word(lines)
        end_of_body = last.text[: len(last.text) // 2]
    else:
        end_of_body = b""
    for line in lines:
        if line.said:
            if spoken and pace:
                yield Pause(pace)
            if spoken == 1 and "stall" in faults:
                yield Pause(faults.seconds("stall"))
            spoken += 1
        text = line.text
        if "space" in faults:
            text = text.replace(b"data:", b"data: ", 1)
        event = text + end + end
        if "comments" in faults:
            event = b": keep-alive" + end + end + event
        if "burst" in faults:
            held.append(event)
        else:
            yield Write(event)
    if end_of_body or held:
        yield Write(b"".join((*held, end_of_body)))
    yield End()


def _until_last_word(lines: Iterable[Line]) -> tuple[list[Line], Line]:
    """What comes before the last word, and the line that brings it."""
    whole = list(lines)
    at = max((at for at, line in enumerate(whole) if line.said), default=len(whole) - 1)
    return whole[:at], whole[at]


def _under_way(steps: Iterable[Step], faults: Faults) -> Iterator[Step]:
    """What may happen to the bytes of an answer."""
    for name, ending in (("cut", Drop()), ("reset", Reset()), ("end", End())):
        if name in faults and (count := faults.number(name)) is not None:
            steps = _cut(steps, count, ending)
    if "dribble" in faults:
        steps = _in_pieces(steps, lambda data: range(1, len(data)))
    elif "split" in faults:
        steps = _in_pieces(steps, awkward_places)
    return iter(steps)


def _cut(steps: Iterable[Step], count: int, ending: Step) -> Iterator[Step]:
    """`count` bytes of the body and no more."""
    for step in steps:
        if isinstance(step, Write):
            if len(step.data) >= count:
                if count:
                    yield Write(step.data[:count])
                yield ending
                return
            count -= len(step.data)
        yield step


def _in_pieces(steps: Iterable[Step], places: Callable[[bytes], Iterable[int]]) -> Iterator[Step]:
    """Each write as several, with a turn of the loop between them."""
    for step in steps:
        if not isinstance(step, Write):
            yield step
            continue
        start = 0
        for stop in (*places(step.data), len(step.data)):
            if stop > start:
                yield Write(step.data[start:stop])
                yield Pause(0)
                start = stop


def awkward_places(data: bytes) -> list[int]:
    """Inside every character of several bytes, every line, and every end of an event."""
    places = {at for at in range(1, len(data)) if data[at] & 0xC0 == 0x80}
    places |= {at for at in range(1, len(data)) if data[at] in b"\r\n"}
    places |= {at + 1 for at in range(len(data) - 1) if data[at] in b"\r\n"}
    places |= {3, len(data) // 2}
    return sorted(place for place in places if 0 < place < len(data))


def _type(content_type: str, faults: Faults) -> str:
    return "text/html" if "wrong-type" in faults else content_type
