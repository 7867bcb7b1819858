"""Whether a text may have a token or a picture at all: most have none, and are done with.

`PATTERNS` of `known_tokens` and of `pictures` look for one thing each; to look for a sign of any
of them takes a few searches, and is all that most of what is recorded costs.  A hint is less
than what it hints at: whatever those find has one.  `://` is not among them, but beside.
"""

import re

HINTS = (
    re.compile(
        rb"-(?:(?:(?<=sk-)|(?<=[pr]t-)|(?<=lpat-))[A-Za-z0-9_-]{16}|(?<=xox[abeoprs]-)"
        rb"|(?<=-----)BEGIN)"
    ),
    re.compile(
        rb"_(?:(?<=[rs]k_)(?:live|test)_|(?<=gh[pousr]_)|(?<=github_)pat_|(?<=npm_)|(?<=hf_))"
    ),
)
"""By the byte that each begins with."""
WORDS = (b"earer", b"Basic", b"eyJ", b"AIza", b"uthorization", b";base64,", b"9j")
CAPITALS = (
    b"AKIA",
    b"ASIA",
    b"LTAI",
    b"COSY",
    b"UTHORIZATION",
    b"EARER",
    b"0GOD",
    b"UGR",
    b"VBOR0KG",
)
"""Capitals and digits of some, as they stand where all else is left out."""
ELSE = bytes(
    it for it in range(256) if not chr(it).isascii() or not (chr(it).isupper() or chr(it).isdigit())
)
BESIDE = 32
"""Bytes before and behind the beginning of a token in which its hint stands."""


def hinted(data: bytes, begin: int, end: int) -> bool:
    """Whether there may be one in `data[begin:end]`."""
    if any(data.find(word, begin, end) >= 0 for word in WORDS):
        return True
    if any(hint.search(data, begin, end) for hint in HINTS):
        return True
    capitals = data[begin:end].translate(None, ELSE)
    return any(word in capitals for word in CAPITALS)
