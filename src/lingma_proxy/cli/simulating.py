"""The life of a simulator that stands on its own."""

import shlex
from pathlib import Path

import click

from lingma_proxy.cli.loop import stops
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.simulate import MARK
from lingma_proxy.errors import SettingsError
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.remote import Simulator


async def simulating(port: int, home: Path | None, pace: float, always: str) -> None:
    """Simulate until somebody wants it to stop."""
    try:
        simulator = Simulator(port=port, home=home, pace=pace, always=always)
    except Refusal as refusal:
        raise SettingsError(f"--fault: {refusal.message}.") from None
    with stops() as said:
        try:
            await simulator.start()
        except OSError as error:
            raise SettingsError(
                f"The simulator cannot start on port {port} ({error.strerror}). Another port:"
                " --port; another folder: --home."
            ) from error
        try:
            if home is not None:
                (simulator.home / MARK).touch(mode=0o600)
            folder = shlex.quote(str(simulator.home))
            click.echo(f"LINGMA_CACHE_DIR={folder} LINGMA_REMOTE_BASE_URL={simulator.url}")
            tell(
                "The simulator of Lingma is listening; nothing leaves this machine. Put the line"
                " above before `lingma-proxy serve`. Ctrl-C stops the simulator."
            )
            await said.once.wait()
        finally:
            await simulator.close()
