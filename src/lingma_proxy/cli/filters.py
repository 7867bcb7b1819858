"""Which requests a command is about: the same flags for all that look into the recording."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from lingma_proxy.cli.moments import moment
from lingma_proxy.cli.options import Function
from lingma_proxy.recording.kept import Wanted

STATUS = re.compile(r"[1-5](\d\d|xx)|0", re.IGNORECASE)
SHORT = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "ollama": "ollama_chat",
    "generate": "ollama_generate",
    "lmstudio": "lmstudio_chat",
}
"""What people call the dialects."""

OPTIONS = (
    click.option("--model", metavar="MODEL", help="Those that asked for it, or got it."),
    click.option("--client", metavar="NAME", help="Those of one client, as the list names it."),
    click.option(
        "--dialect", metavar="API", help="Those in one API: chat, responses, anthropic, ollama, …"
    ),
    click.option("--path", metavar="PATH", help="Those for one path, such as /v1/messages."),
    click.option("--status", metavar="STATUS", help="Such as 429, or 4xx; 0: the client left."),
    click.option("--failed", is_flag=True, help="Only what went wrong."),
    click.option("--since", metavar="TIME", help="Such as 2h (ago), 12:30 or 2026-11-22."),
    click.option("--until", metavar="TIME", help="The same."),
)


def with_filters(function: Function) -> Function:
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def wanted(
    values: Mapping[str, Any], now: float, *, limit: int, replies: bool = False, text: str = ""
) -> Wanted:
    """What the flags say.  Raises BadParameter."""
    return Wanted(
        limit=limit,
        since=_checked("since", values, lambda written: moment(written, now)) or 0.0,
        until=_checked("until", values, lambda written: moment(written, now)) or 0.0,
        model=values.get("model") or "",
        client=values.get("client") or "",
        dialect=_checked("dialect", values, dialect) or "",
        path=_checked("path", values, lambda written: "/" + written.lstrip("/")) or "",
        status=_checked("status", values, status) or "",
        failed=bool(values.get("failed")),
        text=text,
        replies=replies,
    )


def narrows(wanted: Wanted) -> bool:
    """Whether these are fewer than all."""
    every = Wanted(limit=wanted.limit, replies=wanted.replies)
    return wanted != every


def dialect(written: str) -> str:
    from lingma_proxy.dialects import DIALECTS  # noqa: PLC0415 - `--help` need not wait for it

    name = written.lower().replace("-", "_")
    name = SHORT.get(name, name)
    names = [each.name for each in DIALECTS]
    if name not in names:
        raise ValueError(
            f"{written[:40]!r} is no API that is spoken here; there are {', '.join(names)}"
        )
    return name


def status(written: str) -> str:
    if not STATUS.fullmatch(written):
        raise ValueError(
            f"{written[:40]!r} is no status; write 429, or 4xx, or 0 for clients that left"
        )
    return written.lower()


def _checked(name: str, values: Mapping[str, Any], read: Callable[[str], Any]) -> Any:
    written = values.get(name)
    if not written:
        return None
    try:
        return read(written)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=f"--{name}") from None
