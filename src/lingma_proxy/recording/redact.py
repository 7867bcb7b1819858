"""What is taken out of everything that is written: secrets, pictures, long base64.

    Redactor(secrets)(data)    the values in use, wherever they stand, and all of the below
    redacted(data)             named credentials, tokens that are known by how they look, base64

JSON stays JSON, and a stream of events one, for nothing is taken out but text inside a string,
and a marker says what it was: `[redacted: api key]`, `[image/png, 34.5 KB]`.  It is the bytes
that are looked at, whatever they are: strings that hold JSON, lines of a stream, a shell's.

An agent says all of a conversation again at each turn: a `Redactor` knows the messages that it
has seen and found nothing in, and looks only at what is new.
"""

import time
from collections.abc import Iterable, Iterator, Sequence

from lingma_proxy.recording.credentials import authorization, named
from lingma_proxy.recording.hints import BESIDE, hinted
from lingma_proxy.recording.known_tokens import looking_like, signed_in
from lingma_proxy.recording.pictures import long_runs, pictures
from lingma_proxy.recording.spans import Span, without

WINDOW = 64 * 1024
"""Bytes that are looked at before others get the interpreter."""
A_MOMENT = 0.0001
"""Seconds in which they take it; to let go of it and take it again at once leaves them none."""
LARGE = 16 * 1024
"""Bytes of what is worth to be looked at message by message."""
BETWEEN = (b'"role":', b'"description":')
"""What stands before each message, and in tools: no secret goes on beyond, for it is a field."""
MOST_PIECES = 4000
KNOWN = 20_000
"""Pieces that are remembered, each by a number."""
SHORTEST = 6
"""Letters of a value that is looked for: shorter ones stand anywhere."""
TAIL = 4096
"""Bytes before a cut that may be half a secret."""
IN_TOKENS = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + b"+/_.~%=\\-"


class Redactor:
    """Takes out the secrets that are in use, too.  For one thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._spellings = spellings(secrets)
        self._clean: set[int] = set()
        """Hashes of pieces that have nothing to take out."""

    def __call__(self, data: bytes) -> bytes:
        """The data without them; the same object where there are none."""
        data = self.unsigned(data)
        return redacted(data) if len(data) < LARGE else self._piecewise(data, BETWEEN)

    def clean(self, data: bytes) -> bool:
        """Whether there is nothing to take out."""
        return self(data) is data

    def unsigned(self, data: bytes) -> bytes:
        """The data without the secrets in use; the same object where there are none."""
        for spelling in self._spellings:
            if spelling in data:
                data = data.replace(spelling, b"[redacted: login]")
        return data

    def _piecewise(self, data: bytes, between: Sequence[bytes]) -> bytes:
        pieces = data.split(between[0], MOST_PIECES)
        changed = False
        for at, piece in enumerate(pieces):
            known = hash(piece)
            if known in self._clean:
                continue
            more = between[1:]
            clean = self._piecewise(piece, more) if more else redacted(piece)
            if clean is piece:
                if len(self._clean) >= KNOWN:
                    self._clean.clear()
                self._clean.add(known)
            else:
                pieces[at] = clean
                changed = True
        return between[0].join(pieces) if changed else data


def redacted(data: bytes) -> bytes:
    """The data without credentials, tokens and base64; the same object where there are none."""
    spans = list(found(data))
    return without(data, spans) if spans else data


def found(data: bytes) -> Iterator[Span]:
    """What is to be taken out, in no order, and some of it twice."""
    yield from long_runs(data)
    for at in range(0, len(data), WINDOW):
        window = min(len(data), at + WINDOW)
        yield from named(data, at, window)
        yield from signed_in(data, at, window)
        if hinted(data, max(0, at - BESIDE), window + BESIDE):
            yield from authorization(data, at, window)
            yield from pictures(data, at, window)
            yield from looking_like(data, at, window)
        if window < len(data):
            time.sleep(A_MOMENT)


def without_tail(data: bytes) -> bytes:
    """What was cut off in the middle, without what may be half a secret."""
    return data[:-TAIL] + data[-TAIL:].rstrip(IN_TOKENS)


def spellings(secrets: Iterable[str]) -> Sequence[bytes]:
    """How the values may be spelled: as they are, and in JSON that escapes slashes."""
    plain = [secret.encode(errors="replace") for secret in secrets if len(secret) >= SHORTEST]
    longest_first = sorted(set(plain), key=len, reverse=True)
    forms = (form for it in longest_first for form in (it, it.replace(b"/", b"\\/")))
    return tuple(dict.fromkeys(forms))
