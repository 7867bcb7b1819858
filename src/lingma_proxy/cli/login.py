"""`lingma-proxy login …`: show the login, check it, take it to another machine."""

import click

from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices
from lingma_proxy.settings import Resolved

WHICH = ("login", "remote_auth_file", "cache_dir")
WHERE = ("backend", "remote_base_url", "remote_proxy_url")


@click.group(
    epilog="\b\nExamples:\n"
    "  lingma-proxy login show\n"
    "  lingma-proxy login export lingma-login.json    where the IDE is\n"
    "  lingma-proxy login import lingma-login.json    on a server without one\n"
    "\b\nExit codes: 0 done, 1 it failed, 2 the settings or the flags are wrong.",
)
def command() -> None:
    """Show the login in use, check it, or take it elsewhere.

    Lingma Proxy has no login of its own: it uses the one of Lingma or Qoder CN.
    """


def _resolved(config: str | None, flags: dict[str, str | None]) -> Resolved:
    resolved = load(config, given(flags))
    tell_notices(resolved)
    return resolved


@command.command(
    cls=SettingsCommand,
    short_help="Which login is used and why, and which others there are.",
    epilog="\b\nExit codes: 0 there is a login, 1 there is none, 2 wrong settings.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object: no secrets.")
@with_settings(WHICH)
def show(*, as_json: bool, config: str | None, **flags: str | None) -> None:
    """Show which login is used and why, when it ends, and which others there are.

    Of what signs only the first and the last four characters are shown.
    """
    resolved = _resolved(config, flags)

    # `--help` need not wait for a gateway's imports.
    from lingma_proxy.cli.logins import showing  # noqa: PLC0415 — see above

    if not showing(resolved.settings, as_json=as_json):
        raise click.exceptions.Exit(1)


@command.command(
    cls=SettingsCommand,
    short_help="Ask Lingma whether it takes the login.",
    epilog="\b\nExit codes: 0 it takes it, 1 it does not or cannot be asked, 2 wrong settings.",
)
@with_settings((*WHICH, *WHERE))
def check(*, config: str | None, **flags: str | None) -> None:
    """Ask Lingma for its models with the login, and say whether it takes it."""
    resolved = _resolved(config, flags)

    from lingma_proxy.cli.logins import checking  # noqa: PLC0415 — see above
    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — see above

    run(checking(resolved.settings))


@command.command(
    cls=SettingsCommand,
    short_help="Write the login to a file, for another machine.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy login export lingma-login.json\n"
    "  lingma-proxy login export - | ssh server lingma-proxy login import -\n"
    "\b\nExit codes: 0 written, 1 no login or no file, 2 wrong settings.",
)
@click.argument("file")
@click.option("--force", is_flag=True, help="Replace a file; write a secret to the screen.")
@with_settings((*WHICH, "remote_base_url"))
def export(*, file: str, force: bool, config: str | None, **flags: str | None) -> None:
    """Write the login to FILE, which only you can read; `-` is standard output.

    Whoever has that file can use your account.  Lingma Proxy 1.6 reads it, too.
    """
    resolved = _resolved(config, flags)

    from lingma_proxy.cli.logins import exporting  # noqa: PLC0415 — see above

    exporting(resolved.settings, file, force=force)


@command.command(
    "import",
    cls=SettingsCommand,
    short_help="Use the login of such a file on this machine.",
    epilog="\b\nExit codes: 0 imported, 1 it cannot be, 2 wrong settings.",
)
@click.argument("file")
@click.option("--force", is_flag=True, help="Also a login that has ended.")
@with_settings(WHICH)
def import_(*, file: str, force: bool, config: str | None, **flags: str | None) -> None:
    """Take the login of a credential FILE, and use it on this machine; `-` is standard input.

    It is kept beside the settings file, goes before the logins of the IDE until it ends, and
    replaces the one that was imported before.  A server that is running takes it at once.
    """
    resolved = _resolved(config, flags)

    from lingma_proxy.cli.logins import importing  # noqa: PLC0415 — see above

    importing(resolved.settings, file, force=force)


@command.command(cls=SettingsCommand, short_help="Remove the login that was imported.")
@with_settings(WHICH)
def forget(*, config: str | None, **flags: str | None) -> None:
    """Remove the login that was imported.  Those of the IDE are not touched."""
    resolved = _resolved(config, flags)

    from lingma_proxy.cli.logins import forgetting  # noqa: PLC0415 — see above

    forgetting(resolved.settings)
