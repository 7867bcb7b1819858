"""`lingma-proxy simulate`: Lingma's remote side, or its plugin, on this machine."""

from collections.abc import Iterator
from pathlib import Path

import click

from lingma_proxy.errors import SettingsError

MARK = "made-up-login"
"""A file beside a login that the simulator wrote, so that it never replaces a real one."""
INFO = ".qodercn/vscode/sharedClientCache/.info.json"
"""Where the simulated plugin says how it is reached, below the home."""


@click.command(
    epilog="\b\nExamples:\n"
    "  lingma-proxy simulate --port 8096 --home /tmp/someone\n"
    "  LINGMA_CACHE_DIR=/tmp/someone LINGMA_REMOTE_BASE_URL=http://127.0.0.1:8096 \\\n"
    "    lingma-proxy serve\n"
    "  lingma-proxy simulate --plugin --home /tmp/someone\n"
    "  HOME=/tmp/someone lingma-proxy serve      it finds the plugin by itself\n"
    "\b\nExit codes: 0 stopped when told to, 1 the port or the folder cannot be had,\n"
    "2 the command line is wrong.",
)
@click.option(
    "--plugin",
    is_flag=True,
    help="Play the plugin (Qoder CN) instead: a WebSocket, where there are any a Unix socket, and "
    "the file that leads to both.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8096,
    metavar="N",
    show_default=True,
    help="The port on 127.0.0.1; 0 takes any that is free.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to write the made-up login, or what a plugin leaves in a home; it stays there. "
    "Otherwise it goes to a temporary folder, and goes when the simulator does.",
)
@click.option(
    "--pace",
    type=click.FloatRange(0, 60),
    default=0.04,
    metavar="SECONDS",
    show_default=True,
    help="Between two words; 0 says all at once.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Break every answer so; may be said more than once. `--list-faults` has the names.",
)
@click.option("--list-faults", is_flag=True, help="Show what can be broken, and how to ask for it.")
def command(
    *,
    plugin: bool,
    port: int,
    home: Path | None,
    pace: float,
    faults: tuple[str, ...],
    list_faults: bool,
) -> None:
    """Play Lingma's remote API on a port, with a made-up login; or play its plugin.

    Nothing leaves this machine, and answers are made up: the simulator checks signatures as
    Lingma does, and answers from a small script, without a model.  On standard output it
    prints the variables that lead Lingma Proxy to it.
    """
    if list_faults:
        for line in _faults():
            click.echo(line)
        return
    real = INFO if plugin else "cache/user"
    if home is not None and (home / real).exists() and not (home / MARK).exists():
        what = "a plugin's files" if plugin else "a login"
        raise SettingsError(
            f"{home} holds {what} that the simulator did not write, and it may be a real one:"
            " choose another folder."
        )
    # `--help` need not wait for a server's imports.
    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — see above
    from lingma_proxy.cli.simulating import simulating  # noqa: PLC0415 — see above

    run(simulating(port, home, pace, ",".join(faults), plugin=plugin))


def _faults() -> Iterator[str]:
    from lingma_proxy.simulator import agent_faults, faults, plugin_faults  # noqa: PLC0415 — seldom

    yield "For every answer: --fault NAME[=VALUE].  For one: a line of the question,"
    yield "`SIMULATE: NAME[=VALUE]`, or (not with --plugin) the header x-simulate of a request."
    yield "\nThe remote API:\n"
    yield faults.describe()
    yield "\nThe plugin (--plugin):\n"
    yield plugin_faults.TABLE.describe()
    yield "\nAn agent (python -m lingma_proxy.simulator.agent):\n"
    yield agent_faults.TABLE.describe()
