r"""A stream, written as what differs from one of its messages to the next: it takes a tenth.

    data: {"id":"x","delta":{"content":"Hel"},"n":1}\n\n      what all begin with, what all end
    data: {"id":"x","delta":{"content":"lo"},"n":1}\n\n       with, and between: Hel, lo

Messages that are alike and follow each other are a run.  What they share begins and ends beside
a quote, so that no value is cut.  Nothing is lost: `unpacked(packed(data)) == data`.

    PACKED 1 or 2           how many ends of a line part the messages
    PACKED = …              messages that are like no other, as they are
    PACKED + … MARK … MARK … a run: what they begin with, what they end with, what differs

A run of any length costs a handful of operations on all of it, and little more for each message.
"""

from collections.abc import Iterator, Sequence

PACKED = b"\x01"
"""Begins what is packed, and each of its sections."""
MARK = b"\x02"
LEAST = 8
"""Messages that are worth it."""
SHORT = 24
"""Bytes that messages must share."""
NEAR = 8
"""Messages among which the first that differs shows what they share."""
PATIENCE = 64
"""Messages without a run that are tried: what has none by then is no stream."""
SAMPLE = b"Zz0a1B2c3D4e5F6g7H8i9J"
"""A value as a secret may be."""


def packed(data: bytes) -> bytes:
    """What is a stream of messages that are alike, short; other data as it is."""
    if PACKED in data or MARK in data:
        return PACKED + b"0" + data if data[:1] == PACKED else data
    lines = 2 if b"\n\n" in data else 1
    between = b"\n" * lines
    messages = data.split(between, LEAST)
    if len(messages) < LEAST or max(map(len, messages[:LEAST])) < SHORT:
        return data
    sections = list(_sections(data, between))
    if len(sections) == 1 and sections[0][:1] == b"=":
        return data
    return PACKED + PACKED.join((b"%d" % lines, *sections))


def unpacked(data: bytes) -> bytes:
    """What was packed; what was not, as it is."""
    if data[:1] != PACKED:
        return data
    if data[1:2] == b"0":
        return data[2:]
    head, *sections = data[1:].split(PACKED)
    between = b"\n" * (2 if head == b"2" else 1)
    return between.join(_whole(section, between) for section in sections)


def telling(data: bytes) -> bytes:
    """A text that has a secret if what was packed has one, as far as one message can.

    What the messages of a run share stands there with a value that looks like a secret, so
    that it shows whether it names one; and a whole message; and all that differs.
    """
    if data[:1] != PACKED or data[1:2] == b"0":
        return data
    return b"\n".join(_told(section) for section in data[1:].split(PACKED))


def _told(section: bytes) -> bytes:
    if section[:1] != b"+":
        return section
    before, after, first, *_ = section[1:].split(MARK, 3)
    value = before + SAMPLE + b'"' + after
    field = before + b':"' + SAMPLE + b'",' + after
    return b"\n".join((value, field, before + first + after, section))


def _whole(section: bytes, between: bytes) -> bytes:
    if section[:1] != b"+":
        return section[1:]
    before, after, *values = section[1:].split(MARK)
    return before + (after + between + before).join(values) + after


def _sections(data: bytes, between: bytes) -> Iterator[bytes]:
    messages = data.split(between)
    alone: list[bytes] = []
    at, begin, tries = 0, 0, 0
    while at < len(messages):
        if tries == PATIENCE:
            alone += messages[at:]
            break
        run = _run(messages, at, between, data, begin)
        if run is None:
            alone.append(messages[at])
            begin += len(messages[at]) + len(between)
            at, tries = at + 1, tries + 1
            continue
        if alone:
            yield b"=" + between.join(alone)
            alone = []
        size, length, section = run
        yield section
        at, begin, tries = at + size, begin + length + len(between), 0
    if alone:
        yield b"=" + between.join(alone)


def _run(
    messages: Sequence[bytes], at: int, between: bytes, data: bytes, begin: int
) -> tuple[int, int, bytes] | None:
    """How many messages are alike from here on, in how many bytes, and their section.

    `begin` is where they begin in the data.
    """
    if len(messages[at]) < SHORT or at + LEAST > len(messages):
        return None
    before, after = _shared(messages, at)
    shared = len(before) + len(after)
    if shared < max(SHORT, sum(map(len, _shared(messages, at + 1))) - NEAR):
        return None  # or the next begins a better one

    def fits(index: int) -> bool:
        it = messages[index]
        return len(it) >= shared and it.startswith(before) and it.endswith(after)

    def run(size: int) -> tuple[int, int, bytes] | None:
        first, end = len(before), -len(after) or None
        values = [it[first:end] for it in messages[at : at + size]]
        # One comparison of all is quicker than a look at each.
        whole = before + (after + between + before).join(values) + after
        if not data.startswith(whole, begin):
            return None
        return size, len(whole), b"+" + MARK.join((before, after, *values))

    # Where it ends is guessed from a few, which is seldom wrong.
    last, step = at, 1
    while last + step < len(messages) and fits(last + step):
        last, step = last + step, 2 * step
    while step > 1:
        step //= 2
        if last + step < len(messages) and fits(last + step):
            last += step
    size = last + 1 - at
    if size < LEAST:
        return None
    found = run(size)
    if found is None:
        size = next((it for it in range(size) if not fits(at + it)), 0)
        found = run(size) if size >= LEAST else None
    return found


def _shared(messages: Sequence[bytes], at: int) -> tuple[bytes, bytes]:
    """What a message and those behind it begin with, up to a quote, and end with, from one on."""
    first = messages[at]
    other = next((it for it in messages[at + 1 : at + NEAR] if it != first), first)
    most = min(len(first), len(other))
    before = first[: _same(first[:most], other[:most])]
    before = before[: before.rfind(b'"') + 1]
    rest = most - len(before)
    end = _same(first[len(first) - rest :][::-1], other[len(other) - rest :][::-1])
    after = first[len(first) - end :]
    quote = after.find(b'"')
    return before, after[quote:] if quote >= 0 else b""


def _same(first: bytes, second: bytes) -> int:
    """How many bytes two of the same length begin with in common."""
    differing = int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    return len(first) - (differing.bit_length() + 7) // 8
