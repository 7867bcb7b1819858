"""`lingma-proxy doctor`: what is wrong, and how to mend it."""

import click

from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings

PATIENCE = 20.0
"""Seconds for one check."""


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    "  lingma-proxy doctor\n"
    "  lingma-proxy doctor --json > findings.json   to send to somebody: no secrets\n"
    "\b\nExit codes: 0 no problem, 1 a problem, 2 the settings are wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@with_settings(shown=False)
def command(*, as_json: bool, config: str | None, **flags: str | None) -> None:
    """Look for what could be wrong, and say how to mend it.

    It looks at the settings, the port, who could answer and who does, the login and when it
    ends, the way to Lingma, the clock, the plugin, the agents, the models, and asks one short
    question.  It takes the flags of `serve` (see there).
    """
    resolved = load(config, given(flags))

    # `--help` need not wait for a gateway's imports.
    from lingma_proxy.cli.examining import examining  # noqa: PLC0415 — see above
    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — see above

    healthy = run(examining(resolved, patience=PATIENCE, as_json=as_json))
    if not healthy:
        raise click.exceptions.Exit(1)
