"""`lingma-proxy replay`: a recorded request, sent again, and its answer beside the recorded one."""

import click

from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    "  lingma-proxy replay last\n"
    "  lingma-proxy replay 1a2b3c --model Qwen3-Coder\n"
    "  lingma-proxy replay last --dry-run      the command for curl instead\n"
    "\b\nExit codes: 0 answered, 1 not answered, 2 the settings or the flags are wrong.",
)
@click.argument("id", default="last")
@click.option("-m", "--model", metavar="MODEL", help="Another model than the client asked for.")
@click.option("--url", metavar="URL", help="The server to ask.  [the one of the settings]")
@click.option("--raw", is_flag=True, help="Show the answer as it comes over the wire.")
@click.option("--anyway", is_flag=True, help="Although something seems to be missing in it.")
@click.option("--dry-run", is_flag=True, help="Send nothing; show the command for curl.")
@with_settings(("host", "port", "api_key", "api_key_file", "data_dir"))
def command(
    *,
    id: str,
    model: str | None,
    url: str | None,
    raw: bool,
    dry_run: bool,
    anyway: bool,
    config: str | None,
    **flags: str | None,
) -> None:
    """Send a recorded request to the running server again, and show the answer as it comes.

    ID is the beginning of one in the list of `lingma-proxy requests`, or `last`.  Behind the
    answer stands how it compares with the one that is recorded.
    """
    resolved = load(config, given(flags))
    tell_notices(resolved)

    from lingma_proxy.cli.loop import run  # noqa: PLC0415 - `--help` need not wait for it
    from lingma_proxy.cli.replaying import replay  # noqa: PLC0415 - see above

    how = {"raw": raw, "dry_run": dry_run, "anyway": anyway}
    run(replay(resolved, id, model=model or "", url=url or "", **how))
