"""`GET /stats`: what all replies of the last days add up to, as JSON.

    ?days=7          today and the six days before it; up to 400, and 30 if nothing is said
    ?model= ?client= ?dialect=       only those

    {"days": 7, "from": "2026-11-16", "to": "2026-11-22", "since": "2026-10-01",
     "time_zone": {"name": "CET", "utc_offset": "+01:00"}, "complete": true, "note": "",
     "totals": {…}, "by_day": [{"day": "2026-11-22", …}],
     "by_model": [{"model": "kmodel", …}], "by_client": […], "by_dialect": […]}

Each … is the same:

    {"requests": 3, "succeeded": 2, "failed": 1, "left": 0, "fallbacks": 0,
     "errors": {"RateLimited": 1},
     "tokens": {"input": 812, "output": 95, "cached": 0, "reasoning": 0, "estimated_requests": 1},
     "first_byte_ms": {"count": 2, "mean": 310.5, "p50": 300.0, "p95": 480.0, "max": 490.2},
     "total_ms": {…}}

Only requests for a reply count; who left before the end is no failure.  Times are of replies
that ended well.  `mean` and `max` are exact; `p50` and `p95` are read from a histogram, so they
are right to the bucket (`quantiles`).  Days are those of this machine, and `since` is the first
of which anything is known.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from aiohttp import web

from lingma_proxy.errors import InvalidRequest
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.recording.histogram import BOUNDS, Histogram
from lingma_proxy.recording.tally import Tally
from lingma_proxy.recording.totals import DAYS, Key, Summed, day_of
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.replies import json_response

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]

USUAL = 30
"""Days, if nobody says how many."""
BY = {"day": 0, "model": 1, "client": 2, "dialect": 3}
"""Where in a key stands by what is summed."""


class Stats:
    """The route.  `routes()` is its table."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float] = time.time) -> None:
        self._gateway = gateway
        self._clock = clock

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        return [("/stats", "GET", self._stats)]

    async def _stats(self, exchange: Exchange) -> web.StreamResponse:
        query = exchange.http.rel_url.query
        days = days_of(query.get("days"))
        summed = await self._gateway.recording.totals.read(
            days,
            model=query.get("model", ""),
            client=query.get("client", ""),
            dialect=query.get("dialect", ""),
        )
        return json_response(said(summed, days, self._clock()), headers=exchange.headers)


def days_of(text: str | None) -> int:
    """Raises InvalidRequest."""
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= DAYS):
        raise InvalidRequest(f"days is a number from 1 to {DAYS}.", param="days")
    return int(text)


def said(summed: Summed, days: int, now: float) -> JsonObject:
    """The whole answer."""
    local = time.localtime(now)
    minutes = abs(local.tm_gmtoff) // 60
    sign = "-" if local.tm_gmtoff < 0 else "+"
    whole = Tally()
    for tally in summed.sums.values():
        whole.merge(tally)
    return {
        "days": days,
        "from": day_of(now, days - 1),
        "to": day_of(now),
        "since": summed.since or None,
        "time_zone": {
            "name": local.tm_zone,
            "utc_offset": f"{sign}{minutes // 60:02}:{minutes % 60:02}",
        },
        "complete": not summed.why_not,
        "note": f"Only since the start: {summed.why_not}" if summed.why_not else "",
        "quantiles": {
            "exact": False,
            "bounds_ms": [round(bound * 1000) for bound in BOUNDS],
        },
        "totals": numbers(whole),
        **{f"by_{name}": grouped(summed.sums, name) for name in BY},
    }


def grouped(sums: Mapping[Key, Tally], name: str) -> list[JsonObject]:
    """Days in their order; of all else those with the most requests first."""
    groups: dict[str, Tally] = {}
    for key, tally in sums.items():
        groups.setdefault(key[BY[name]], Tally()).merge(tally)
    ordered = sorted(groups.items())
    if name != "day":
        ordered.sort(key=lambda group: -group[1].requests)
    return [{name: each, **numbers(tally)} for each, tally in ordered]


def numbers(tally: Tally) -> JsonObject:
    return {
        "requests": tally.requests,
        "succeeded": tally.requests - tally.failed - tally.left,
        "failed": tally.failed,
        "left": tally.left,
        "fallbacks": tally.fallbacks,
        "errors": dict(sorted(tally.errors.items())),
        "tokens": {
            "input": tally.input,
            "output": tally.output,
            "cached": tally.cached,
            "reasoning": tally.reasoning,
            "estimated_requests": tally.estimated,
        },
        "first_byte_ms": times(tally.first),
        "total_ms": times(tally.total),
    }


def times(histogram: Histogram) -> JsonObject:
    return {
        "count": histogram.count,
        "mean": milliseconds(histogram.mean),
        "p50": milliseconds(histogram.quantile(0.5)),
        "p95": milliseconds(histogram.quantile(0.95)),
        "max": milliseconds(histogram.longest if histogram.count else None),
    }


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
