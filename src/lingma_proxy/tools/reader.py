"""What the readers of all formats share: the text, the tools, and where to say what was read."""

import re
from dataclasses import dataclass, field
from enum import Enum, auto

from lingma_proxy.tools.said import Toolbox
from lingma_proxy.tools.source import Reading, Shape, Source
from lingma_proxy.tools.teller import Teller

PLAIN = re.compile(r"""[^"\\<`]*""")
"""What matters to nobody in the rest of something broken."""


class Read(Enum):
    """What a reader has found where a call may stand."""

    CALL = auto()
    """One; it is said, and what was held of its text is of no more use."""
    NO_CALL = auto()
    """Something that has the form of one, to its end, but calls nothing that is declared."""
    TEXT = auto()
    """Something else."""


@dataclass(slots=True)
class Reader:
    tools: Toolbox
    teller: Teller
    source: Source = field(default_factory=Source)


def up_to(source: Source, ends: tuple[Shape, ...], *, in_string: bool) -> Reading[bool]:
    """Take what is left of something broken, up to where it must be over; False at the end.

    A mark in a string is no end, unless it follows a bracket: then the string is what is broken.
    """
    solid = ""
    while True:
        char = yield from source.peek()
        if not char:
            return False
        if (not in_string or solid in "}]") and (yield from source.shape(*ends)):
            return True
        end = source.at + 1
        match char:
            case '"':
                in_string = not in_string
            case "\\":
                source.take_one()
                yield from source.peek()
                end = source.at + 1
            case _:
                plain = PLAIN.match(source.text, end)
                assert plain is not None  # it matches nothing, too
                end = plain.end()
        solid = source.take(end).rstrip()[-1:] or solid
