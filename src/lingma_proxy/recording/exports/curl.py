"""An exchange as the command that sends it again.

The key is named, never written: `$LINGMA_PROXY_API_KEY`.  The body stands in the command as it
was where a shell and a terminal leave it alone, else behind it in lines of its own.
"""

import base64
import shlex
from collections.abc import Iterator

from lingma_proxy.recording.exports.terminal import harmless, on_one_line
from lingma_proxy.recording.kept import KeptExchange

LONGEST = 64 * 1024
"""Bytes of a body in the command itself; Linux takes no argument beyond 128 KiB."""
KEY = '-H "Authorization: Bearer $LINGMA_PROXY_API_KEY"'


def script(exchange: KeptExchange, base: str) -> str:
    """The command in lines of its own, under a comment that says what it is."""
    summary = exchange.summary
    about = f"# {summary.id}: {summary.asked_model or summary.method} {summary.path}"
    if exchange.request.gone:
        return (
            f"{on_one_line(about)}: cannot be sent again: {on_one_line(exchange.request.gone)}\n\n"
        )
    sent = command(
        summary.method, base.rstrip("/") + summary.path, exchange.request.text, summary.streamed
    )
    return f"{on_one_line(about)}\n{sent}\n"


def command(method: str, url: str, body: str, streamed: bool) -> str:  # noqa: FBT001 - a fact
    """One command for a POSIX shell, with the end of its last line."""
    words = ["curl", *(["-N"] if streamed else []), shlex.quote(url)]
    if method not in {"GET", "POST"} or (method == "POST" and not body):
        words[1:1] = ["-X", shlex.quote(method)]
    lines = [" ".join(words), KEY]
    if not body:
        return _joined(lines) + "\n"
    lines.append("-H 'Content-Type: application/json'")
    data = body.encode("utf-8", "surrogatepass")
    if not harmless(body):
        end = _no_line_of("BODY", "")
        text = base64.encodebytes(data).decode("ascii")
        return f"base64 -d <<'{end}' | {_joined([*lines, '--data-binary @-'])}\n{text}{end}\n"
    if len(data) <= LONGEST:
        # Not --data-binary: a body that begins with @ would name a file.
        return _joined([*lines, f"--data-raw {shlex.quote(body)}"]) + "\n"
    end = _no_line_of("BODY", body)
    # A here-document ends with a line feed of its own, which JSON does not mind.
    text = body.removesuffix("\n")
    return f"{_joined([*lines, '--data-binary @-'])} <<'{end}'\n{text}\n{end}\n"


def _joined(lines: list[str]) -> str:
    return " \\\n  ".join(lines)


def _no_line_of(word: str, body: str) -> str:
    """A word that is no line of the body."""
    taken = {line for line in body.split("\n") if line.startswith(word)}
    return next(each for each in _numbered(word) if each not in taken)


def _numbered(word: str) -> Iterator[str]:
    yield word
    number = 2
    while True:
        yield f"{word}{number}"
        number += 1
