"""Exchanges as JSON, under names that stay: one object each, with all that is known.

Times are Unix time in seconds, as they were noted; `time` says the first of them once more, for
people.  What did not happen is null, or the empty value of its kind.
"""

from dataclasses import fields
from datetime import UTC, datetime

from lingma_proxy.conversation.events import Usage
from lingma_proxy.jsonio import Json, JsonObject, dumps
from lingma_proxy.recording.exports.terminal import escaped
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange, Summary


def line(exchange: KeptExchange) -> str:
    """One line of JSON, with its end."""
    return escaped(dumps(as_object(exchange))) + "\n"


def as_object(exchange: KeptExchange) -> JsonObject:
    """All that is kept of an exchange: its summary, its bodies, and its attempts in order."""
    return {
        **summary_as_object(exchange.summary),
        "media_type": exchange.media_type,
        "request": _plain(exchange.request),
        "response": _plain(exchange.response),
        "attempts": [_plain(attempt) for attempt in exchange.attempts],
    }


def summary_as_object(summary: Summary) -> JsonObject:
    """A line of a list; `attempts` is how many there were."""
    return {"time": iso(summary.began), **_plain(summary)}


def iso(seconds: float) -> str:
    """A Unix time as RFC 3339 has it, in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.removesuffix("+00:00") + "Z"


def _plain(value: object) -> Json:
    """A record as an object of its fields."""
    match value:
        case Summary() | KeptAttempt() | KeptBody() | Usage():
            return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value
