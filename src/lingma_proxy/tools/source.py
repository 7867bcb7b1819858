"""Text that comes in pieces, for readers that are written as if it were there.

A reader is a generator: it looks at the text, takes what it understands, and yields where it
cannot decide before more has come.  What it decides depends on the text alone, never on where
the pieces were cut, as long as it looks only through the methods below:

    peek     the next character                 blanks   blanks up to whatever else
    shape    a marker, or none                  take     goes on

Nothing is looked at twice but the few characters of a marker that is not complete yet, so the
work is in proportion to the text.  What was taken can be held, in case it proves to be prose.
"""

import re
from collections.abc import Generator
from functools import cached_property, lru_cache
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Reading: TypeAlias = Generator[None, None, T]
"""A reader at work: yields for more text, returns what it has read."""

BLANKS = re.compile(r"[ \t\r\n]*")
"""What formats put between their parts; other blanks are somebody's text."""


NAMED_GROUP = re.compile(r"\(\?P<\w+>")


class Shape:
    """A marker, atom by atom, so that the beginning of one can be told, too.

    An atom is a regular expression.  Whatever can stand at the beginning of what an atom
    matches must match it as well, or else the second expression of a pair.  The last atom is
    one character, and none of them matches `<` beyond the first character of the marker.
    """

    def __init__(self, *atoms: str | tuple[str, str]) -> None:
        self._atoms = [atom if isinstance(atom, tuple) else (atom, "") for atom in atoms]

    # Compiled when first needed: together they take longer than a start without them.

    @cached_property
    def whole(self) -> re.Pattern[str]:
        return re.compile("".join(full for full, _ in self._atoms))

    @cached_property
    def begun(self) -> re.Pattern[str]:
        """Matches where the rest of the text is a marker that is not complete."""
        begun = "(?!)"
        for full, partial in reversed(self._atoms):
            begun = rf"(?:\Z|(?:{partial})\Z|{full}{begun})"
        return re.compile(begun)


@lru_cache(maxsize=256)
def _any_of(shapes: tuple[Shape, ...]) -> re.Pattern[str]:
    """Matches what is one of them, or may become one: most often nothing does."""
    either = "|".join(f"{shape.begun.pattern}|{shape.whole.pattern}" for shape in shapes)
    return re.compile(NAMED_GROUP.sub("(?:", either))


def literally(text: str) -> tuple[str, ...]:
    """The atoms of a text that is to stand as it is."""
    return tuple(map(re.escape, text))


class Source:
    def __init__(self) -> None:
        self.text = ""
        """What is at hand; what stands before `at` is taken."""
        self.at = 0
        self.over = False
        """No more will come."""
        self.cut = False
        """Then: whether it ended by length, in the middle of whatever it was saying."""
        self.last = ""
        """The last character that was taken."""
        self.went_back = False
        self._held: list[str] | None = None

    def add(self, piece: str) -> None:
        self.text = self.text[self.at :] + piece
        self.at = 0

    def more(self) -> Reading[bool]:
        """Wait.  False: no more will come, so decide by what is there."""
        if self.over:
            return False
        yield
        return True

    def peek(self) -> Reading[str]:
        """The next character, not taken; "" at the end."""
        while self.at == len(self.text) and (yield from self.more()):
            pass
        return self.text[self.at : self.at + 1]

    def shape(self, *shapes: Shape) -> Reading[re.Match[str] | None]:
        """The marker of one of the shapes that stands here, not taken; None for anything else."""
        if not _any_of(shapes).match(self.text, self.at):
            return None
        for shape in shapes:
            while shape.begun.match(self.text, self.at) and (yield from self.more()):
                pass
        for shape in shapes:
            if match := shape.whole.match(self.text, self.at):
                return match
        return None

    def breaks_off(self, *shapes: Shape) -> bool:
        """Whether the text was cut in what could have become one of the shapes."""
        return self.cut and any(shape.begun.match(self.text, self.at) for shape in shapes)

    def take(self, end: int) -> str:
        """Go on to this place in `text`."""
        piece = self.text[self.at : end]
        if piece:
            self.at = end
            self.last = piece[-1]
            if self._held is not None:
                self._held.append(piece)
        return piece

    def take_one(self) -> str:
        return self.take(self.at + 1)

    def blanks(self) -> Reading[str]:
        """Take what is blank, and say what it was."""
        taken = []
        while True:
            match = BLANKS.match(self.text, self.at)
            assert match is not None  # it matches nothing, too
            taken.append(self.take(match.end()))
            if self.at < len(self.text) or not (yield from self.more()):
                return "".join(taken)

    # What is taken from here on may yet have to be said.

    def hold(self) -> None:
        self._held = []

    def mark(self) -> int:
        """A place to ask for the text `since`."""
        assert self._held is not None
        return len(self._held)

    def since(self, mark: int) -> str:
        assert self._held is not None
        return "".join(self._held[mark:])

    def go_back(self, length: int) -> None:
        """So much of what was taken last is to be read again."""
        assert self._held is not None
        taken = "".join(self._held)
        end = len(taken) - length
        self._held[:] = [taken[:end]]
        self.text, self.at = taken[end:] + self.text[self.at :], 0
        self.last = taken[end - 1 : end]
        self.went_back = True

    def let_go(self) -> str:
        """What was held, and no longer is."""
        held = "".join(self._held or ())
        self._held = None
        return held
