r"""Arguments that come as bare text between tags, written as JSON on the way.

    <parameter=text>\n1 < 2\n</parameter>     ─▶     "text": "1 < 2"

Nothing is escaped in such a value, so it may hold anything, the tags of a call too.  It ends at
the first closing tag that is followed by what may follow it: another parameter, the end of the
call, the end of the text.  But calls within (an example in a file that is written) are skipped
whole, if they are whole; if then no end is left, it ends at the first closing tag that can be it.

A line end behind the opening tag belongs to the layout, and then so does one before the closing.
"""

import json
import re
from dataclasses import dataclass

from lingma_proxy.jsonio import dumps, loads
from lingma_proxy.tools.said import Toolbox
from lingma_proxy.tools.source import BLANKS, Reading, Shape, Source
from lingma_proxy.tools.teller import Call

LINE_END = re.compile(r"\r?\n")


@dataclass(frozen=True)
class Tags:
    """What matters in a value."""

    closes: Shape
    """Its end, in most cases."""
    follows: tuple[Shape, ...]
    """What proves that it was."""
    instead: tuple[Shape, ...] = ()
    """What is its end as well, where it begins a line: the closing tag was forgotten."""
    opens: tuple[Shape, ...] = ()
    """What begins a value of a call within."""
    calls: tuple[Shape, ...] = ()
    """What begins a call within,"""
    ends: tuple[Shape, ...] = ()
    """and what ends it."""

    @property
    def all(self) -> tuple[Shape, ...]:
        return (self.closes, *self.instead, *self.opens, *self.calls, *self.ends)


class BareArguments:
    """Writes the object of a call's arguments."""

    def __init__(self, source: Source, tools: Toolbox, call: Call, tags: Tags) -> None:
        self._source = source
        self._tools = tools
        self._call = call
        self._tags = tags
        self._some = False

    def value(self, key: str, *, lined: bool = False, string: bool | None = None) -> Reading[bool]:
        """The value of this argument, from behind its opening tag on; False: it has no end.

        `lined`: a line end before the closing tag is layout in any case; `string`: whether the
        model says that it is one, or JSON.
        """
        tool = self._call.name
        meant = self._tools.argument(tool, key)
        self._call.say(("," if self._some else "{") + dumps(meant) + ":")
        self._some = True
        streams = self._tools.is_text(tool, meant) if string is None else string
        text = _Text(self._call if streams else None, lined=lined)
        ended = yield from self._read(text)
        if ended:
            text.end()
        if ended and not streams:
            said = "".join(text.kept)
            as_it_is = string is False and _is_json(said)
            self._call.say(said if as_it_is else self._tools.as_json(tool, meant, said))
        return ended

    def end(self) -> None:
        self._call.say("}" if self._some else "{}")

    def _read(self, text: "_Text") -> Reading[bool]:
        source, tags = self._source, self._tags
        within: list[bool] = []
        """What is open within: a call (False) or a value of one (True)."""
        kept: list[str] | None = None
        """From the first call within on, all of it: it may have been none."""
        while True:
            put = text.add if kept is None else kept.append
            at = source.text.find("<", source.at)
            put(source.take(at if at >= 0 else len(source.text)))
            if at < 0:
                if (yield from source.more()):
                    continue
                return kept is not None and self._ended_before("".join(kept), text)
            begins_line = source.last == "\n"
            found = yield from source.shape(*tags.all)
            shape = found.re if found else None
            if found is None or shape is None:
                if source.breaks_off(*tags.all):
                    return False
                put(source.take_one())
            elif shape is tags.closes.whole and not (within and within[-1]):
                closing = source.take(found.end()) + (yield from source.blanks())
                follows = (yield from source.shape(*tags.follows)) is not None
                if follows or not (source.cut or (yield from source.peek())):
                    text.add("".join(kept or ()))
                    return True
                if source.breaks_off(*tags.follows):
                    return False
                put(closing)
            elif not within and begins_line and _one_of(shape, tags.instead):
                text.add("".join(kept or ()))
                return True
            else:
                if _one_of(shape, tags.calls):
                    within.append(False)
                    kept = kept or []
                    put = kept.append
                elif within and _one_of(shape, tags.opens):
                    within.append(True)
                elif within and shape is tags.closes.whole:
                    within.pop()
                elif within and _one_of(shape, tags.ends):
                    while within.pop():
                        pass
                put(source.take(found.end()))

    def _ended_before(self, kept: str, text: "_Text") -> bool:
        """Find an end for the value, now that it has none."""
        source, tags = self._source, self._tags
        ends = [
            (found.start(), after)
            for found in tags.closes.whole.finditer(kept)
            if (after := _behind_blanks(kept, found.end())) == len(kept)
            or any(shape.whole.match(kept, after) for shape in tags.follows)
        ]
        if source.cut or not ends:
            return False
        # The first, so that calls behind it are found.  But text is read twice only once.
        end, after = ends[-1] if source.went_back else ends[0]
        text.add(kept[:end])
        source.go_back(len(kept) - after)
        return True


class _Text:
    """The text of a value, without its layout."""

    def __init__(self, call: Call | None, *, lined: bool) -> None:
        self.kept: list[str] = []
        """It, if no call is there to say it at once."""
        self._call = call
        self._lined = lined
        self._begun = False
        self._waiting = ""
        """A line end that may be layout."""

    def add(self, piece: str) -> None:
        piece, self._waiting = self._waiting + piece, ""
        if not self._begun:
            if piece in {"", "\r"}:
                self._waiting = piece
                return
            if line_end := LINE_END.match(piece):
                self._lined, piece = True, piece[line_end.end() :]
            self._begin()
        if self._lined:
            length = 2 if piece.endswith("\r\n") else 1 if piece.endswith(("\r", "\n")) else 0
            end = len(piece) - length
            piece, self._waiting = piece[:end], piece[end:]
        self._out(piece)

    def end(self) -> None:
        if not self._begun:
            self._begin()
        self._out(self._waiting if self._waiting == "\r" else "")
        if self._call is not None:
            self._call.say('"')

    def _begin(self) -> None:
        self._begun = True
        if self._call is not None:
            self._call.say('"')

    def _out(self, piece: str) -> None:
        if not piece:
            return
        if self._call is None:
            self.kept.append(piece)
        else:
            self._call.say(json.dumps(piece, ensure_ascii=False)[1:-1])


def _one_of(pattern: re.Pattern[str], shapes: tuple[Shape, ...]) -> bool:
    return any(pattern is shape.whole for shape in shapes)


def _behind_blanks(text: str, at: int) -> int:
    blanks = BLANKS.match(text, at)
    assert blanks is not None  # it matches nothing, too
    return blanks.end()


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True
