"""What is recorded, in forms that other programs read.  Adding one is adding a line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lingma_proxy.recording.exports import curl, har, jsonl
from lingma_proxy.recording.kept import KeptExchange


@dataclass(frozen=True, slots=True)
class Format:
    """How a file of it is written: piece by piece, so that its length does not matter."""

    one: Callable[[KeptExchange, str], str]
    """(an exchange, our URL as clients have it) → its piece."""
    head: str = ""
    between: str = ""
    tail: str = ""
    suffix: str = ""
    """Of a file's name, by which it is chosen when nobody says."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "jsonl": Format(lambda exchange, _: jsonl.line(exchange), suffix=".jsonl"),
        "har": Format(har.entries, har.HEAD, ",\n", har.TAIL, suffix=".har"),
        "curl": Format(curl.script, "#!/bin/sh\n", "\n", suffix=".sh"),
    }
)
