"""The line in the log for each exchange: who asked what, and what came of it.

    POST /v1/messages 200 claude-code kmodel 1.2 s (first 0.3 s) 812→95 tokens req_5f…

The same as fields goes along with it, for logs that programs read.  Nothing that was said is in
either, and no query of a URL.  A path or a model that is not there may be a key that was pasted
into the wrong place, so of requests that failed both are cleaned.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.recording.redact import Redactor
from lingma_proxy.wire.printable import printable

log = logging.getLogger("lingma_proxy.access")

LEFT = "left"
"""The class of error that is noted for a client that went away."""


def tell(notes: ExchangeNotes, secrets: Callable[[], Iterable[str]] = tuple) -> None:
    """Log it.  `secrets`: those that are in use."""
    if log.isEnabledFor(logging.INFO):
        notes = notes if notes.error is None else cleaned(notes, Redactor(secrets()))
        log.info("%s", sentence(notes), extra=fields(notes))


def cleaned(notes: ExchangeNotes, redact: Redactor) -> ExchangeNotes:
    """The notes with what the client has written as it may be shown."""
    path, model = (
        redact(text.encode(errors="replace")).decode(errors="replace")
        for text in (notes.path, notes.asked_model)
    )
    return replace(notes, path=path, asked_model=model)


def fields(notes: ExchangeNotes) -> dict[str, object]:
    """What the line says, by its names; what is not there is left out."""
    usage = notes.usage
    found: dict[str, object] = {
        "request_id": notes.id,
        "client": notes.client,
        "method": notes.method,
        "path": notes.path,
        "status": notes.status,
        "dialect": notes.dialect,
        "model": notes.model or notes.asked_model,
        "first_ms": milliseconds(notes.began, notes.first),
        "total_ms": milliseconds(notes.began, notes.ended),
        "queued_ms": round(notes.queued * 1000, 1) or None,
        "input_tokens": usage.input if usage else None,
        "output_tokens": usage.output if usage else None,
        "estimated": usage.estimated if usage else None,
        "attempts": len(notes.attempts) or None,
        "error": kind_of(notes.error),
    }
    return {name: value for name, value in found.items() if value is not None and value != ""}


def sentence(notes: ExchangeNotes) -> str:
    """The line for people."""
    words = [notes.method[:20], notes.path, str(notes.status or "-"), notes.client]
    words.append(notes.model or notes.asked_model[:80])
    if (total := milliseconds(notes.began, notes.ended)) is not None:
        words.append(spelled(total))
    if notes.streamed and (first := milliseconds(notes.began, notes.first)) is not None:
        words.append(f"(first {spelled(first)})")
    if notes.usage is not None:
        about = "~" if notes.usage.estimated else ""
        words.append(f"{about}{notes.usage.input}→{notes.usage.output} tokens")
    if len(notes.attempts) > 1:
        words.append(f"{len(notes.attempts)} attempts")
    if kind := kind_of(notes.error):
        words.append("the client went away" if kind == LEFT else kind)
    return printable(" ".join(filter(None, [*words, notes.id])))


def kind_of(error: BaseException | None) -> str:
    """The class of an error, in a word; "" for none."""
    if error is None:
        return ""
    left = isinstance(error, asyncio.CancelledError | GeneratorExit | ConnectionError)
    return LEFT if left else type(error).__name__


def milliseconds(since: float, until: float | None) -> float | None:
    return None if until is None else round(max(0.0, until - since) * 1000, 1)


def spelled(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"
