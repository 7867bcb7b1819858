"""`GET /metrics`: how it goes here, as numbers, for Prometheus and its like.

Behind the same guard as all else: a key, where one is set, is given as `authorization` in the
scraper's configuration.  Nothing of what was said is in it.
"""

import platform
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from aiohttp import web

from lingma_proxy import __version__
from lingma_proxy.gateway import Gateway
from lingma_proxy.recording.tally import clean
from lingma_proxy.server import process
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.exposition import MEDIA_TYPE, Family, written

Handler: TypeAlias = Callable[[Exchange], Awaitable[web.StreamResponse]]

OURS = "lingma_proxy_"


class Metrics:
    """The route.  `routes()` is its table."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        return [("/metrics", "GET", self._metrics)]

    async def _metrics(self, exchange: Exchange) -> web.StreamResponse:
        text = written([*self._counted(), *self._now(), *process.families()])
        headers = {**exchange.headers, "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
        return web.Response(body=text.encode(), headers=headers)

    def _counted(self) -> Iterator[Family]:
        """What has been counted since the start."""
        counters = self._gateway.counters
        for each in counters.counters:
            samples = [
                (dict(zip(each.labels, labels, strict=True)), value)
                for labels, value in each.values.items()
            ]
            yield Family(f"{OURS}{each.name}_total", "counter", each.help, samples)
        for every in counters.distributions:
            times = [
                (dict(zip(every.labels, labels, strict=True)), histogram)
                for labels, histogram in every.values.items()
            ]
            yield Family(OURS + every.name, "histogram", every.help, times)
        exchanges = self._gateway.recording.exchanges
        yield counter(
            "recording_lost", "Exchanges that came faster than they can be kept.", exchanges.lost
        )
        yield counter(
            "recording_bodies_lost", "Those kept without their bodies.", exchanges.bodies_lost
        )
        yield Family(
            f"{OURS}loop_lag_seconds",
            "histogram",
            "How late the event loop does what is due.",
            [({}, self._gateway.lag.lateness)],
        )

    def _now(self) -> Iterator[Family]:
        """How it is at the moment."""
        gateway = self._gateway
        yield gauge("replies_running", "Replies that are being said.", gateway.limit.running)
        yield gauge("replies_waiting", "Requests that wait their turn.", gateway.limit.queued)
        skipped = [
            ({"model": clean(model)}, trouble.skipped_for)
            for model, trouble in gateway.skipped.states().items()
            if trouble.skipped_for
        ]
        yield Family(
            f"{OURS}model_skipped_seconds",
            "gauge",
            "For so long a model that keeps failing is still passed over.",
            # Names that look the same when they are shown count once.
            list({labels["model"]: (labels, left) for labels, left in skipped}.values()),
        )
        yield gauge(
            "recording_up",
            "1: what happens is kept; 0: it is not, by choice or by a fault.",
            not gateway.recording.exchanges.why_not,
        )
        yield gauge("ready", "1: a request would be answered, as far as is known.", self._ready())
        if (ends := gateway.behind.login_expires()) is not None:
            yield gauge(
                "login_expires_timestamp_seconds", "When the login ends, in Unix seconds.", ends
            )
            left = max(0.0, ends - time.time())
            yield gauge("login_left_seconds", "For so long the login is still good.", left)
        about = {
            "version": __version__,
            "python": platform.python_version(),
            "backend": gateway.behind.name(),
        }
        yield Family(f"{OURS}build_info", "gauge", "What runs here.", [(about, 1)])

    def _ready(self) -> bool:
        return not self._gateway.behind.hurdle()


def gauge(name: str, help: str, value: float) -> Family:
    return Family(OURS + name, "gauge", help, [({}, value)])


def counter(name: str, help: str, value: int) -> Family:
    return Family(f"{OURS}{name}_total", "counter", help, [({}, value)])
