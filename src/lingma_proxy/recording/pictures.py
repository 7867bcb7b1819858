r"""Pictures, and other long base64: a marker says what it was, and how large.

    data:image/png;base64,iVBORw0K…     [image/png, 34.5 KB]
    "data":"iVBORw0K…"                  "data":"[image/png, 34.5 KB]"
    2048 letters of base64 or more      [base64, 1.2 MB]

It is looked for in steps: a run of so many letters has one whole step in it, and where none
is, a few bytes of each step tell.
"""

import re
from base64 import b64decode
from collections.abc import Iterator

from lingma_proxy.images.sniff import media_type
from lingma_proxy.recording.spans import Span

LONG = 2048
STEP = LONG // 2
LEAST = 64
"""Letters of a picture that is known by how it begins."""
LETTERS = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + b"+/_-\\"
"""Base64 in both its spellings, and what JSON may put into it: `\\/`, `\n`, `\u002b`."""
WHOLE_STEP = re.compile(rb"[A-Za-z0-9+/_\\-]{%d}" % STEP)
RUN = re.compile(rb"[A-Za-z0-9+/_\\-]*={0,2}")
PUT_IN = re.compile(rb"\\{1,8}(?:[nr]|/|u002[bBfF]|u003[dD])")
LINE = 60
"""Letters in a line of base64 that comes in lines; a list of words has fewer."""
NAMED = re.compile(rb";(?=base64,)")
HEAD = re.compile(rb"data:([A-Za-z0-9.+-]{1,40}\\*/[A-Za-z0-9.+-]{1,80})?[^,\"'\s]{0,80}\Z")
LOOKED_BACK = 220
BEGINNINGS = (
    (re.compile(rb"V(?<=[\"']iV)BORw0KGgo"), 1),  # PNG
    (re.compile(rb"9(?:(?<=[\"']/9)|(?<=[\"']\\/9))j\\?/"), 1),  # JPEG
    (re.compile(rb"R(?<=[\"']R)0lGOD(?:lh|dh)"), 0),  # GIF
    (re.compile(rb"U(?<=[\"']U)klGR"), 0),  # WebP
)
"""How pictures begin in base64; and how many letters stand before a match."""


def pictures(data: bytes, at: int, window: int) -> Iterator[Span]:
    """Those that say so in `data[at:window]`; `long_runs` has the rest."""
    for match in NAMED.finditer(data, at, min(len(data), window + len(";base64,"))):
        head = HEAD.search(data, max(0, match.start() - LOOKED_BACK), match.start())
        if head is not None:
            begin = match.start() + len(";base64,")
            end = end_of(data, begin)
            if end - begin >= 16:
                kind = (head[1] or b"").replace(b"\\", b"").decode()
                yield Span(head.start(), end, "", marker=marker(data[begin:end], kind))
    for pattern, before in BEGINNINGS:
        for match in pattern.finditer(data, at, min(len(data), window + 16)):
            begin = match.start() - before
            begin -= data[begin - 1 : begin] == b"\\"  # "\/9j": a slash that is escaped
            end = end_of(data, begin)
            if end - begin >= LEAST:
                yield Span(begin, end, "", marker=marker(data[begin:end]))


def long_runs(data: bytes) -> Iterator[Span]:
    """All that is as long as no word is."""
    position = 0
    while position < len(data):
        if WHOLE_STEP.match(data, position) is None:
            position += STEP
            continue
        before = data[max(0, position - STEP) : position]
        begin = position - len(before) + len(before.rstrip(LETTERS))
        end = end_of(data, begin)
        if end - begin >= LONG and is_base64(data[begin:end]):
            yield Span(begin, end, "", marker=marker(data[begin:end]))
        run = RUN.match(data, begin)
        position = -(-(run.end() if run else end) // STEP) * STEP


def end_of(data: bytes, begin: int) -> int:
    """Where a run of letters ends; the backslash of a quote behind it is not of it."""
    match = RUN.match(data, begin)
    return begin if match is None else begin + len(match[0].rstrip(b"\\"))


def is_base64(run: bytes) -> bool:
    """Not words in lines, and not backslashes."""
    if b"\\" not in run:
        return True
    lines = run.count(b"\\n") + 1
    return len(run) / lines >= LINE and b"\\" not in PUT_IN.sub(b"", run)


def marker(run: bytes, kind: str = "") -> bytes:
    clean = PUT_IN.sub(b"", run.replace(b"\\/", b"/")) if b"\\" in run else run
    size = len(clean.rstrip(b"=")) * 3 // 4
    start = clean[:64].translate(STANDARD)
    if len(start) % 4:
        start = start[: -(len(start) % 4)]
    try:
        sniffed = media_type(b64decode(start))
    except ValueError:
        sniffed = None
    return f"[{sniffed or kind or 'base64'}, {large(size)}]".encode()


STANDARD = bytes.maketrans(b"-_", b"+/")


def large(size: int) -> str:
    return f"{size / 1024:.1f} KB" if size < 1000 * 1024 else f"{size / 2**20:.1f} MB"
