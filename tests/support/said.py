"""What a parser of tools says, put together so that it can be compared."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from lingma_proxy.jsonio import Json
from lingma_proxy.tools.parser import ToolParser
from lingma_proxy.tools.said import (
    CallArguments,
    CallBegan,
    CallBroken,
    CallEnded,
    Prose,
    Said,
    Toolbox,
)


class Declared:
    """A few tools, by their names alone; all arguments are text but those of `NO_TEXT`."""

    NAMES: tuple[str, ...] = (
        "Read",
        "Write",
        "Bash",
        "get_weather",
        "mcp__files__list",
        "TodoWrite",
    )
    NO_TEXT = ("limit", "todos", "deep", "days")

    def tool(self, said: str) -> str | None:
        said = said.removeprefix("functions.").split(":")[0]
        return said if said in self.NAMES else None

    def argument(self, tool: str, said: str) -> str:
        return "file_path" if tool == "Read" and said == "path" else said

    def is_text(self, tool: str, argument: str) -> bool:
        return argument not in self.NO_TEXT

    def as_json(self, tool: str, argument: str, text: str) -> str:
        try:
            json.loads(text)
        except ValueError:
            return json.dumps(text)
        return text.strip()


class Nothing(Declared):
    NAMES = ()


@dataclass(frozen=True)
class Called:
    """A call, as text or as a value."""

    name: str
    arguments: Json
    broken: bool = False


def heard(
    pieces: Iterable[str], tools: Toolbox | None = None, *, cut: bool = False, streams: bool = True
) -> list[str | Called]:
    """Prose and calls in order, these with their arguments as text."""
    parser = ToolParser(tools or Declared(), streams=streams)
    said = [one for piece in pieces for one in parser.feed(piece)]
    return put_together([*said, *parser.end(cut=cut)])


def put_together(said: Iterable[Said]) -> list[str | Called]:
    """Raises AssertionError for what may not follow each other."""
    together: list[str | Called] = []
    open_call: str | None = None
    arguments: list[str] = []
    for one in said:
        match one:
            case Prose(text):
                assert open_call is None
                assert text
                match together:
                    case [*_, str(before)]:
                        together[-1] = before + text
                    case _:
                        together.append(text)
            case CallBegan(name):
                assert open_call is None
                open_call = name
                arguments.clear()
            case CallArguments(text):
                assert open_call is not None
                assert text
                arguments.append(text)
            case CallEnded() | CallBroken():
                assert open_call is not None
                broken = isinstance(one, CallBroken)
                together.append(Called(open_call, "".join(arguments), broken))
                open_call = None
    assert open_call is None
    return together


def read(text: str, *, cut: bool = False) -> list[str | Called]:
    """The same, from one piece, and with the arguments as values."""
    return [
        one
        if isinstance(one, str) or one.broken
        else Called(one.name, json.loads(one.arguments, strict=True))
        for one in heard([text], cut=cut)
    ]
