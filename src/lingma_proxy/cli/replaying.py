"""Send a recorded request again: the same body to the same path, and listen to the answer."""

import codecs
import re
import sys
import time
from dataclasses import dataclass

import aiohttp
import click

from lingma_proxy import __version__
from lingma_proxy.cli.columns import columns
from lingma_proxy.cli.listed import many
from lingma_proxy.cli.moments import took
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.reach import PATIENCE, refusal
from lingma_proxy.cli.recorded import find, nothing, opened, there
from lingma_proxy.cli.shown import Teller, indented
from lingma_proxy.doctor.port import Listener, address, who_listens
from lingma_proxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    InvalidRequest,
    NotAllowed,
    NotFound,
    translated,
)
from lingma_proxy.jsonio import dumps, is_object, loads
from lingma_proxy.recording.exports.answer import AnswerReader
from lingma_proxy.recording.exports.curl import command
from lingma_proxy.recording.exports.terminal import on_one_line, visible
from lingma_proxy.recording.kept import KeptExchange
from lingma_proxy.settings import Resolved

TAKEN_OUT = re.compile(
    r"\[(?:redacted: [^\[\]\n]{1,60}|(?:[a-z]+/[a-z0-9.+-]{1,60}|base64), [\d.,]+ (?:bytes|[KMG]?B))\]"
)
"""What stands in a body where a secret or a picture was, as `recording.redact` marks it."""
ANSWERED_BY = "x-lingma-proxy-model"
"""The header that names the model which answered."""


@dataclass
class Heard:
    """What an answer was like."""

    status: int = 0
    model: str = ""
    first: float | None = None
    """Seconds until its first byte."""
    total: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str = ""


async def replay(
    resolved: Resolved,
    id: str,
    *,
    model: str,
    url: str,
    raw: bool,
    dry_run: bool,
    anyway: bool = False,
) -> None:
    """Raises NotFound, InvalidRequest where it cannot be sent again, BackendError."""
    if not there(resolved.settings):
        raise NotFound(nothing(resolved))
    async with opened(resolved.settings) as exchanges:
        exchange = await find(exchanges, id)
    body = again(exchange, model, anyway=anyway)
    base = (url or address(resolved.settings)).rstrip("/")
    if dry_run:
        text = command("POST", base + exchange.summary.path, body, exchange.summary.streamed)
        click.echo(text, nl=False)
        return
    key = resolved.settings.api_key
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"lingma-proxy-replay/{__version__}",
        **({"Authorization": f"Bearer {key}"} if key else {}),
    }
    async with aiohttp.ClientSession(headers=headers, timeout=PATIENCE) as session:
        await _look(session, base)
        heard = await _ask(session, base + exchange.summary.path, body, raw=raw)
    for line in comparison(exchange, heard):
        tell(line)
    if heard.error:
        raise BackendError(on_one_line(heard.error))


def again(exchange: KeptExchange, model: str, *, anyway: bool = False) -> str:
    """The body to send.  Raises InvalidRequest where that would not be what was asked.

    `anyway`: also where something seems to have been taken out of it.
    """
    summary, body = exchange.summary, exchange.request
    if not summary.dialect:
        what = on_one_line(f"{summary.method} {summary.path}")
        raise InvalidRequest(
            f"{summary.id} was no request for a reply ({what}): only those can be sent again."
        )
    if body.gone:
        raise InvalidRequest(f"{summary.id} cannot be sent again as it was: {body.gone}.")
    if not body.text:
        raise InvalidRequest(f"{summary.id} cannot be sent again: its body was empty.")
    taken = dict.fromkeys(TAKEN_OUT.findall(body.text))
    if taken and not anyway:
        raise InvalidRequest(
            f"{summary.id} cannot be sent again as it was: in the place of secrets or pictures stands"
            f" {', '.join(list(taken)[:3])}. If the client wrote that itself: --anyway."
        )
    if not model and summary.method == "POST":
        return body.text
    try:
        value = loads(body.text)
    except ValueError:
        value = None
    if not is_object(value):
        raise InvalidRequest(f"The body of {summary.id} is no JSON object: it has no model.")
    if model:
        value["model"] = model
    if summary.method != "POST":
        # A turn on a WebSocket: over HTTP its frame is a body, and the type of it is the path.
        value = {name: each for name, each in value.items() if name not in {"type", "generate"}}
        value["stream"] = True
    return dumps(value)


async def _look(session: aiohttp.ClientSession, base: str) -> None:
    match await who_listens(session, base):
        case Listener.OURS:
            return
        case Listener.OURS_WITH_ANOTHER_KEY:
            raise NotAllowed(
                f"The Lingma Proxy on {base} wants another key: set api_key as it has it."
            )
        case _:
            raise BackendUnavailable(
                f"No Lingma Proxy answers on {base}. Start one with `lingma-proxy serve`, or name"
                " another with --url."
            )


async def _ask(session: aiohttp.ClientSession, url: str, body: str, *, raw: bool) -> Heard:
    heard = Heard()
    began = time.perf_counter()
    with translated(
        {
            TimeoutError: (BackendTimeout, "The gateway did not answer in time."),
            aiohttp.ClientError: (BackendUnavailable, "The connection to the gateway was lost."),
        }
    ):
        async with session.post(url, data=body.encode()) as answer:
            heard.status = answer.status
            heard.model = answer.headers.get(ANSWERED_BY, "")
            form = answer.headers.get("Content-Type", "")
            show = Show(form, raw=raw)
            async for chunk in answer.content.iter_any():
                if heard.first is None:
                    heard.first = time.perf_counter() - began
                show.feed(chunk)
            show.end()
    heard.total = time.perf_counter() - began
    reader = show.reader
    heard.model = heard.model or reader.model
    heard.input_tokens, heard.output_tokens = reader.input_tokens, reader.output_tokens
    heard.error = reader.error
    if heard.status >= 400 and not heard.error:
        heard.error = refusal(heard.status, show.whole()).message
    return heard


class Show:
    """Shows an answer on standard output as it comes; nothing in it can harm a terminal."""

    def __init__(self, form: str, *, raw: bool) -> None:
        self.reader = AnswerReader(form)
        self._raw = raw
        self._streams = "event-stream" in form or "ndjson" in form
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._teller = Teller()
        self._pieces: list[bytes] = []
        self._fresh = True

    def feed(self, chunk: bytes) -> None:
        if not self._streams:
            self._pieces.append(chunk)
        if self._raw:
            self._say(self._text.decode(chunk))
        for piece in self.reader.feed(chunk):
            if not self._raw and piece.kind != "error":
                self._say(self._teller.tell(piece))

    def end(self) -> None:
        for piece in self.reader.end():
            if not self._raw and piece.kind != "error":
                self._say(self._teller.tell(piece))
        if self._raw:
            self._say(self._text.decode(b"", final=True))
        elif not self._streams and not self.reader.understood:
            text = self.whole().decode(errors="replace")
            self._say(indented(text) or text)
        if not self._fresh:
            sys.stdout.write("\n")
        sys.stdout.flush()

    def whole(self) -> bytes:
        """Of an answer that was no stream."""
        return b"".join(self._pieces)

    def _say(self, text: str) -> None:
        if text:
            self._fresh = text.endswith("\n")
            sys.stdout.write(visible(text))
            sys.stdout.flush()


def comparison(exchange: KeptExchange, heard: Heard) -> list[str]:
    """Two lines under a heading: what is recorded, and what came now."""
    summary = exchange.summary
    usage = summary.usage
    then = (
        "recorded",
        str(summary.status or "left"),
        on_one_line(summary.model) or "-",
        took(None if summary.first is None else summary.first - summary.began),
        took(None if summary.ended is None else summary.ended - summary.began),
        f"{many(usage.input)}→{many(usage.output)}" if usage else "-",
    )
    now = (
        "now",
        str(heard.status),
        on_one_line(heard.model) or "-",
        took(heard.first),
        took(heard.total),
        f"{_many(heard.input_tokens)}→{_many(heard.output_tokens)}"
        if heard.output_tokens is not None
        else "-",
    )
    return columns([then, now], header=("", "HTTP", "MODEL", "FIRST", "TOTAL", "TOKENS"))


def _many(number: int | None) -> str:
    return "?" if number is None else many(number)
