"""`lingma-proxy models`: the models that this account may use."""

from collections.abc import Mapping

import click

from lingma_proxy.cli.columns import columns
from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices
from lingma_proxy.errors import BackendError
from lingma_proxy.settings import Resolved


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    "  lingma-proxy models\n"
    "  lingma-proxy models --json\n"
    "\b\nExit codes: 0 listed, 1 no list, 2 the settings or the flags are wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="As GET /v1/models answers.")
@with_settings(
    (
        "host",
        "port",
        "api_key",
        "api_key_file",
        "backend",
        "remote_base_url",
        "login",
        "remote_auth_file",
        "cache_dir",
        "remote_proxy_url",
        "transport",
        "pipe",
        "ipc_socket",
        "websocket_url",
        "shared_client_info",
        "acp_command",
        "cwd",
        "claude_names",
    )
)
def command(*, as_json: bool, config: str | None, **flags: str | None) -> None:
    """List the models that clients can ask for.

    A gateway that is running is asked (host, port and key are meant to be its own); if there
    is none, Lingma is.  The first column is what a client sends as `model`.
    """
    resolved = load(config, given(flags))
    tell_notices(resolved)

    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — `--help` need not wait for it

    text = run(_fetch(resolved))
    if as_json:
        click.echo(text)
        return
    from lingma_proxy.jsonio import an_object, loads, objects  # noqa: PLC0415 — see above

    rows = [row(model) for model in objects(an_object(loads(text)).get("data"))]
    if not rows:
        raise BackendError(
            "There are no models to choose from: the account has none, or the agent lists none and"
            " answers with its own."
        )
    for line in columns(rows, header=("MODEL", "NAME", "CONTEXT", "OUTPUT")):
        click.echo(line)


def row(model: Mapping[str, object]) -> tuple[str, str, str, str]:
    """What GET /v1/models says of a model; a dash for what nobody knows."""
    return (
        str(model.get("id", "-")),
        str(model.get("name", "-")),
        _tokens(model.get("context_window")),
        _tokens(model.get("max_output_tokens")),
    )


def _tokens(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "-"


async def _fetch(resolved: Resolved) -> str:
    from lingma_proxy.cli.reach import reach  # noqa: PLC0415 — aiohttp: see above

    async with reach(resolved) as reached, reached.asking("GET", "/v1/models") as answer:
        return await answer.text()
