"""How a line of the log is written: for people, or as JSON for programs.

    12:00:00 INFO POST /v1/messages 200 claude-code kmodel 1.2 s (first 300 ms) … req_5f…
    {"time":"2026-11-22T12:00:00.123Z","level":"info","logger":"lingma_proxy.access",
     "message":"POST …","request_id":"req_5f…","status":200,…}

Fields are what was logged with `extra`.  Of an exception there are its class and its frames; its
message only where it is one of ours: in those of others may be whatever they were given, and
that may be what somebody has asked.
"""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType

from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import Json, dumps
from lingma_proxy.wire.printable import printable

Thrown = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
"""What `sys.exc_info` gives."""

USUAL = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; the rest are fields."""
LONGEST_CHAIN = 5
"""Causes of an exception that are told."""


class Text(logging.Formatter):
    """For people: a line is one line, whatever is in it; frames follow on lines of their own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — logging's
        record.message = shown(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Thrown) -> str:  # noqa: N802 — logging's
        return "" if ei[1] is None else told(ei[1])


class Lines(logging.Formatter):
    """For programs: a line is an object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Json] = {
            "time": moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in record.__dict__.items():
            if name not in USUAL and name not in line:
                line[name] = plain(value)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"exception": type(error).__name__, "traceback": told(error)}
        return dumps(line)


FORMATS: dict[str, type[logging.Formatter]] = {"text": Text, "json": Lines}
"""By the setting `log_format`."""


def moment(time: float) -> str:
    """Unix time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def plain(value: object) -> Json:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def shown(text: str) -> str:
    """It without what would begin a line, or steer a terminal."""
    if text.isprintable():
        return text
    return printable(text)


def told(error: BaseException) -> str:
    """Where it came from, the first cause first, as Python tells it."""
    return "\n".join(reversed([*links(error)])).rstrip("\n")


def links(error: BaseException | None) -> Iterator[str]:
    for _ in range(LONGEST_CHAIN):
        if error is None:
            return
        frames = "".join(traceback.format_tb(error.__traceback__))
        message = f": {shown(error.message)}" if isinstance(error, ProxyError) else ""
        yield f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}{message}\n"
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden
