"""A call that is a JSON object, in whatever it is wrapped.

    {"name": "Read", "arguments": {"path": "a.py"}}

Other names for the two keys are understood, either order, arguments as a string that holds the
object, and lists.  In the usual order the arguments are said as they come; otherwise when the
object is complete.  When it is almost JSON, the rest is held until it is closed, and mended.
"""

import json
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from lingma_proxy.jsonio import JsonObject, dumps, is_object, loads
from lingma_proxy.tools.json_stream import NotJson, ObjectReader, value
from lingma_proxy.tools.reader import Read, Reader, up_to
from lingma_proxy.tools.repair import closed_by_itself, mended
from lingma_proxy.tools.said import Toolbox
from lingma_proxy.tools.source import Reading, Shape
from lingma_proxy.tools.teller import Call

NAMES = ("name", "tool", "function", "tool_name", "function_name")
ARGUMENTS = ("arguments", "parameters", "input", "args")
LISTS = ("tool_calls",)
BESIDES = ("id", "type", "call_id", "tool_call_id", "index")
"""What may stand beside these and is no argument."""
USUAL = frozenset(NAMES + ARGUMENTS + LISTS + BESIDES)

CUT = "The call was cut before it was complete."
UNCLEAR = "The arguments are not JSON, and nobody can tell what is meant."

Found: TypeAlias = tuple[str, str]
"""A declared tool, and the JSON text of an object of arguments."""


class _NotUsual(NotJson):
    """It may be JSON, but it is no call."""


class JsonCall:
    """Reads one object, from its bracket on."""

    def __init__(self, reader: Reader, ends: tuple[Shape, ...], *, plain: bool = False) -> None:
        self._reader = reader
        self._source = reader.source
        self._ends = ends
        """Where it must be over at the latest, should it be broken."""
        self._plain = plain
        """Nothing but its keys shows that it is a call: so these must be the usual ones."""
        self._call: Call | None = None
        self._complete = False
        """Whether all of its arguments are said."""

    def read(self) -> Reading[Read]:
        place = self._source.mark()
        text: list[str] = []
        try:
            yield from self._members(text)
        except NotJson as failure:
            return (yield from self._broken(place, failure))
        if self._call is not None:
            self._call.end()
            return Read.CALL
        found = calls_in("".join(text), self._reader, plain=self._plain)
        return Read.CALL if self._say(found) else Read.NO_CALL

    def _members(self, text: list[str]) -> Reading[None]:
        members = ObjectReader(self._source, text.append)
        name = None
        while (yield from members.another()):
            if self._plain and members.key not in USUAL:
                raise _NotUsual
            begins = yield from self._source.peek()
            if name and members.key in ARGUMENTS and begins == "{" and self._call is None:
                self._call = self._reader.teller.call(name)
                yield from _arguments(self._reader, self._call)
                self._complete = True
                text.append("{}")
                continue
            before = len(text)
            yield from value(self._source, text.append)
            if name is None and members.key in NAMES and begins == '"':
                name = self._reader.tools.tool(json.loads("".join(text[before:])))
                if name is None and self._plain:
                    raise _NotUsual

    def _broken(self, place: int, failure: NotJson) -> Reading[Read]:
        source, call = self._source, self._call
        if call is not None and self._complete and not source.cut:
            call.end()  # what is wrong comes after the arguments
            return Read.CALL
        if isinstance(failure, _NotUsual):
            return Read.TEXT
        closed = yield from up_to(source, self._ends, in_string=failure.in_string)
        text = source.since(place)
        if not closed and (source.cut or not closed_by_itself(text)):
            return Read.CALL if call and call.give_up(CUT) else Read.TEXT
        found = calls_in(dumps(mended(text)), self._reader, plain=self._plain)
        if call is None:
            return Read.CALL if self._say(found) else Read.TEXT
        if found and found[0][0] == call.name and call.say_rest_of(loads(found[0][1])):
            call.end()
            self._say(found[1:])
            return Read.CALL
        return Read.CALL if call.give_up(UNCLEAR) else Read.TEXT

    def _say(self, found: list[Found]) -> bool:
        for name, text in found:
            call = self._reader.teller.call(name)
            call.say(text)
            call.end()
        return bool(found)


def arguments_object(reader: Reader, name: str, ends: tuple[Shape, ...]) -> Reading[Read]:
    """The object of arguments of a call whose name is known, which should be next in the source."""
    source = reader.source
    if (yield from source.peek()) != "{":
        return Read.TEXT
    place, call = source.mark(), reader.teller.call(name)
    try:
        yield from _arguments(reader, call)
    except NotJson as failure:
        closed = yield from up_to(source, ends, in_string=failure.in_string)
        text = source.since(place)
        if not closed and (source.cut or not closed_by_itself(text)):
            return Read.CALL if call.give_up(CUT) else Read.TEXT
        meant = mended(text)
        if not is_object(meant) or not call.say_rest_of(_renamed(meant, reader.tools, name)):
            return Read.CALL if call.give_up(UNCLEAR) else Read.TEXT
    call.end()
    return Read.CALL


def _arguments(reader: Reader, call: Call) -> Reading[None]:
    """An object of arguments, said as it comes."""
    members = ObjectReader(
        reader.source, call.say, lambda key: reader.tools.argument(call.name, key)
    )
    while (yield from members.another()):
        yield from value(reader.source, call.say)


def _renamed(members: JsonObject, tools: Toolbox, name: str) -> JsonObject:
    return {tools.argument(name, key): item for key, item in members.items()}


def calls_in(text: str, reader: Reader, *, plain: bool) -> list[Found]:
    """All calls that a JSON text stands for, their arguments verbatim; none if one is not clear."""
    try:
        return [*_calls(text, reader.tools, plain=plain)]
    except (_NotUsual, msgspec.MsgspecError, ValueError, RecursionError):
        return []


def _calls(text: str, tools: Toolbox, *, plain: bool) -> Iterator[Found]:
    if text.lstrip().startswith("["):
        for item in msgspec.json.decode(text, type=list[msgspec.Raw]):
            yield from _calls(_text(item), tools, plain=plain)
        return
    members = _members_of(text)
    for key in LISTS:
        if key in members:
            yield from _calls(members[key], tools, plain=plain)
            return
    if members.get("function", "").startswith("{"):
        yield from _calls(members["function"], tools, plain=plain)
        return
    named = [key for key in NAMES if members.get(key, "").startswith('"')]
    name = tools.tool(loads(members.pop(named[0]))) if named else None
    given = [key for key in ARGUMENTS if key in members]
    if name is None or (plain and not given):
        raise _NotUsual
    if given:
        yield name, _respelled(_object(members[given[0]]), tools, name)
    else:
        there = {key: item for key, item in members.items() if key not in BESIDES}
        yield name, _written(there, tools, name)


def _members_of(text: str) -> dict[str, str]:
    """The JSON text of each member of an object."""
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return {key: _text(item) for key, item in members.items()}


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode().strip()


def _object(text: str) -> str:
    """An object of arguments, or what may stand for it: a string that holds one, or nothing."""
    if text.startswith('"'):
        text = loads(text).strip()
        if text and not is_object(loads(text)):
            raise _NotUsual
    if text in {"null", ""}:
        return "{}"
    if not text.startswith("{"):
        raise _NotUsual
    return text


def _respelled(text: str, tools: Toolbox, name: str) -> str:
    """The arguments verbatim, if their keys can stay."""
    members = _members_of(text)
    if all(tools.argument(name, key) == key for key in members):
        return text
    return _written(members, tools, name)


def _written(members: dict[str, str], tools: Toolbox, name: str) -> str:
    spelled = (f"{dumps(tools.argument(name, key))}:{item}" for key, item in members.items())
    return "{" + ",".join(spelled) + "}"
