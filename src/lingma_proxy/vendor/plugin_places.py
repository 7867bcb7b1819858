r"""Where a running plugin may be reached, without looking.

    info_files      `.info.json` or `.info`, which the plugin writes when it is ready
    sockets         Unix sockets in the same folders
    pipes           of the names in `\\.\pipe\`, those that are the plugin's

An info file is JSON, or, from older builds, one item a line:

    {"websocketPort": 36510, "pid": 14060, "ipcServerPath": "\\\\.\\pipe\\lingma-bf0f32", …}
    36510 ⏎ 14060 ⏎ \\.\pipe\lingma-bf0f32        the last two need not be there

It may be stale: nothing here says that anybody listens.  Qoder CN comes before Lingma
everywhere.  An address out of a file never leads to another machine.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from lingma_proxy.jsonio import Json, an_object, loads
from lingma_proxy.vendor.places import (
    FAMILIES,
    SHARED,
    WINDOWS_ROOTS,
    Machine,
    app_support,
    distinct,
    folders,
    shown,
)

Product: TypeAlias = Literal["Qoder CN", "Lingma"]
Kind: TypeAlias = Literal["websocket", "socket", "pipe"]

INFO_NAMES = (".info.json", ".info")
CACHES = (SHARED, "sharedClientCache")
STEMS = ("qodercn", "lingma")
"""How the sockets and pipes of each product are named, in the order of FAMILIES."""
PIPES = "\\\\.\\pipe\\"
PIPE_SPELLINGS = (PIPES, "\\\\?\\pipe\\")


@dataclass(frozen=True, slots=True)
class SharedInfo:
    """What an info file says.  `port` is 0 and `pipe` is "" where it does not say; one is set."""

    port: int
    pid: int | None
    pipe: str
    """A named pipe on Windows, a socket's path elsewhere."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    kind: Kind
    address: str
    """A URL, a socket's path, or a pipe's whole name; not fit to be shown."""
    product: Product
    whence: str
    """Who names it, fit to be shown: a file below `~`, a setting."""


# Where to look.


def info_files(machine: Machine) -> tuple[PurePath, ...]:
    found = [folder / name for _, folder in _places(machine) for name in INFO_NAMES]
    return distinct(machine, found)


def sockets(machine: Machine) -> tuple[PurePath, ...]:
    """Where Unix sockets of the plugin may lie; none on Windows."""
    if machine.system == "windows":
        return ()
    return distinct(machine, [folder / f"{stem}.sock" for stem, folder in _places(machine)])


def pipes(names: Iterable[str]) -> tuple[str, ...]:
    r"""The plugin's pipes among the names in `\\.\pipe\`, the last in sort order first.

    The names change with each start.
    """
    ordered = sorted(set(names), reverse=True)
    return tuple(
        PIPES + name for stem in STEMS for name in ordered if name.lower().startswith(f"{stem}-")
    )


def _places(machine: Machine) -> Iterator[tuple[str, PurePath]]:
    """(name of its sockets, folder) of all folders, the likelier first."""
    roots = _roots(machine)
    for stem, (dotted, names) in zip(STEMS, FAMILIES, strict=True):
        for root in roots:
            for name in names:
                yield from ((stem, root / name / end) for end in (*CACHES, ""))
        for base in (machine.home / name for name in dotted):
            for folder in (base / "vscode", base):
                for end in (*CACHES, *(f"{name}/{cache}" for name in names for cache in CACHES)):
                    yield stem, folder / end
                yield stem, folder
            yield stem, base / "shared_client"
    for root in roots:
        yield from ((STEMS[-1], root / cache) for cache in CACHES)


def _roots(machine: Machine) -> list[PurePath]:
    """Folders where this system's applications keep what is theirs."""
    match machine.system:
        case "windows":
            return folders(machine, WINDOWS_ROOTS)
        case "darwin":
            return [app_support(machine)]
        case "linux":
            return [*folders(machine, ("XDG_CONFIG_HOME",)), machine.home / ".config"]


# What is found there.


def read_info(text: str) -> SharedInfo:
    """The content of an info file.  Raises ValueError with a sentence."""
    text = text.removeprefix("\ufeff").strip()
    if text.startswith("{"):
        found = an_object(loads(text))
        port, pid, pipe = (found.get(key) for key in ("websocketPort", "pid", "ipcServerPath"))
    else:
        port, pid, pipe, *_ = *(line.strip() for line in text.splitlines()), None, None, None
    info = SharedInfo(_number(port, 65535), _number(pid, 2**32) or None, _plain(pipe))
    if not info.port and not info.pipe:
        raise ValueError("the info file names neither a port nor a pipe")
    return info


def endpoints_of_info(info: SharedInfo, path: PurePath, machine: Machine) -> tuple[Endpoint, ...]:
    """The ways to the plugin that wrote this file: on Windows its pipe first, else WebSocket."""
    whence = shown(machine, path)
    pipe = type(machine.home)(info.pipe)
    product = product_of(*(_below_home(machine, each) for each in (pipe, path)))
    found: list[Endpoint] = []
    if info.port:
        url = f"ws://127.0.0.1:{info.port}/"
        found.append(Endpoint("websocket", url, product, whence))
    if machine.system == "windows":
        with suppress(ValueError):  # it is no pipe, or none of this machine
            found.insert(0, Endpoint("pipe", pipe_name(info.pipe), product, whence))
    elif info.pipe.startswith("/"):
        found.append(Endpoint("socket", info.pipe, product, whence))
    return tuple(found)


def endpoint_of_socket(path: PurePath, machine: Machine) -> Endpoint:
    product = product_of(_below_home(machine, path))
    return Endpoint("socket", str(path), product, shown(machine, path))


def endpoint_of_pipe(pipe: str, whence: str = "the list of pipes") -> Endpoint:
    r"""Of a name that `pipes` found, or one that the user gave.  Raises ValueError."""
    return Endpoint("pipe", name := pipe_name(pipe), product_of(name), whence)


def endpoint_of_url(text: str, whence: str) -> Endpoint:
    """Of a URL that the user gave.  Raises ValueError."""
    return Endpoint("websocket", url := websocket_url(text), product_of(url), whence)


def endpoint_of_setting(text: str, machine: Machine, whence: str) -> Endpoint:
    """Of a pipe or a socket that the user gave, whichever this system has.  Raises ValueError."""
    if machine.system == "windows":
        return endpoint_of_pipe(text, whence)
    text = _plain(text)
    if text.startswith("~/"):
        text = str(machine.home / text[2:])
    if not text or text.startswith("\\\\"):
        raise ValueError("this system has no named pipes: give the path of a socket")
    return Endpoint("socket", text, product_of(text), whence)


def product_of(*texts: str) -> Product:
    """Whose runtime it is, by the addresses and paths that lead to it."""
    return "Qoder CN" if any("qoder" in text.lower() for text in texts) else "Lingma"


def websocket_url(text: str) -> str:
    """A ws or wss URL with a host and a path.  Raises ValueError with a sentence."""
    text = _plain(text)
    parts = urlsplit(text)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise ValueError("a WebSocket URL begins with ws:// or wss:// and a host")
    if parts.username is not None or parts.fragment:
        raise ValueError("a WebSocket URL holds neither a user nor a fragment")
    _ = parts.port  # raises ValueError when it is none
    return parts._replace(path=parts.path or "/").geturl()


def pipe_name(text: str) -> str:
    r"""The whole name of a Windows pipe, given whole or without `\\.\pipe\`.

    Raises ValueError with a sentence; also for a pipe of another machine, to which Windows
    would hand the user's credentials.
    """
    text = _plain(text)
    name = text.replace("/", "\\") if text.startswith("//") else text
    for start in PIPE_SPELLINGS:
        if name.lower().startswith(start):
            return PIPES + _no_path(name[len(start) :])
    return PIPES + _no_path(name)


def _no_path(name: str) -> str:
    if not name or name.startswith("\\") or name[1:2] == ":":
        raise ValueError("a pipe is given as lingma-bf0f32 or as \\\\.\\pipe\\lingma-bf0f32")
    return name


def _below_home(machine: Machine, path: PurePath) -> str:
    """The path without the home: the user may be called anything."""
    return str(path.relative_to(machine.home) if path.is_relative_to(machine.home) else path)


def _number(value: Json, most: int) -> int:
    """A number or its digits; 0 for none."""
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 12:
        value = int(value)
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("the info file holds something else where a number belongs")
    return value


def _plain(value: Json) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text.isprintable():
        raise ValueError("an address holds no control characters")
    return text
