r"""Lines that are nearly alike, written as what differs: a recorded stream takes a tenth.

    +0data: {"id":"x","delta":{"content":"Hel"},"n":1}     a line, which others may be like
    !0,18,8:"content":"lo"                                 18 bytes of it, this, and its last 8
    -0"content":" you"                                     the same 18 and 8
    =                                                      any other line

What differs begins where a field begins and ends with a quote, so that whoever reads only this
(who looks for secrets, or for words) sees a name and all of its value.  Nothing is lost: `unpacked(packed(data)) == data`.
"""

import re
from collections.abc import Iterator

PACKED = b"\x01"
"""Begins what is packed."""
KIND = 40
"""Bytes at the beginning of lines that may be alike."""
SHORT = 24
"""Bytes of a line that is not worth it."""
SLOTS = 64
FIELD = re.compile(rb'[{,]\\*"')
LINES = 8


def packed(data: bytes) -> bytes:
    """Lines that are alike as what differs; other data, and few lines, as they are."""
    if data.count(b"\n") < LINES:
        return PACKED + b"=" + data.replace(b"\n", b"\n=") if data[:1] == PACKED else data
    return PACKED + b"\n".join(_records(data.split(b"\n")))


def unpacked(data: bytes) -> bytes:
    """What was packed; what was not, as it is."""
    if data[:1] != PACKED:
        return data
    return b"\n".join(_lines(data[1:].split(b"\n")))


def _records(lines: list[bytes]) -> Iterator[bytes]:
    slots: dict[bytes, tuple[bytes, bytes, bytes, bytes, int, int]] = {}
    for line in lines:
        size = len(line)
        if size < SHORT:
            yield b"=" + line
            continue
        kind = line[:KIND]
        known = slots.get(kind)
        if known is None:
            if len(slots) == SLOTS:
                yield b"=" + line
                continue
            name = b"%c" % (48 + len(slots))
            # A suffix that no line has: the next is compared.
            slots[kind] = (name, line, line, b"\n", 0, 0)
            yield b"+" + name + line
            continue
        name, base, before, after, begin, end = known
        if line.startswith(before) and line.endswith(after) and size >= begin + end:
            yield b"-" + name + (line[begin:-end] if end else line[begin:])
            continue
        begin, end = _shared(base, line)
        before, after = base[:begin], base[len(base) - end :]
        slots[kind] = (name, base, before, after, begin, end)
        yield b"!%b,%d,%d:%b" % (name, begin, end, line[begin : size - end])


def _shared(base: bytes, line: bytes) -> tuple[int, int]:
    """How many bytes of the base begin the line, up to the last field, and how many end it."""
    most = min(len(base), len(line))
    begin = _same(base[:most], line[:most])
    if begin < most:
        fields = [match.start() for match in FIELD.finditer(base, 0, begin)]
        begin = fields[-1] + 1 if fields else 0
    rest = most - begin
    end = _same(base[len(base) - rest :][::-1], line[len(line) - rest :][::-1])
    quote = base.find(b'"', len(base) - end)
    return begin, len(base) - quote if quote >= 0 else 0


def _same(first: bytes, second: bytes) -> int:
    """How many bytes two of the same length begin with in common."""
    differing = int.from_bytes(first, "big") ^ int.from_bytes(second, "big")
    return len(first) - (differing.bit_length() + 7) // 8


def _lines(records: list[bytes]) -> Iterator[bytes]:
    slots: dict[bytes, tuple[bytes, bytes, bytes]] = {}
    for record in records:
        match record[:1]:
            case b"=":
                yield record[1:]
            case b"+":
                slots[record[1:2]] = (record[2:], b"", b"")
                yield record[2:]
            case b"-":
                _, before, after = slots[record[1:2]]
                yield before + record[2:] + after
            case _:
                head, _, middle = record[1:].partition(b":")
                name, begin, end = head.rsplit(b",", 2)
                base = slots[name][0]
                before, after = base[: int(begin)], base[len(base) - int(end) :]
                slots[name] = (base, before, after)
                yield before + middle + after
