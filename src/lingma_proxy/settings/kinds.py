"""What a setting's value may be: each kind reads JSON and text, and says what it allows.

    of_json(value)   from the settings file
    of_text(text)    from an environment variable or a flag
    show(value)      for people, without secrets

Both readers raise ValueError whose message goes on after "port is 99999;": a clause
such as "it must be a whole number from 0 to 65535".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


class Kind(Protocol[T]):
    @property
    def allowed(self) -> str:
        """What it allows, as it goes on after "must be"."""
        ...

    def of_json(self, value: Any) -> T: ...
    def of_text(self, text: str) -> T: ...
    def show(self, value: T) -> str: ...


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    low: int
    high: int
    unit: str = ""

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high}{_of(self.unit)}"

    def of_json(self, value: Any) -> int:
        match value:
            case bool():
                raise _unfit(self)
            case int() if self.low <= value <= self.high:
                return value
            case _:
                raise _unfit(self)

    def of_text(self, text: str) -> int:
        # More digits than any limit has: int() itself would object to some thousand.
        if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 20:
            raise _unfit(self)
        return self.of_json(int(text))

    def show(self, value: int) -> str:
        return f"{value} {self.unit}".rstrip()


@dataclass(frozen=True)
class Number:
    """A number that may have a fraction: seconds, mostly."""

    low: float
    high: float
    unit: str = "s"
    zero: str = ""
    """What 0 means, where it means something of its own."""

    @property
    def allowed(self) -> str:
        zero = f" (0 means {self.zero})" if self.zero else ""
        return f"a number from {self.low:g} to {self.high:g}{_of(self.unit)}{zero}"

    def of_json(self, value: Any) -> float:
        match value:
            case bool():
                raise _unfit(self)
            case int() | float() if self.low <= value <= self.high:
                return float(value)
            case _:
                raise _unfit(self)

    def of_text(self, text: str) -> float:
        try:
            return self.of_json(float(text))
        except ValueError:
            raise _unfit(self) from None

    def show(self, value: float) -> str:
        if self.zero and value == 0:
            return f"0 ({self.zero})"
        return f"{value:g} {self.unit}".rstrip()


class Switch:
    """On or off."""

    allowed = "true or false"

    def of_json(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise _unfit(self)
        return value

    def of_text(self, text: str) -> bool:
        match text.strip().lower():
            case "1" | "true" | "yes" | "on":
                return True
            case "0" | "false" | "no" | "off":
                return False
            case _:
                raise _unfit(self)

    def show(self, value: bool) -> str:  # noqa: FBT001 — the value of a switch is a bool
        return "true" if value else "false"


@dataclass(frozen=True)
class Word:
    """One of a few words."""

    words: tuple[str, ...]
    later: tuple[str, ...] = ()
    """Words that mean something, but not in this version."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Other spellings of the words."""

    @property
    def allowed(self) -> str:
        return " or ".join([", ".join(self.words[:-1]), self.words[-1]])

    def of_json(self, value: Any) -> str:
        if isinstance(value, str):
            word = value.strip().lower()
            word = self.also.get(word, word)
            if word in self.words:
                return word
            if word in self.later:
                raise ValueError(f"this version has not got that yet: choose {self.allowed}")
        raise _unfit(self)

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class WordOrPath:
    """One of a few words, the first where nothing is said, or a path.

    `./newest` is the path of what has the name of a word.
    """

    words: tuple[str, ...]
    what: str = "a path"

    @property
    def allowed(self) -> str:
        return f"{', '.join(self.words)}, or {self.what}"

    def of_json(self, value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable():
            raise _unfit(self)
        word = value.strip().lower() or self.words[0]
        return word if word in self.words else value.strip()

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Text:
    """Any text on one line; empty where nothing is said."""

    what: str = "text on one line"
    needed: bool = False

    @property
    def allowed(self) -> str:
        return self.what

    def of_json(self, value: Any) -> str:
        if not isinstance(value, str) or not (value.isprintable() or value == ""):
            raise _unfit(self)
        if self.needed and not value.strip():
            raise _unfit(self)
        return value.strip()

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        return value


class CommandOrAddress(Text):
    """What starts a program, or an http(s) address."""

    def show(self, value: str) -> str:
        """Without what an address may carry: a name and password, and a key behind the `?`."""
        address = value.lower().startswith(("http://", "https://"))
        return Url().show(value) if address else value


class Secret:
    """A key that clients send in a header; never shown."""

    allowed = "visible ASCII characters without blanks"

    def of_json(self, value: Any) -> str:
        if not isinstance(value, str) or not all("!" <= letter <= "~" for letter in value):
            raise _unfit(self)
        return value

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        return "(set, not shown)" if value else ""


class Host:
    """A name or address to listen on."""

    allowed = "a host name or an IP address, without scheme and port"

    def of_json(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _unfit(self)
        host = value.strip().removeprefix("[").removesuffix("]")
        if not host or not host.isprintable() or set(host) & set(" /@,"):
            raise _unfit(self)
        if ":" in host and not _is_address(host):
            raise _unfit(self)
        return host

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Url:
    """An address; empty where nothing is said."""

    scheme: str = "http"
    """Of the one without TLS; the other has an s more."""

    @property
    def allowed(self) -> str:
        return f"a URL such as {self.scheme}s://host or {self.scheme}://host:port"

    def of_json(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _unfit(self)
        text = value.strip().rstrip("/")
        if not text:
            return ""
        try:
            url = urlsplit(text)
            # Asking for the port is what checks it.
            spoken = url.scheme in {self.scheme, self.scheme + "s"}
            fit = spoken and bool(url.hostname) and url.port != 0
        except ValueError:
            fit = False
        if not fit or not text.isprintable() or " " in text:
            raise _unfit(self)
        return text

    def of_text(self, text: str) -> str:
        return self.of_json(text)

    def show(self, value: str) -> str:
        """The address without the name, password and query that it may carry."""
        address, asked, _ = value.partition("?")
        scheme, found, rest = address.rpartition("://")
        authority, slash, path = rest.partition("/")
        host = authority.rpartition("@")[2]
        return f"{scheme}{found}{host}{slash}{path}{asked and '?…'}"


class Words:
    """A list of words; separated by commas where it is text."""

    allowed = "a list of words (in a variable or a flag: separated by commas)"

    def of_json(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise _unfit(self)
        return tuple(word.strip() for word in value if word.strip())

    def of_text(self, text: str) -> tuple[str, ...]:
        return self.of_json(text.split(","))

    def show(self, value: tuple[str, ...]) -> str:
        return ", ".join(value)


class Pairs:
    """Names, each with what it leads to; `name=key,name=key` where it is text."""

    allowed = "an object of names to keys (in a variable or a flag: name=key,name=key)"

    def of_json(self, value: Any) -> Mapping[str, str]:
        if not isinstance(value, dict):
            raise _unfit(self)
        pairs = {}
        for name, key in value.items():
            if not name.strip() or not isinstance(key, str):
                raise _unfit(self)
            pairs[name.strip()] = key.strip()
        return MappingProxyType(pairs)

    def of_text(self, text: str) -> Mapping[str, str]:
        pairs = {}
        for pair in filter(str.strip, text.split(",")):
            name, equals, key = pair.partition("=")
            if not equals:
                raise _unfit(self)
            pairs[name] = key
        return self.of_json(pairs)

    def show(self, value: Mapping[str, str]) -> str:
        return ", ".join(f"{name}={key}" for name, key in value.items())


@dataclass(frozen=True)
class Counts:
    """Names, each with a whole number; `name=2,name=4` where it is text."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        numbers = f"whole numbers from {self.low} to {self.high}"
        return f"an object of names to {numbers} (in a variable or a flag: name=2,name=4)"

    def of_json(self, value: Any) -> Mapping[str, int]:
        if not isinstance(value, dict) or not all(map(str.strip, value)):
            raise _unfit(self)
        try:
            whole = Whole(self.low, self.high)
            return MappingProxyType({name.strip(): whole.of_json(n) for name, n in value.items()})
        except ValueError:
            raise _unfit(self) from None

    def of_text(self, text: str) -> Mapping[str, int]:
        try:
            whole = Whole(self.low, self.high)
            pairs = Pairs().of_text(text)
            return self.of_json({name: whole.of_text(number) for name, number in pairs.items()})
        except ValueError:
            raise _unfit(self) from None

    def show(self, value: Mapping[str, int]) -> str:
        return ", ".join(f"{name}={number}" for name, number in value.items())


def _of(unit: str) -> str:
    return {"": "", "s": " seconds"}.get(unit, f" {unit}")


def _unfit(kind: Kind[Any]) -> ValueError:
    return ValueError(f"it must be {kind.allowed}")


def _is_address(host: str) -> bool:
    import ipaddress  # noqa: PLC0415 — few hosts hold a colon, and `--help` waits for imports

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
