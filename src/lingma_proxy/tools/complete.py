"""The rest of a JSON text of which the beginning has been said already.

    said   {"path":"a.py","text":"one
    value  {"path": "a.py", "text": "one two", "mode": 3}
    rest   ` two","mode":3}`

What was said stands in the way that json_stream says things: it ends in a string, behind a
whole value, behind a colon, or behind a bracket or comma.
"""

import json
import re
from typing import NoReturn

from lingma_proxy.jsonio import Json, dumps, is_object

BLANKS = re.compile(r"[ \t\r\n]*")
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
SCALAR = re.compile(r"[-+.0-9A-Za-z]+")


def complete(said: str, value: Json) -> str | None:
    """What makes the value of what was said; None if it contradicts what was said."""
    try:
        rest = _Said(said).rest_of(value)
        # Looked at once more, for what comes out is acted upon.
        return rest if json.loads(said + rest) == value else None
    except (_Contradiction, ValueError, RecursionError):
        return None


class _Contradiction(Exception):
    pass


def _contradiction() -> NoReturn:
    raise _Contradiction


class _Said:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest_of(self, value: Json) -> str:
        """What is missing of the value that begins here; "" if nothing is."""
        match self._next():
            case "":
                return dumps(value)
            case "{":
                return self._rest_of_object(value)
            case "[":
                return self._rest_of_list(value)
            case '"':
                return self._rest_of_string(value)
            case _:
                return self._scalar(value)

    def _next(self) -> str:
        blanks = BLANKS.match(self._text, self._at)
        assert blanks is not None  # it matches nothing, too
        self._at = blanks.end()
        return self._text[self._at : self._at + 1]

    def _rest_of_object(self, value: Json) -> str:
        left = dict(value) if is_object(value) else _contradiction()
        comma = ""
        self._at += 1
        while (mark := self._next()) != "}":
            if mark == ",":
                self._at += 1
                comma = ""
                if not left:
                    raise _Contradiction
                continue
            if not mark:
                return comma + dumps(left)[1:] if left else "}"
            key = self._whole_string()
            self._next()
            self._at += 1  # its colon
            if key not in left:
                raise _Contradiction
            rest = self.rest_of(left.pop(key))
            comma = ","
            if rest:
                return rest + (comma + dumps(left)[1:] if left else "}")
        self._at += 1
        return _contradiction() if left else ""

    def _rest_of_list(self, value: Json) -> str:
        items = value if isinstance(value, list) else _contradiction()
        done, comma = 0, ""
        self._at += 1
        while (mark := self._next()) != "]":
            if mark == ",":
                self._at += 1
                comma = ""
                if not items[done:]:
                    raise _Contradiction
                continue
            if not mark:
                return comma + dumps(items[done:])[1:] if items[done:] else "]"
            if done == len(items):
                raise _Contradiction
            rest = self.rest_of(items[done])
            done, comma = done + 1, ","
            if rest:
                return rest + (comma + dumps(items[done:])[1:] if items[done:] else "]")
        self._at += 1
        return "" if done == len(items) else _contradiction()

    def _rest_of_string(self, value: Json) -> str:
        if STRING.match(self._text, self._at):
            return "" if self._whole_string() == value else _contradiction()
        begun = json.loads(self._text[self._at :] + '"')
        if not isinstance(value, str) or not value.startswith(begun):
            raise _Contradiction
        self._at = len(self._text)
        return dumps(value[len(begun) :])[1:]

    def _whole_string(self) -> str:
        match = STRING.match(self._text, self._at)
        if match is None:
            raise _Contradiction
        self._at = match.end()
        text: str = json.loads(match[0])
        return text

    def _scalar(self, value: Json) -> str:
        match = SCALAR.match(self._text, self._at)
        if match is None:
            raise _Contradiction
        self._at = match.end()
        there = json.loads(match[0])
        return "" if there == value and type(there) is type(value) else _contradiction()
