"""A table of faults, and how a text chooses from it.

A fault has a name and sometimes a value: `crlf`, `stall=3`, `cut=100`.  Several are
separated by commas.  A name that is not in the table is answered with the table's names.
Each thing that is simulated has a table of its own (`faults`, `plugin_faults`,
`agent_faults`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from lingma_proxy.simulator.refusal import Refusal, bad_request

LINE = re.compile(r"^[ \t]*SIMULATE:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
MOST = 16 * 1024 * 1024
"""No number is taken that is larger."""


@dataclass(frozen=True, slots=True)
class Fault:
    says: str
    takes: Literal["", "seconds", "number", "word"] = ""
    default: str | None = None
    """Its value when none is given; None means for ever, or at once."""
    words: tuple[str, ...] = ()


class Faults:
    """Those that were chosen for one answer.  `names` are all that could have been."""

    def __init__(
        self,
        names: Collection[str],
        chosen: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        self._names = names
        self._chosen = dict(chosen)

    def __contains__(self, name: str) -> bool:
        assert name in self._names, f"there is no fault {name}"
        return name in self._chosen

    def __or__(self, other: "Faults") -> "Faults":
        """Both; of two values for one name the other's."""
        return Faults(self._names, self._chosen | other._chosen)

    def __bool__(self) -> bool:
        return bool(self._chosen)

    def __iter__(self) -> Iterator[str]:
        return iter(self._chosen)

    def __repr__(self) -> str:
        pieces = (
            name if value is None else f"{name}={value}" for name, value in self._chosen.items()
        )
        return f"Faults({', '.join(pieces)})"

    def only(self, names: Collection[str]) -> "Faults":
        """Those of them that are among the names."""
        kept = {name: value for name, value in self._chosen.items() if name in names}
        return Faults(self._names, kept)

    def word(self, name: str) -> str | None:
        return self._chosen.get(name)

    def number(self, name: str) -> int | None:
        value = self._chosen.get(name)
        return None if value is None else int(value)

    def seconds(self, name: str) -> float | None:
        """None: for ever."""
        value = self._chosen.get(name)
        return None if value is None else float(value)


class Table:
    """All the faults that one simulated thing has."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        self.faults = MappingProxyType(dict(faults))
        self.none = Faults(self.faults)

    def parse(self, text: str) -> Faults:
        """The faults in `name[=value], …`.  Raises a Refusal (400) that lists the names."""
        return self.parse_all(text.split(","))

    def parse_all(self, pieces: Iterable[str]) -> Faults:
        chosen: dict[str, str | None] = {}
        for piece in pieces:
            name, equals, value = piece.strip().partition("=")
            if not name and not equals:
                continue
            fault = self.faults.get(name)
            if fault is None:
                raise self._unknown(name)
            chosen[name] = _checked(name, fault, value.strip() if equals else None)
        return Faults(self.faults, chosen)

    def in_text(self, text: str) -> Faults:
        """The faults that the `SIMULATE:` lines of a text ask for."""
        return self.parse_all(piece for line in LINE.findall(text) for piece in line.split(","))

    def describe(self) -> str:
        """The table, for people."""
        rows = {
            f"{name}[={fault.takes}]" if fault.takes else name: fault
            for name, fault in self.faults.items()
        }
        width = max(map(len, rows))
        return "\n".join(
            f"{name:<{width}}  {fault.says}"
            + (f" ({', '.join(fault.words)})" if fault.words else "")
            for name, fault in rows.items()
        )

    def _unknown(self, name: str) -> Refusal:
        return bad_request(
            f"the simulator has no fault {name[:40]!r}. It has: {', '.join(self.faults)}"
        )


def _checked(name: str, fault: Fault, value: str | None) -> str | None:
    if value is None:
        return fault.default
    match fault.takes:
        case "":
            raise bad_request(f"the fault {name} takes no value")
        case "word":
            if value not in fault.words:
                raise bad_request(f"the fault {name} takes one of {', '.join(fault.words)}")
        case "number":
            if not (value.isascii() and value.isdigit() and int(value) <= MOST):
                raise bad_request(f"the fault {name} takes a number up to {MOST}")
        case "seconds":
            if not re.fullmatch(r"\d{1,5}(\.\d{1,6})?", value, re.ASCII):
                raise bad_request(f"the fault {name} takes a number of seconds")
    return value
