"""What a model says in text, once it is read; and what the reader must know of the tools.

    Prose*  ( CallBegan CallArguments* ( CallEnded | CallBroken )  Prose* )*

Arguments come as fragments of one JSON text, an object, as they are written.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Prose:
    """Text that is no call, unchanged and in its place.  Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegan:
    name: str
    """The tool as the client declared it, which need not be how the model spells it."""


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The next fragment of the JSON text.  Never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is complete: all fragments together are a JSON object."""


@dataclass(frozen=True, slots=True)
class CallBroken:
    """The call that began will not be completed: it was cut, or nobody can tell what is meant."""

    why: str
    """A sentence."""


Said: TypeAlias = Prose | CallBegan | CallArguments | CallEnded | CallBroken


class Toolbox(Protocol):
    """What the parser needs to know of the declared tools."""

    def tool(self, said: str) -> str | None:
        """The declared tool that this name can only mean; None: none, so the text is no call."""

    def argument(self, tool: str, said: str) -> str:
        """The parameter that is meant: `said` itself unless the schema proves another."""

    def is_text(self, tool: str, argument: str) -> bool:
        """Whether the argument's value is a string for certain, so that it can stream (XML)."""

    def as_json(self, tool: str, argument: str, text: str) -> str:
        """The JSON text of a value that came as bare text (XML), by the schema.

        `5` is a number only where the schema leaves no doubt; else it is a string.
        """
