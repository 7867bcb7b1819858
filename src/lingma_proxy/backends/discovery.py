"""Look for a running plugin: the info files and sockets that it leaves, the pipes it opens.

What the settings name goes before everything, and instead of what would be found.  Nobody is
asked here whether it answers: the file of a program that has long ended looks like any other,
so candidates are tried in order (`backends/ipc.py`).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from stat import S_ISSOCK

from lingma_proxy.backends.disk import read
from lingma_proxy.backends.logins import here
from lingma_proxy.errors import SettingsError
from lingma_proxy.vendor.places import Machine
from lingma_proxy.vendor.plugin_places import (
    PIPES,
    Endpoint,
    endpoint_of_pipe,
    endpoint_of_setting,
    endpoint_of_socket,
    endpoint_of_url,
    endpoints_of_info,
    info_files,
    pipes,
    read_info,
    sockets,
)


def _pipe_names() -> Iterable[str]:
    """The names of all named pipes of a Windows machine."""
    try:
        return os.listdir(PIPES)  # noqa: PTH208 — pathlib takes the name of this folder for a share
    except OSError:
        return ()


class Discovery:
    """Where the plugin may be reached.

    `url`, `pipe` and `socket` are addresses, `info` is the path of an info file; with one of
    them, only that is looked at.  `transport` is auto, websocket or pipe (which is a socket
    where there are no named pipes).  Raises SettingsError for an address that is none.
    """

    def __init__(
        self,
        machine: Machine | None = None,
        *,
        transport: str = "auto",
        pipe: str = "",
        socket: str = "",
        url: str = "",
        info: str = "",
        pipe_names: Callable[[], Iterable[str]] = _pipe_names,
    ) -> None:
        self._machine = machine or here()
        self._transport = {"ws": "websocket"}.get(transport, transport)
        self._info = info
        self._pipe_names = pipe_names
        self._set = tuple(self._named(pipe, socket, url))

    @property
    def is_set(self) -> bool:
        """Whether the settings say where it is."""
        return bool(self._set or self._info)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The likeliest first.  Looks at the disk: use a thread."""
        found = self._set or tuple(self._found())
        wanted = [each for each in found if self._is_wanted(each)]
        return tuple({(each.kind, each.address): each for each in reversed(wanted)}.values())[::-1]

    def _named(self, pipe: str, socket: str, url: str) -> Iterator[Endpoint]:
        for name, text in (("websocket_url", url), ("pipe", pipe), ("ipc_socket", socket)):
            if not text:
                continue
            whence = f"the setting {name}"
            try:
                if name == "websocket_url":
                    yield endpoint_of_url(text, whence)
                else:
                    yield endpoint_of_setting(text, self._machine, whence)
            except ValueError as error:
                raise SettingsError(f"{name}: {error}.") from None

    def _found(self) -> Iterator[Endpoint]:
        files = (PurePath(self._info),) if self._info else info_files(self._machine)
        for path in files:
            try:
                info = read_info(read(path))
            except ValueError:
                continue
            yield from endpoints_of_info(info, path, self._machine)
        if self._info:
            return
        for path in sorted(sockets(self._machine), key=_age):
            if _is_socket(path):
                yield endpoint_of_socket(path, self._machine)
        if self._machine.system == "windows":
            for name in pipes(self._pipe_names()):
                yield endpoint_of_pipe(name)

    def _is_wanted(self, endpoint: Endpoint) -> bool:
        if endpoint in self._set or self._transport == "auto":
            return True
        return (endpoint.kind == "websocket") == (self._transport == "websocket")


def _age(path: PurePath) -> float:
    """Less for what was made later; those that are not there come last, in their order."""
    try:
        return -Path(path).stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def _is_socket(path: PurePath) -> bool:
    try:
        return S_ISSOCK(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False
