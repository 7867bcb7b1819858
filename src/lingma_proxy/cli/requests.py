"""`lingma-proxy requests`: what was asked and answered, from the recording."""

import shutil
import sys
import time
from typing import Any

import click

from lingma_proxy.cli.filters import with_filters
from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices
from lingma_proxy.settings import Resolved

CODES = "\b\nExit codes: 0 all is well, 1 it failed, 2 the settings or the flags are wrong."
SETTINGS = ("data_dir",)


class Inheriting(SettingsCommand):
    """A command to which flags may also be given before its name."""

    def invoke(self, ctx: click.Context) -> Any:
        before = ctx.parent
        assert before is not None, "it stands in a group"
        for name, value in before.params.items():
            if before.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
                continue
            if name not in ctx.params:
                flag = next(each.opts[0] for each in before.command.params if each.name == name)
                raise click.UsageError(f"{flag} means nothing to `{ctx.info_name}`.", ctx)
            if ctx.get_parameter_source(name) is not click.core.ParameterSource.COMMANDLINE:
                ctx.params[name] = value
        return super().invoke(ctx)


class Requests(SettingsCommand, click.Group):
    """Lists by itself; its commands do the rest."""

    command_class = Inheriting

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        SettingsCommand.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


limit = click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True,
    help="The newest so many.",
)  # fmt: skip
every = click.option("--all", "every", is_flag=True, help="Also what was no request for a reply.")
as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(
    cls=Requests,
    invoke_without_command=True,
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests\n"
    "  lingma-proxy requests --failed --since 2h\n"
    "  lingma-proxy requests show last\n"
    "  lingma-proxy requests follow\n" + CODES,
)
@with_filters
@limit
@every
@as_json
@with_settings(SETTINGS)
@click.pass_context
def command(ctx: click.Context, /, **values: Any) -> None:
    """List what was asked and answered, the newest first.

    It reads the recording on this machine; no server needs to run.  An ID is the beginning of
    one in the list, or `last` for the newest request for a reply.
    """
    if ctx.invoked_subcommand is None:
        _list(values)


@command.command(
    short_help="Show everything that is kept of one.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests show\n"
    "  lingma-proxy requests show 1a2b3c --brief\n"
    "  lingma-proxy requests show last --pager\n" + CODES,
)
@click.argument("id", default="last")
@click.option("--raw", is_flag=True, help="Bodies and streams as they came.")
@click.option("--brief", is_flag=True, help="Without bodies.")
@click.option("--pager", is_flag=True, help="Page by page.")
@as_json
@with_settings(SETTINGS)
def show(*, id: str, raw: bool, brief: bool, pager: bool, as_json: bool, **values: Any) -> None:
    """Show everything that is kept of one request: by default the last.

    Bodies that are JSON are indented; of a stream it is shown what it says.
    """
    resolved = _resolved(values)
    from lingma_proxy.cli import looking_up  # noqa: PLC0415 - `--help` need not wait for it

    lines = _run(looking_up.one(resolved, id, raw=raw, bodies=not brief, as_json=as_json))
    if pager:
        click.echo_via_pager("\n".join(lines) + "\n")
        return
    for line in lines:
        click.echo(line)


@command.command(
    short_help="Show them as they end.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests follow\n"
    "  lingma-proxy requests follow --failed --json\n" + CODES,
)
@with_filters
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(0), default=0, show_default=True,
    help="Begin with the last N that are there.",
)  # fmt: skip
@every
@as_json
@with_settings(SETTINGS)
def follow(*, limit: int, every: bool, as_json: bool, **values: Any) -> None:
    """Show requests as they end, until Ctrl-C.

    The server may be started and stopped meanwhile.
    """
    resolved = _resolved(values)
    from lingma_proxy.cli import following  # noqa: PLC0415 - `--help` need not wait for it
    from lingma_proxy.cli.filters import wanted  # noqa: PLC0415 - see above

    want = wanted(values, time.time(), limit=limit, replies=not every)
    _run(following.follow(resolved, want, width=_width(), as_json=as_json))


@command.command(
    short_help="List those in which a text stands.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests search quicksort\n"
    "  lingma-proxy requests search 'rate limit' --since 1d\n" + CODES,
)
@click.argument("words", nargs=-1, required=True, metavar="TEXT…")
@with_filters
@limit
@every
@as_json
@with_settings(SETTINGS)
def search(*, words: tuple[str, ...], **values: Any) -> None:
    """List the requests in whose bodies a text stands, whatever its case."""
    text = " ".join(words)
    if not text.strip():
        raise click.UsageError("There is nothing to search for.")
    _list(values, text)


@command.command(
    short_help="Write them to a file: JSON lines, HAR, curl.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests export today.jsonl --since 1d\n"
    "  lingma-proxy requests export last.har --id last\n"
    "  lingma-proxy requests export --format curl --id 1a2b3c\n" + CODES,
)
@click.argument("file", default="-")
@click.option(
    "--format", "form", type=click.Choice(("jsonl", "har", "curl")),
    help="JSON lines, an HTTP archive, or commands for curl.  [by FILE's name; else jsonl]",
)  # fmt: skip
@click.option("--id", "ids", metavar="ID", multiple=True, help="This one; may be repeated.")
@click.option("--force", is_flag=True, help="Write over a FILE that is there.")
@with_filters
@click.option(
    "-n", "--limit", metavar="N", type=click.IntRange(1), help="The newest so many.  [all]"
)
@every
@with_settings((*SETTINGS, "host", "port"))
def export(
    *,
    file: str,
    form: str | None,
    ids: tuple[str, ...],
    force: bool,
    limit: int | None,
    every: bool,
    **values: Any,
) -> None:
    """Write requests to FILE (readable for you alone), or to standard output.

    The oldest come first.  They hold prompts and answers; secrets and pictures are taken out.
    """
    resolved = _resolved(values)
    from lingma_proxy.cli import exporting  # noqa: PLC0415 - `--help` need not wait for it
    from lingma_proxy.cli.filters import wanted  # noqa: PLC0415 - see above

    want = wanted(values, time.time(), limit=limit or exporting.ALL, replies=not every)
    _run(exporting.export(resolved, want, ids, file=file, form=form, force=force))


@command.command(
    short_help="Delete what is kept of them.",
    epilog="\b\nExamples:\n"
    "  lingma-proxy requests clear\n"
    "  lingma-proxy requests clear --until 3d --yes\n" + CODES,
)
@with_filters
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_settings(SETTINGS)
def clear(*, yes: bool, **values: Any) -> None:
    """Delete what is kept of requests: all, or those that the flags name.

    What was no request for a reply goes, too.  It asks first, and cannot be undone.
    """
    resolved = _resolved(values)
    from lingma_proxy.cli import looking_up  # noqa: PLC0415 - `--help` need not wait for it
    from lingma_proxy.cli.filters import wanted  # noqa: PLC0415 - see above

    want = wanted(values, time.time(), limit=looking_up.ALL)
    count, want = _run(looking_up.count(resolved, want))
    if not count:
        click.echo("There is nothing to delete.")
        return
    what = "1 request" if count == 1 else f"{count:,} requests"
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"This would delete {what} for good: say --yes.")
        click.confirm(f"Delete {what} for good?", abort=True)
    gone = _run(looking_up.clear(resolved, want))
    click.echo(f"Deleted {'1 request' if gone == 1 else f'{gone:,} requests'}.")


def _list(values: dict[str, Any], text: str = "") -> None:
    resolved = _resolved(values)
    from lingma_proxy.cli import looking_up  # noqa: PLC0415 - `--help` need not wait for it
    from lingma_proxy.cli.filters import wanted  # noqa: PLC0415 - see above

    replies = not values["every"]
    want = wanted(values, time.time(), limit=values["limit"], replies=replies, text=text)
    for line in _run(looking_up.some(resolved, want, width=_width(), as_json=values["as_json"])):
        click.echo(line)


def _resolved(values: dict[str, Any]) -> Resolved:
    names = {"config", "data_dir", "host", "port"} & values.keys()
    flags = {name: values.pop(name) for name in names}
    resolved = load(flags.pop("config"), given(flags))
    tell_notices(resolved)
    return resolved


def _run(work: Any) -> Any:
    from lingma_proxy.cli.loop import run  # noqa: PLC0415 - `--help` need not wait for it

    return run(work)


def _width() -> int | None:
    """Of the terminal; None where it is none: programs cut lines as they like."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
