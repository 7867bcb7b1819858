"""`lingma-proxy ask`: one question, answered as it is said."""

import sys

import click

from lingma_proxy.cli.load import load
from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.cli.people import tell_notices
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.settings import Resolved

LONGEST = 32 * 2**20
"""Of a question on standard input: what the gateway takes by default."""


@click.command(
    cls=SettingsCommand,
    epilog="\b\nExamples:\n"
    '  lingma-proxy ask "Why is the sky blue?"\n'
    '  git diff | lingma-proxy ask "Review this change." -\n'
    '  lingma-proxy ask --backend simulator "Is anybody there?"\n'
    "\b\nExit codes: 0 answered, 1 no answer, 2 the settings or the flags are wrong.",
)
@click.argument("words", nargs=-1, required=True, metavar="QUESTION…")
@click.option("-m", "--model", metavar="MODEL", help="Whom to ask. [the setting `model`]")
@click.option("--no-stream", is_flag=True, help="Wait for the whole answer, then show it.")
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
        "encode_body",
    )
)
def command(
    *,
    words: tuple[str, ...],
    model: str | None,
    no_stream: bool,
    config: str | None,
    **flags: str | None,
) -> None:
    """Ask one question, and show the answer while it is said.

    The question is all the words; a `-` among them stands for standard input.  A gateway
    that is running answers (host, port and key are meant to be its own); if there is none,
    one is set up for the occasion.
    """
    resolved = load(config, given({**flags, "model": model}))
    question = "\n\n".join(_read() if word == "-" else word for word in _joined(words))
    if not question.strip():
        raise click.UsageError("There is no question.")
    tell_notices(resolved)

    from lingma_proxy.cli.loop import run  # noqa: PLC0415 — `--help` need not wait for it

    run(_ask(resolved, question, stream=not no_stream))


def _joined(words: tuple[str, ...]) -> list[str]:
    """Words of one question joined by blanks; standard input stands on its own."""
    pieces: list[str] = []
    for word in words:
        if word == "-" or not pieces or pieces[-1] == "-":
            pieces.append(word)
        else:
            pieces[-1] += " " + word
    return pieces


def _read() -> str:
    data = sys.stdin.buffer.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise InvalidRequest("What stands on standard input is too long: more than 32 MB.")
    return data.decode(errors="replace")


async def _ask(resolved: Resolved, question: str, *, stream: bool) -> None:
    from lingma_proxy.cli.asking import answer  # noqa: PLC0415 — aiohttp: see above
    from lingma_proxy.cli.reach import reach  # noqa: PLC0415 — see above

    async with reach(resolved) as reached:
        ended = True
        async for text in answer(reached, resolved.settings.model, question, stream=stream):
            sys.stdout.write(text)
            sys.stdout.flush()
            ended = text.endswith("\n")
        if not ended:
            sys.stdout.write("\n")
