"""What is no call: said as it comes, up to where one may begin.

Inside code blocks nothing begins, nor behind a backtick, nor while the model thinks.  A code
block is what CommonMark calls a fenced one, at any depth of indentation, for lists have them.
"""

import re

from lingma_proxy.tools.formats.marks import ACTION, OPENERS, THINK, THINK_END
from lingma_proxy.tools.source import Reading, Source
from lingma_proxy.tools.teller import Teller

OF_INTEREST = re.compile("[<`~]")
"""What could be the beginning of more than prose.  Most text has none of it."""

BLANK = re.compile(r"[ \t]*")
LINE = re.compile(r"[^\n]*")
INFO = {"`": re.compile(r"[^\n`]*"), "~": LINE}
"""What stands behind the ticks that open a code block."""
TICKS = {"`": re.compile("`*"), "~": re.compile("~*")}


class ProseReader:
    def __init__(self, source: Source, teller: Teller) -> None:
        self._source = source
        self._teller = teller
        self._line_is_blank = True
        """Whether nothing stands before us on this line, so that a code block may begin or end."""

    def say(self, text: str) -> None:
        """Say what was taken from the source already."""
        if text:
            line = text[text.rfind("\n") + 1 :]
            blank = self._line_is_blank or len(line) < len(text)
            self._line_is_blank = blank and not line.strip(" \t\r")
            self._teller.prose(text)

    def up_to_mark(self) -> Reading[bool]:
        """Say what is prose up to a mark, which is not taken.  False: there is none to the end."""
        source = self._source
        while True:
            found = OF_INTEREST.search(source.text, source.at)
            self.say(source.take(found.start() if found else len(source.text)))
            if found is None:
                if not (yield from source.more()):
                    return False
            elif found[0] == "<":
                if source.last != "`" and (yield from source.shape(*OPENERS)):
                    return True
                self.say(source.take_one())
            elif not self._line_is_blank:
                self.say(source.take_one())
            elif (yield from source.shape(*ACTION)):
                return True
            else:
                yield from self._code()

    def thinking(self) -> Reading[None]:
        """Say what the model thinks, if that is what it begins with."""
        source = self._source
        if not (yield from source.shape(THINK)):
            return
        while (yield from source.peek()):
            self.say(source.take_one())
            tag = source.text.find("<", source.at)
            self.say(source.take(tag if tag >= 0 else len(source.text)))
            if closing := (yield from source.shape(THINK_END)):
                self.say(source.take(closing.end()))
                return

    def _code(self) -> Reading[None]:
        """Say a code block; or ticks that open none."""
        tick = yield from self._source.peek()
        ticks = len((yield from self._run(TICKS[tick])))
        if ticks >= 3:
            yield from self._run(INFO[tick])
            if (yield from self._source.peek()) == "\n":
                self.say(self._source.take_one())
                yield from self.rest_of_code(tick, ticks)

    def rest_of_code(self, tick: str, ticks: int) -> Reading[None]:
        """Say what is left of a code block, from anywhere within."""
        if not self._line_is_blank:
            yield from self._run(LINE)
        while char := (yield from self._source.peek()):
            if char == "\n":
                self.say(self._source.take_one())
                continue
            yield from self._run(BLANK)
            ended = len((yield from self._run(TICKS[tick]))) >= ticks
            rest = yield from self._run(LINE)
            if ended and not rest.strip():
                return

    def _run(self, pattern: re.Pattern[str]) -> Reading[str]:
        """Say the characters of a class, as many as there are."""
        source, said = self._source, []
        while True:
            found = pattern.match(source.text, source.at)
            assert found is not None  # it matches nothing, too
            said.append(source.take(found.end()))
            self.say(found[0])
            if source.at < len(source.text) or not (yield from source.more()):
                return "".join(said)
