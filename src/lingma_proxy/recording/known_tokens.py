"""Tokens that are known by how they look, wherever they stand: in a prompt, a call, an answer.

Each pattern begins with a byte that is rare in text, so that a search runs past the rest as
fast as memory is read; what must stand before it is looked at from there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lingma_proxy.recording.spans import Span

LONGEST = 16 * 1024
"""Bytes of a token that are looked at: a private key has some thousand."""


@dataclass(frozen=True, slots=True)
class Pattern:
    what: str
    pattern: re.Pattern[bytes]
    before: int
    """Bytes of the token that stand before the match."""


def begins(what: str, start: bytes, first: int, rest: bytes) -> Pattern:
    """A token whose word begins with `start`; the search is for its byte number `first`.

    Where a text stands in JSON, the `n` of an escaped end of line is no part of the word.
    """
    before = start[: first + 1]
    word = rb"(?:(?<![A-Za-z0-9]%b)|(?<=\\[nrtbf]%b)|(?<=\\u00[0-9a-f][0-9a-f]%b))" % (
        (before,) * 3
    )
    pattern = b"%b(?<=%b)%b%b%b" % (
        re.escape(start[first : first + 1]),
        before,
        word,
        re.escape(start[first + 1 :]),
        rest,
    )
    return Pattern(what, re.compile(pattern), first)


PATTERNS = (
    begins("api key", b"sk-", 2, rb"[A-Za-z0-9_-]{16,}"),
    begins("api key", b"sk_", 2, rb"(?:live|test)_[A-Za-z0-9]{10,}"),
    begins("api key", b"rk_", 2, rb"(?:live|test)_[A-Za-z0-9]{10,}"),
    begins("token", b"pt-", 2, rb"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"),
    begins("token", b"rt-", 2, rb"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"),
    Pattern("github token", re.compile(rb"_(?<=gh[pousr]_)[A-Za-z0-9]{16,}"), 3),
    begins("github token", b"github_pat_", 6, rb"[A-Za-z0-9_]{20,}"),
    begins("gitlab token", b"glpat-", 5, rb"[A-Za-z0-9_-]{16,}"),
    begins("npm token", b"npm_", 3, rb"[A-Za-z0-9]{20,}"),
    begins("hugging face token", b"hf_", 2, rb"[A-Za-z0-9]{20,}"),
    Pattern("slack token", re.compile(rb"-(?<=xox[abeoprs]-)[A-Za-z0-9-]{10,}"), 4),
    begins("access key", b"AKIA", 1, rb"[A-Z0-9]{12,}"),
    begins("access key", b"ASIA", 1, rb"[A-Z0-9]{12,}"),
    begins("access key", b"LTAI", 0, rb"[A-Za-z0-9]{10,}"),
    begins("google key", b"AIza", 2, rb"[A-Za-z0-9_-]{30,}"),
    Pattern(
        "json web token",
        re.compile(
            rb"J(?<=eyJ)(?:(?<![A-Za-z0-9_-]eyJ)|(?<=\\[nrtbf]eyJ))"
            rb"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*"
        ),
        2,
    ),
    Pattern("signature", re.compile(rb"\.(?<=COSY\.)[A-Za-z0-9+/=_.-]{16,}"), 4),
    Pattern(
        "token",
        re.compile(
            rb"B(?:earer|EARER|asic)(?:[ \t]|%20)+"
            rb"(?=[A-Za-z]?[a-z]*[A-Z0-9+/=_.-]|[a-z]{20})([A-Za-z0-9._~+/=-]{8,})"
        ),
        0,
    ),
    Pattern(
        "token",
        re.compile(
            rb"b(?<![A-Za-z]b)earer(?:[ \t]|%20)+"
            rb"(?=[A-Za-z]?[a-z]*[A-Z0-9+/=_.]|[a-z]{20})([A-Za-z0-9._~+/=-]{8,})"
        ),
        0,
    ),
    Pattern(
        "private key",
        re.compile(
            rb"-(?<=-----)BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY-----"
            rb"((?:[A-Za-z0-9+/=\s\\:,.]|-(?!----)){0,%d})" % LONGEST
        ),
        0,
    ),
)
ADDRESS = re.compile(rb"@(?<=[^\s\"'\\,;()<>{}@]@)[A-Za-z0-9\[]")
SIGNED_IN = re.compile(rb"://[^\s/\"'@:\\]*:([^\s/\"'@\\]+)\Z")
"""The way to a host, with a name and a password before it."""
LOOKED_BACK = 200


def looking_like(data: bytes, at: int, window: int) -> Iterator[Span]:
    """The tokens that begin in `data[at:window]`."""
    for each in PATTERNS:
        for match in each.pattern.finditer(data, at, min(len(data), window + LONGEST)):
            if match.start() >= window:
                break
            group = match.re.groups
            yield Span(match.start(group) - (0 if group else each.before), match.end(), each.what)


def signed_in(data: bytes, at: int, window: int) -> Iterator[Span]:
    """The passwords in addresses whose `@` stands in `data[at:window]`."""
    if data.find(b"://", max(0, at - LOOKED_BACK), window) < 0:
        return
    for match in ADDRESS.finditer(data, at, window + 1):
        at_sign = match.start()
        way = SIGNED_IN.search(data, max(0, at_sign - LOOKED_BACK), at_sign)
        if way is not None:
            yield Span(*way.span(1), "password")
