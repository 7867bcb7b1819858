r"""Characters that were cut in two, whole again.

A character beyond U+FFFF, an emoji for one, is two code units of UTF-16.  Who counts in these
and cuts a reply into pieces may cut between them; then one piece ends with the first half, and
the next one in the same place begins with the second:

    "Hi \ud83d"  "\ude00 there"   ─▶   "Hi "  "😀 there"

The first half waits for the second.  Where that cannot come any more, a mark stands for the
character.
"""

from typing import Literal, TypeAlias

from lingma_proxy.jsonio import joined

Place: TypeAlias = Literal["text", "thinking"] | int
"""What a piece goes on with: the text, the thinking, or the call of that number."""

MARK = "\ufffd"
"""Stands for a character of which only half came."""


class Halves:
    """The halves of one reply that wait for their others."""

    def __init__(self) -> None:
        self._waiting: dict[Place, str] = {}

    def lonely(self, place: Place | None = None) -> list[Place]:
        """Where a mark is due, now that `place` goes on; or now that all is over, without one.

        Text and thinking end where anything else goes on, calls may take turns.
        """
        gone = [
            each
            for each in self._waiting
            if place is None or (each != place and not isinstance(each, int))
        ]
        for each in gone:
            del self._waiting[each]
        return gone

    def mend(self, place: Place, piece: str) -> str:
        """What can be said of the place by now; it has no halves in it, and may be empty."""
        if not self._waiting and piece.isascii():
            return piece
        piece = self._waiting.pop(place, "") + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            piece, self._waiting[place] = piece[:-1], piece[-1]
        return joined(piece)
