"""The life of a simulator that stands on its own."""

import os
import shlex
from pathlib import Path
from tempfile import gettempdir

import click

from lingma_proxy.cli.loop import stops
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.simulate import INFO, MARK
from lingma_proxy.errors import SettingsError
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.remote import Simulator

LONGEST = 100
"""Bytes in the path of a socket: 108 on Linux, 104 on macOS, the last of them 0."""


async def simulating(
    port: int, home: Path | None, pace: float, always: str, *, plugin: bool
) -> None:
    """Simulate until somebody wants it to stop."""
    what = "plugin" if plugin else "remote API"
    with stops() as said:
        simulator = made(port, home, pace, always, plugin=plugin)
        try:
            await simulator.start()
        except OSError as error:
            raise SettingsError(
                f"The simulator cannot start on port {port} ({error.strerror or error}). Another port:"
                " --port; another folder: --home."
            ) from error
        try:
            if home is not None:
                (simulator.home / MARK).touch(mode=0o600)
            click.echo(leading_to(simulator))
            tell(
                f"The simulator of Lingma's {what} is listening; nothing leaves this machine. Put"
                " the line above before `lingma-proxy serve`. Ctrl-C stops the simulator."
            )
            await said.once.wait()
        finally:
            await simulator.close()


def made(
    port: int, home: Path | None, pace: float, always: str, *, plugin: bool
) -> Simulator | Plugin:
    """Not started yet.  Raises SettingsError for a fault that it has not."""
    try:
        if not plugin:
            return Simulator(port=port, home=home, pace=pace, always=always)
        return Plugin(
            ("websocket", "unix") if sockets_fit(home) else ("websocket",),
            port=port,
            home=home and home.absolute(),
            pace=pace,
            always=always,
        )
    except Refusal as refusal:
        raise SettingsError(f"--fault: {refusal.message}.") from None


def sockets_fit(home: Path | None) -> bool:
    """Whether a Unix socket can lie below the home: there are none on Windows, nor deep down."""
    folder = Path(gettempdir(), "lingma-ipc-12345678") if home is None else home.absolute()
    return os.name == "posix" and len(os.fsencode(folder / INFO)) < LONGEST


def leading_to(simulator: Simulator | Plugin) -> str:
    """The variables that lead Lingma Proxy to it."""
    if isinstance(simulator, Plugin):
        return f"LINGMA_SHARED_CLIENT_INFO={shlex.quote(str(simulator.home / INFO))}"
    folder = shlex.quote(str(simulator.home))
    return f"LINGMA_CACHE_DIR={folder} LINGMA_REMOTE_BASE_URL={simulator.url}"
