"""JSON that is checked while it comes (RFC 8259).

What is read is said again at once, verbatim, to `out`: at any moment the beginning of some
JSON text that can still be completed by adding to it.  So keys, numbers, words and escapes are
said when they are complete, and commas and closing quotes when what follows them is as it should
be; strings as they come.  The one
liberty taken: a raw control character in a string, which models write, is said as its escape.

The first character that cannot stand where it does raises NotJson and is not taken, and so
does the end of the text; what was said by then stays said.
"""

import json
import re
from collections.abc import Callable

from lingma_proxy.tools.source import Reading, Source

Out = Callable[[str], object]

PLAIN = re.compile(r"""[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*""")
"""What needs no thought in a string.  (Not possessive: Python 3.11.2 then takes half an escape.)"""
HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
SCALAR = re.compile(r"[-+.0-9A-Za-z]*")
WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
BEGINS_VALUE = {*'"{[-0123456789tfn'}
AFTER_STRING = {",", "}", "]", ":"}
LONGEST_WORD = 1000
"""Characters of a number.  Nobody means more, and each is looked at while it grows."""


class NotJson(Exception):
    """The text went another way."""

    def __init__(self, *, in_string: bool = False) -> None:
        super().__init__()
        self.in_string = in_string


def string(source: Source, out: Out) -> Reading[None]:
    """A string within something, from behind its opening quote on, with its closing one."""
    while True:
        run = PLAIN.match(source.text, source.at)
        assert run is not None  # it matches nothing, too
        if run.end() > source.at:
            out(source.take(run.end()))
        match source.text[source.at : source.at + 1]:
            case '"':
                end = source.take_one() + (yield from source.blanks())
                if (yield from source.peek()) not in AFTER_STRING:
                    raise NotJson  # perhaps the quote was meant to be in the string
                out(end)
                return
            case "":
                waiting = True
            case "\\":
                waiting = HALF_ESCAPE.match(source.text, source.at) is not None
            case control:
                source.take_one()
                out(json.dumps(control)[1:-1])
                continue
        if not waiting or not (yield from source.more()):
            raise NotJson(in_string=True)


def scalar(source: Source) -> Reading[str]:
    """A number, or one of the three words, which something must follow."""
    while True:
        run = SCALAR.match(source.text, source.at)
        assert run is not None  # it matches nothing, too
        length = run.end() - source.at
        if run.end() < len(source.text) or length > LONGEST_WORD:
            break
        if not (yield from source.more()):
            raise NotJson  # it may have been meant to go on
    if length > LONGEST_WORD or not WORD.fullmatch(run[0]):
        raise NotJson
    return source.take(run.end())


def value(source: Source, out: Out) -> Reading[None]:
    """A value of any kind, however deep."""
    open_ones: list[ObjectReader | _ListReader] = []
    while True:
        match (yield from source.peek()):
            case '"':
                out(source.take_one())
                yield from string(source, out)
            case "{":
                open_ones.append(ObjectReader(source, out))
            case "[":
                open_ones.append(_ListReader(source, out))
            case _:
                out((yield from scalar(source)))
        while open_ones and not (yield from open_ones[-1].another()):
            open_ones.pop()
        if not open_ones:
            return


class ObjectReader:
    """An object, member by member: after `another`, its value is next in the source."""

    def __init__(
        self, source: Source, out: Out, spelled: Callable[[str], str] = lambda key: key
    ) -> None:
        self._source = source
        self._out = out
        self._spelled = spelled
        self._separator = ""
        self.key = ""
        """Of the member that was begun last, as the text has it."""
        self.complete = False
        out(source.take_one())

    def another(self) -> Reading[bool]:
        """Begin the next member; or else the object is complete."""
        source, pending = self._source, (yield from self._source.blanks())
        mark = yield from source.peek()
        if mark == "}":
            self._out(pending + source.take_one())
            self.complete = True
            return False
        if self._separator:
            if mark != ",":
                raise NotJson
            pending += source.take_one() + (yield from source.blanks())
            mark = yield from source.peek()
        if mark != '"':
            raise NotJson
        spelling = [source.take_one()]
        yield from string(source, spelling.append)
        before_colon = yield from source.blanks()
        if (yield from source.peek()) != ":":
            raise NotJson
        before_colon += source.take_one() + (yield from source.blanks())
        if not (yield from source.peek()):
            raise NotJson
        text = "".join(spelling)
        self.key = json.loads(text)
        meant = self._spelled(self.key)
        if meant != self.key:
            text = json.dumps(meant, ensure_ascii=False)
        self._out(pending + text + before_colon)
        self._separator = ","
        return True


class _ListReader:
    """A list, item by item, in the same way."""

    def __init__(self, source: Source, out: Out) -> None:
        self._source = source
        self._out = out
        self._separator = ""
        out(source.take_one())

    def another(self) -> Reading[bool]:
        source, pending = self._source, (yield from self._source.blanks())
        mark = yield from source.peek()
        if mark == "]":
            self._out(pending + source.take_one())
            return False
        if self._separator:
            if mark != ",":
                raise NotJson
            pending += source.take_one() + (yield from source.blanks())
            mark = yield from source.peek()
        if mark not in BEGINS_VALUE:
            raise NotJson
        if pending:
            self._out(pending)
        self._separator = ","
        return True
