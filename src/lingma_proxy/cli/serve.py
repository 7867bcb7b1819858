"""`lingma-proxy serve`: open the port, and answer until told to stop."""

from functools import partial

import click

from lingma_proxy.cli.load import load, watched
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    "  lingma-proxy serve\n"
    "  lingma-proxy serve --port 9000 --model Qwen3-Coder\n"
    "  lingma-proxy serve --backend simulator     to try a client out\n"
    "  lingma-proxy serve --backend acp --acp-command qodercli\n"
    "  LINGMA_PROXY_API_KEY=… lingma-proxy serve --host 0.0.0.0\n"
    "\b\nCtrl-C lets the replies that are being said end first; twice stops at once.\n"
    "Every flag is also a key of the settings file, and a variable: see `settings`.\n"
    "Exit codes: 0 stopped when told to, 1 it cannot run, 2 wrong settings.",
)
@with_settings()
def command(*, config: str | None, **flags: str | None) -> None:
    """Serve OpenAI's and Anthropic's APIs on a port of this machine, from Lingma.

    It uses the login that Lingma (Qoder CN) keeps on this machine; else the Lingma or Qoder CN
    that is running on it; else an agent that is installed on it.  It says which, and why.
    Without any it starts all the same, and answers 401 with what to do.
    """
    read = partial(load, config, given(flags))
    resolved = read()
    tell_notices(resolved)

    # `--help` need not wait for a server's imports.
    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — see above
    from lingma_proxy.cli.serving import serving  # noqa: PLC0415 — see above

    run(serving(resolved, read, partial(watched, config)))
