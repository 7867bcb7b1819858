"""`lingma-proxy settings`: every setting, its value, and where it comes from."""

from collections.abc import Mapping

import click

from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices
from lingma_proxy.settings import TABLE, Resolved, Setting


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    "  lingma-proxy settings\n"
    "  LINGMA_PROXY_PORT=9000 lingma-proxy settings --json\n"
    "\b\nExit codes: 0 shown, 2 the settings or the flags are wrong.",
)
@with_settings(shown=False)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--markdown", is_flag=True, help="What each setting means, as in docs/settings.md.")
def command(*, config: str | None, as_json: bool, markdown: bool, **flags: str | None) -> None:
    """Show every setting, its value, and where it comes from.

    It takes the flags of `serve` (see there), and shows what they would change.
    """
    if markdown:
        from lingma_proxy.settings.document import markdown as document  # noqa: PLC0415 — seldom

        click.echo(document(), nl=False)
        return
    resolved = load(config, given(flags))
    if as_json:
        from lingma_proxy.jsonio import dumps  # noqa: PLC0415 — `--help` need not wait for it

        click.echo(dumps(as_object(resolved)))
        return
    for line in lines(resolved):
        click.echo(line)
    tell_notices(resolved)


def as_object(resolved: Resolved) -> dict[str, object]:
    values = {}
    for setting in TABLE:
        origin = resolved.origins[setting.name]
        value = getattr(resolved.settings, setting.name)
        values[setting.name] = {
            "value": _plain(value, setting),
            "from": origin.kind,
            "place": origin.name or None,
        }
    return {"settings": values, "notices": list(resolved.notices)}


def _plain(value: object, setting: Setting) -> object:
    match value:
        case Mapping():
            return dict(value)
        case tuple():
            return list(value)
        case str():
            return setting.kind.show(value)  # without its secrets
        case _:
            return value


def lines(resolved: Resolved) -> list[str]:
    """For people: in groups; what somebody has set stands out."""
    shown: list[str] = []
    group = ""
    width = max(len(setting.name) for setting in TABLE)
    for setting in TABLE:
        if setting.group != group:
            group = setting.group
            shown += ["", click.style(group, bold=True)]
        origin = resolved.origins[setting.name]
        value = setting.kind.show(getattr(resolved.settings, setting.name)) or "-"
        line = f"  {setting.name:<{width}}  {value}"
        if origin.kind == "default":
            shown.append(click.style(line, dim=True))
        else:
            shown.append(f"{line}  {click.style(f'({origin})', fg='green')}")
    return shown[1:]
