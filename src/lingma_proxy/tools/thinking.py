r"""Thinking that a model writes into its text: `<think>…</think>`, fed piece by piece.

    <think>\nWhat is asked?\n</think>\n\nThe answer.
    ▸ thinking "What is asked?", text "The answer."

Where it may stand.  The published templates of all families that think (Qwen3, QwQ, MiniMax
M2, GLM-4.5 and later, DeepSeek, Kimi K2) put it at the very beginning of what the assistant
says, and those that think between calls begin a new message for that.  So it is looked for
where a text begins, and right behind thinking that has just ended; a tag anywhere else, in
prose or in a code fence, is text.

What is not handed on, because the templates write it and the models only repeat it: the
tags, one line break at each end of the thinking, two behind it, and blanks before it.

*   Thinking that does not end, because the reply was cut, is thinking to the end.
*   `</think>` where thinking might begin ends an empty one: models that were told not to
    think say so.
*   `</think>` later, without a beginning, stays text.  Some templates (DeepSeek-R1,
    Qwen3-Thinking) write `<think>` themselves, so that a server that does not look shows only
    the end of it; but what came before has gone out as text, and to hold back all text of
    these models until a tag comes that hardly ever does would be no stream.
"""

from enum import Enum, auto
from typing import TypeAlias

OPEN, CLOSE = "<think>", "</think>"
END = f"\n{CLOSE}"
BLANK = " \t\r\n"
MOST_BLANKS = 16
"""Characters before the tag.  More of them are text, and wait no longer."""
BREAKS_BEHIND = 2

Piece: TypeAlias = tuple[bool, str]
"""Whether it is thinking, and what is thought or said.  Never empty."""


class State(Enum):
    BEGINNING = auto()
    """Of a text, or of what follows thinking."""
    OPENED = auto()
    """Right behind `<think>`."""
    THINKING = auto()
    CLOSED = auto()
    """Right behind `</think>`."""
    TEXT = auto()
    """From here on nothing is looked for."""


class ThinkingSplitter:
    """Splits one text.  The pieces are the same however it was cut; cost is linear."""

    def __init__(self) -> None:
        self._state = State.BEGINNING
        self._held = ""
        self._breaks = 0
        """Line breaks behind the thinking that have been left out."""

    @property
    def done(self) -> bool:
        """Whether all that follows is text, and need not be fed."""
        return self._state is State.TEXT

    def feed(self, piece: str) -> list[Piece]:
        text, self._held = self._held + piece, ""
        found: list[Piece] = []
        while text:
            match self._state:
                case State.BEGINNING:
                    text = self._begin(text, found)
                case State.OPENED:
                    self._state = State.THINKING
                    text = text.removeprefix("\n")
                case State.THINKING:
                    text = self._think(text, found)
                case State.CLOSED:
                    text = self._close(text)
                case State.TEXT:
                    found.append((False, text))
                    text = ""
        return found

    def end(self) -> list[Piece]:
        """The text is over: what was held back is what it looks like."""
        held, self._held = self._held, ""
        return [(self._state is State.THINKING, held)] if held else []

    def _begin(self, text: str, found: list[Piece]) -> str:
        said = text.lstrip(BLANK)
        if len(text) - len(said) > MOST_BLANKS:
            self._state = State.TEXT
        elif said.startswith(OPEN):
            self._state = State.OPENED
            return said[len(OPEN) :]
        elif said.startswith(CLOSE):
            self._state, self._breaks = State.CLOSED, 0
            return said[len(CLOSE) :]
        elif OPEN.startswith(said) or CLOSE.startswith(said):
            self._held = text
            return ""
        else:
            self._state = State.TEXT
        found.append((False, text))
        return ""

    def _think(self, text: str, found: list[Piece]) -> str:
        thought, closed, rest = text.partition(CLOSE)
        if closed:
            self._state, self._breaks = State.CLOSED, 0
            thought = thought.removesuffix("\n")
        else:
            thought = text[: len(text) - beginning_of_the_end(text)]
            self._held = text[len(thought) :]
        if thought:
            found.append((True, thought))
        return rest

    def _close(self, text: str) -> str:
        while self._breaks < BREAKS_BEHIND and text.startswith("\n"):
            self._breaks += 1
            text = text[1:]
        if text or self._breaks == BREAKS_BEHIND:
            self._state = State.BEGINNING
        return text


def spoken(text: str) -> str:
    """What is left of a whole text when the thinking in it is taken away."""
    splitter = ThinkingSplitter()
    pieces = [*splitter.feed(text), *splitter.end()]
    return "".join(said for thinking, said in pieces if not thinking)


def beginning_of_the_end(text: str) -> int:
    """How many characters at its end may yet become `</think>`, with a line break before it."""
    for length in range(min(len(text), len(END) - 1), 0, -1):
        tail = text[-length:]
        if END.startswith(tail) or CLOSE.startswith(tail):
            return length
    return 0
