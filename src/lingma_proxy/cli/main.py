"""The group of commands.  Each is imported only when it is asked for.

Exit codes: 0 all is well, 1 it failed, 2 the settings or the command line are wrong.
"""

from importlib import import_module

import click

from lingma_proxy import __version__
from lingma_proxy.errors import ProxyError, SettingsError

COMMANDS = {
    "serve": "Serve OpenAI's and Anthropic's APIs from Lingma.",
    "ask": "Ask one question, and show the answer as it is said.",
    "models": "List the models that clients can ask for.",
    "requests": "Look at what was asked and answered: list, show, follow, search, export.",
    "replay": "Send a request again that was recorded, and compare the answers.",
    "login": "Show the login in use, check it, or take it elsewhere.",
    "doctor": "Look for what is wrong, and say how to mend it.",
    "settings": "Show every setting, and where its value comes from.",
    "simulate": "Play Lingma's remote API, or its plugin.",
}
"""Their names, which are those of their files, and what they do."""
OWN = {"--help", "-h", "--version"}


class Commands(click.Group):
    """Finds a command in the file of its name; without one, flags are meant for `serve`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"lingma_proxy.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in OWN):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ProxyError as error:
            click.echo(f"{ctx.info_name}: {error.message}", err=True)
            # A port that is taken is refused by the system, not by what settings allow.
            wrong = isinstance(error, SettingsError) and not isinstance(error.__cause__, OSError)
            ctx.exit(2 if wrong else 1)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nWithout a command, `serve` is meant: lingma-proxy --port 9000\n"
    "Exit codes: 0 all is well, 1 it failed, 2 the settings or the flags are wrong.",
)
@click.version_option(__version__, prog_name="lingma-proxy")
def commands() -> None:
    """Use the Lingma login on this machine from any tool that speaks OpenAI or Anthropic.

    Unofficial. For your own login, on your own machine, under the terms that you agreed to.

    \b
      lingma-proxy serve             then point a client at http://127.0.0.1:8095
      lingma-proxy ask "Why is the sky blue?"
      lingma-proxy doctor            when something does not work
    """  # noqa: D301 — \b is click's mark for lines that it must not wrap
