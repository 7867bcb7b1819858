"""The tools that a client declares, and which of them is meant by what a model says.

The client's names are the truth.  A name that is not among them means a tool only if it can
mean no other; the first of these that finds a tool, and just one, decides:

    itself ▸ in any spelling (`read-file`, `ReadFile`, `functions.Read`) ▸ with or without its
    server (`mcp__files__read`) ▸ by what other clients call such a tool (`aliases`)

The name of an argument likewise, where the schema proves that it is no argument itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lingma_proxy.conversation.request import Tool
from lingma_proxy.jsonio import Json, dumps, loads
from lingma_proxy.tools.aliases import ARGUMENTS, TOOLS, also_called, plain
from lingma_proxy.tools.kinds import KINDS, Kind, kind_of, kinds, properties, says_all
from lingma_proxy.tools.repair import mended
from lingma_proxy.tools.schema import Unusable, by_schema

if TYPE_CHECKING:
    from lingma_proxy.jsonio import JsonObject
    from lingma_proxy.tools.schema import Check

PREFIX = re.compile(r"\A(?:functions?|tools?|default_api)[.:/]", re.IGNORECASE)
NUMBER = re.compile(r":\d+\Z")
"""What models write around a name: where it comes from, and Kimi which of its calls it is."""
SERVER = re.compile(r"\Amcp__?(?:[^_]|_(?!_))+__", re.IGNORECASE)
"""What clients put before the names of a server's tools."""
LONGEST_NAME = 200
"""Characters; what is longer is no name."""
WORDS = {"true": "true", "false": "false", "null": "null", "none": "null"}
"""How models write constants, and what that is in JSON."""


class Toolbox:
    def __init__(self, tools: Sequence[Tool]) -> None:
        self.names = tuple(tool.name for tool in tools)
        self._schemas: dict[str, JsonObject] = {tool.name: tool.parameters for tool in tools}
        self._plain = _by(plain, self.names)
        self._tails = _by(plain, self.names, of=lambda name: SERVER.sub("", name))
        self._properties: dict[str, dict[str, Json]] = {}
        self._checks: dict[str, Check | None] = {}
        self._meant: dict[str, str | None] = {}

    def tool(self, said: str) -> str | None:
        """The declared tool that this name can only mean; None: there is none."""
        if said in self._schemas:
            return said
        if len(said) > LONGEST_NAME:
            return None
        if said not in self._meant:
            self._meant[said] = self._find(said)
        return self._meant[said]

    def argument(self, tool: str, said: str) -> str:
        """The parameter that is meant: `said` itself, unless the schema proves another."""
        known = self._known(tool)
        if said in known or len(said) > LONGEST_NAME or not says_all(self._schemas[tool]):
            return said
        named = _by(plain, known)
        if found := named.get(plain(said)):
            return found[0] if len(found) == 1 else said
        others = [each for name in also_called(said, ARGUMENTS) for each in named.get(name, ())]
        return others[0] if len(others) == 1 else said

    def is_text(self, tool: str, argument: str) -> bool:
        """Whether bare text for this argument is a string: where it may be one, it is."""
        return "string" in self._kinds(tool, argument)

    def as_json(self, tool: str, argument: str, text: str) -> str:
        """The JSON text of a value that came as bare text.

        It is a string unless the schema lets through none, and what the text says otherwise;
        a list or an object may be spelled as Python does it.
        """
        wanted = self._kinds(tool, argument)
        if "string" in wanted:
            return dumps(text)
        said = text.strip()
        said = WORDS.get(said.casefold(), said)
        try:
            value = loads(said)
        except ValueError:
            value = mended(said) if said[:1] in {"[", "{"} else None
            return dumps(value) if value is not None and kind_of(value) in wanted else dumps(text)
        return said if kind_of(value) in wanted else dumps(text)

    def wrong(self, tool: str, arguments: str) -> str | None:
        """What is wrong with a call's arguments (JSON text), as a clause; None: they fit.

        Where a schema cannot be used, all that is an object fits.  The first check loads the
        validator, which takes a while.
        """
        try:
            value = loads(arguments or "{}")
        except ValueError as error:
            return f"the arguments are not JSON ({error})"
        if not isinstance(value, dict):
            return "the arguments are not a JSON object"
        if tool not in self._checks:
            try:
                self._checks[tool] = by_schema(self._schemas[tool])
            except Unusable:
                self._checks[tool] = None
        check = self._checks[tool]
        return check(value) if check is not None else None

    def _find(self, said: str) -> str | None:
        name = NUMBER.sub("", PREFIX.sub("", said.strip()))
        tail = SERVER.sub("", name)
        # A tool of one server is not meant by the name of another's.
        served = self._tails if tail == name else self._plain
        for names, each in ((self._plain, name), (served, tail)):
            if found := names.get(plain(each)):
                return found[0] if len(found) == 1 else None
        others = {each for own in also_called(tail, TOOLS) for each in self._plain.get(own, ())}
        return others.pop() if len(others) == 1 else None

    def _known(self, tool: str) -> dict[str, Json]:
        if tool not in self._properties:
            schema = self._schemas[tool]
            self._properties[tool] = properties(schema, schema)
        return self._properties[tool]

    def _kinds(self, tool: str, argument: str) -> frozenset[Kind]:
        known = self._known(tool)
        return kinds(known[argument], self._schemas[tool]) if argument in known else KINDS


def _by(
    key: Callable[[str], str], names: Iterable[str], of: Callable[[str], str] = str
) -> Mapping[str, Sequence[str]]:
    """The names by the keys of what is left `of` them, without those that have no key."""
    found: dict[str, list[str]] = {}
    for name in names:
        if own := key(of(name)):
            found.setdefault(own, []).append(name)
    return found
