"""Stretches of a body that are to be taken out, and how that is done."""

from collections.abc import Iterable
from typing import NamedTuple

LONGEST_NAME = 96
"""Bytes of a field's name, with what stands between it and its value."""


class Span(NamedTuple):
    begin: int
    end: int
    what: str
    """For the reader: "api key"."""
    quote: bytes = b""
    """Goes around what stands there then: it was no text before."""
    marker: bytes = b""
    """Stands there then, if it is not to say "redacted"."""


def without(data: bytes, spans: Iterable[Span]) -> bytes:
    """The data with a marker in the place of each; of two that overlap the longer way wins."""
    pieces = []
    done = 0
    for span in sorted(spans, key=lambda it: (it.begin, -it.end)):
        begin = max(span.begin, done)
        if begin >= span.end:
            continue
        if begin == span.begin:
            pieces += [data[done:begin], span.quote, said(span), span.quote]
        done = span.end
    pieces.append(data[done:])
    return b"".join(pieces)


def said(span: Span) -> bytes:
    return span.marker or b"[redacted: %b]" % span.what.encode()
