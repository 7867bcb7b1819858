"""One request for people, with everything that is kept of it: who, when, each attempt, each body.

Bodies that are JSON are indented; of a stream it is shown what it says, part by part.
"""

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from lingma_proxy.cli.moments import took
from lingma_proxy.conversation.events import Usage
from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import loads
from lingma_proxy.recording.exports.answer import TEXT, AnswerReader, Piece
from lingma_proxy.recording.exports.terminal import on_one_line, visible
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange

MARGIN = 12
"""Columns before a fact: two, and what it is about."""


def lines(
    exchange: KeptExchange, *, raw: bool = False, bodies: bool = True, width: int = 100
) -> Iterator[str]:
    """`raw`: bodies as they came.  None of the lines holds what a terminal would obey."""
    yield from facts(exchange, width)
    if bodies:
        yield from _body("The request", exchange.request, "", raw=raw)
    for attempt in exchange.attempts:
        yield ""
        yield from _attempt(attempt, len(exchange.attempts), exchange.summary.began, width)
        if bodies:
            yield from _body("  What was sent", attempt.request, "", raw=raw)
            yield from _reply(attempt, raw=raw)
    if bodies:
        yield from _body("The answer", exchange.response, exchange.media_type, raw=raw)


def facts(exchange: KeptExchange, width: int) -> Iterator[str]:
    summary = exchange.summary
    yield click.style(on_one_line(f"{summary.id}  {summary.method} {summary.path}"), bold=True)
    when = f"{datetime.fromtimestamp(summary.began):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ006 - of here
    who = f"by {summary.client}" if summary.client else ""
    agent = f"({summary.user_agent})" if summary.user_agent else ""
    yield from _fact("asked", " ".join(filter(None, (when, who, agent))), width)
    dialect = f"{summary.dialect}, {'streamed' if summary.streamed else 'not streamed'}"
    yield from _fact("api", dialect if summary.dialect else "", width)
    changed = summary.model and summary.asked_model and summary.model != summary.asked_model
    asked = f"{summary.asked_model} was asked for, {summary.model} answered"
    yield from _fact("model", asked if changed else summary.model or summary.asked_model, width)
    yield from _fact("status", str(summary.status or "none: the client left before"), width)
    yield from _fact(
        "time",
        times(summary.began, summary.accepted, summary.first, summary.ended, summary.queued),
        width,
    )
    yield from _fact("tokens", used(summary.usage), width)
    yield from _fact("ended", summary.reason, width)
    yield from _fact("tools", ", ".join(summary.tools), width)
    for warning in summary.warnings:
        yield from _fact("warning", warning, width, fg="yellow")
    yield from _fact("error", failure(summary.error_kind, summary.error), width, fg="red")


def times(
    began: float,
    accepted: float | None,
    first: float | None,
    ended: float | None,
    queued: float = 0.0,
) -> str:
    """How long each step took, from the beginning."""
    steps = [
        f"waited {took(queued)} for its turn" if queued >= 0.001 else "",
        f"accepted after {took(accepted - began)}" if accepted is not None else "",
        f"first byte after {took(first - began)}" if first is not None else "",
        f"over after {took(ended - began)}" if ended is not None else "never over",
    ]
    return ", ".join(filter(None, steps))


def used(usage: Usage | None) -> str:
    if usage is None:
        return ""
    cached = f" ({usage.cached:,} of them cached)" if usage.cached else ""
    reasoning = f" ({usage.reasoning:,} of them thinking)" if usage.reasoning else ""
    searches = f", {usage.searches} × searched" if usage.searches else ""
    about = "; estimated" if usage.estimated else ""
    return f"{usage.input:,} in{cached}, {usage.output:,} out{reasoning}{searches}{about}"


def failure(kind: str, words: str) -> str:
    return f"{kind}: {words}" if kind and words else kind or words


def _attempt(attempt: KeptAttempt, count: int, began: float, width: int) -> Iterator[str]:
    who = " ".join(filter(None, (attempt.backend, attempt.model)))
    yield click.style(on_one_line(f"Attempt {attempt.number} of {count}: {who}"), bold=True)
    yield from _fact("where", attempt.url, width)
    yield from _fact("begun", f"{took(attempt.began - began)} after the request", width)
    yield from _fact(
        "time", times(attempt.began, attempt.accepted, attempt.first, attempt.ended), width
    )
    yield from _fact("tokens", used(attempt.usage), width)
    yield from _fact("ended", attempt.reason, width)
    for warning in attempt.warnings:
        yield from _fact("warning", warning, width, fg="yellow")
    yield from _fact("error", failure(attempt.error_kind, attempt.error), width, fg="red")


def _fact(about: str, text: str, width: int, **style: str) -> Iterator[str]:
    room = max(30, width - MARGIN)
    wrapped = textwrap.wrap(on_one_line(text), room, break_on_hyphens=False)
    for at, line in enumerate(wrapped):
        shown = click.style(line, fg=style.get("fg")) if style else line
        yield f"  {click.style(f'{about:<{MARGIN - 3}}', dim=True) if at == 0 else ' ' * (MARGIN - 3)} {shown}"


def _reply(attempt: KeptAttempt, *, raw: bool) -> Iterator[str]:
    """What came back: as it was understood, else as it came."""
    title = "  What came back"
    if not raw and attempt.events.text:
        yield from _body(title, attempt.events, "application/x-ndjson", raw=False)
        return
    yield from _body(title, attempt.reply, stream_of(attempt.reply.text), raw=raw)


def stream_of(text: str) -> str:
    """Which kind of stream this looks like; "" for none."""
    return "text/event-stream" if text.startswith(("data:", "event:", "id:", ":")) else ""


def _body(title: str, body: KeptBody, media_type: str, *, raw: bool) -> Iterator[str]:
    if not body.size and not body.gone:
        return
    yield ""
    notes = ", ".join(filter(None, (media_type.partition(";")[0], f"{body.size:,} bytes")))
    yield click.style(title, bold=True) + click.style(f" ({on_one_line(notes)})", dim=True)
    if body.gone:
        yield click.style(f"  not all of it is here: {on_one_line(body.gone)}", fg="yellow")
    text = body.text if raw else told(body.text, media_type) or indented(body.text)
    yield from visible(text or body.text).splitlines()


def told(text: str, media_type: str) -> str:
    """What a stream says, a heading above each part; "" for what is none, or none that is known."""
    if not ("event-stream" in media_type or "ndjson" in media_type):
        return ""
    reader = AnswerReader(media_type)
    try:
        pieces = reader.feed(text.encode("utf-8", "replace")) + reader.end()
    except ProtocolError:
        return ""
    return "".join(headed(pieces)) if reader.understood else ""


def headed(pieces: Sequence[Piece]) -> Iterator[str]:
    """The text of the pieces, with a heading where another part begins."""
    teller = Teller()
    for piece in pieces:
        yield teller.tell(piece)


class Teller:
    """Puts a heading where another part of an answer begins, but for a text that comes first."""

    def __init__(self) -> None:
        self._last: object = None
        self._fresh = True
        """Whether a new line has just begun."""

    def tell(self, piece: Piece) -> str:
        part = (piece.place, piece.kind)
        text = piece.text
        if part != self._last:
            first, self._last = self._last is None, part
            name = f" {on_one_line(piece.name)}" if piece.name else ""
            if not (first and piece.kind == TEXT):
                text = ("" if self._fresh else "\n") + f"[{piece.kind}{name}]\n{text}"
        if text:
            self._fresh = text.endswith("\n")
        return text


def indented(text: str) -> str:
    """JSON over several lines; "" for what is none."""
    try:
        return json.dumps(loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
