"""Ends an answer where the model goes on to make up what came of its calls.

Some models do not stop after a call: they write a result themselves, and then the next call,
which builds on it.  A server that knows calls stops them there, and so do we: what begins like
a result, right behind a call, and all that follows it are not part of the answer.
"""

from collections.abc import Sequence

from lingma_proxy.tools.said import CallEnded, Prose, Said

MARK = "<tool_response"
LONGEST_GAP = 200
"""Characters, blanks most of all, that may stand between a call and a result."""


class UntilInvented:
    def __init__(self) -> None:
        self.over = False
        """Whether the answer has ended: nothing comes any more."""
        self._behind_a_call = False
        self._held = ""
        """What follows a call and may yet begin a result."""

    def feed(self, said: Sequence[Said]) -> list[Said]:
        """What of it is part of the answer, as far as that is known."""
        out: list[Said] = []
        for each in said:
            if self.over:
                break
            if isinstance(each, Prose) and self._behind_a_call:
                self._look(out, each.text)
                continue
            out += self.end()
            out.append(each)
            self._behind_a_call = isinstance(each, CallEnded)
        return out

    def end(self) -> list[Said]:
        """The text is over: what was held back is no result."""
        held, self._held = self._held, ""
        return [Prose(held)] if held else []

    def _look(self, out: list[Said], text: str) -> None:
        self._held += text
        begun = self._held.lstrip()
        if begun.startswith(MARK):
            self.over, self._held = True, ""
        elif not MARK.startswith(begun) or len(self._held) > LONGEST_GAP:
            out += self.end()
            self._behind_a_call = False
