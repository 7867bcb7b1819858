"""What is known about one setting: its kind, its help, and the names under which it is set."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from lingma_proxy.settings.kinds import Kind, Secret

T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """All that is known about a setting, its value apart."""

    name: str
    kind: Kind[Any]
    default: Any
    help: str
    """One sentence."""
    group: str
    variable: str | None
    flag: str | None
    in_file: bool = True
    live: bool = True
    """Whether a change in the file applies while the program runs."""


def setting(
    default: T,
    kind: Kind[T],
    text: str,
    *,
    group: str,
    variable: str = "",
    flag: str = "",
    live: bool = True,
) -> T:
    """A field of `Settings`; `variable` and `flag` where they do not follow from its name."""
    about = {
        "kind": kind,
        "help": text,
        "group": group,
        "variable": variable,
        "flag": flag,
        "live": live,
    }
    # A dataclass refuses a mapping as a default; a factory of the same one is as good, for
    # it is read-only.
    secret = isinstance(kind, Secret)
    return field(default_factory=lambda: default, repr=not secret, metadata=about)
