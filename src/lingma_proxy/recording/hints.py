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
    re.compile(
        rb"[BIJKLRSUVYZ](?:(?<=B)(?:earer|EARER|asic)|(?<=AI)za|(?<=eyJ)|(?<=A[KS])IA|(?<=L)TAI"
        rb"|(?<=R)0lGOD|(?<=U)klGR|(?<=iV)BORw0KGgo|(?<=COSY)\.|(?<=UTHORIZ)ATION)"
    ),
)
"""By the byte that each begins with; those of the last are rare."""
WORDS = (b"bearer", b"uthorization", b";base64,", b"9j")
BESIDE = 32
"""Bytes before and behind the beginning of a token in which its hint stands."""


def hinted(data: bytes, begin: int, end: int) -> bool:
    """Whether there may be one in `data[begin:end]`."""
    return any(data.find(word, begin, end) >= 0 for word in WORDS) or any(
        hint.search(data, begin, end) for hint in HINTS
    )
