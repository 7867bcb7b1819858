"""`requests follow`: a line for each request as it ends, across restarts of the server."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import click

from lingma_proxy.cli.listed import Layout, layout, usual
from lingma_proxy.cli.loop import stops
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.recorded import nothing, off, opened, there
from lingma_proxy.errors import StoreUnavailable
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.exchanges import Exchanges
from lingma_proxy.recording.exports.jsonl import summary_as_object
from lingma_proxy.recording.exports.terminal import escaped
from lingma_proxy.recording.kept import Summary, Wanted
from lingma_proxy.settings import Resolved

EVERY = 0.5
"""Seconds between two looks."""
AT_ONCE = 200
BEFORE_THE_FIRST = -1


async def follow(
    resolved: Resolved, wanted: Wanted, *, width: int | None, as_json: bool, every: float = EVERY
) -> None:
    """Until somebody wants it to stop.  `wanted.limit` of those that are there come first."""
    settings = resolved.settings
    if off(resolved):
        tell(f"note: {off(resolved)}")
    elif not there(settings):
        tell(nothing(resolved))
    was_there = there(settings)
    with stops() as said:
        while not there(settings) and not said.once.is_set():
            await _a_while(said.once, every)
        if said.once.is_set():
            return
        async with opened(settings) as exchanges:
            watch = Watch(exchanges, wanted)
            # Of a recording that has begun meanwhile, all is new.
            first = await watch.last(wanted.limit) if was_there else []
            table = layout(first, width, time.time()) if first else usual(width)
            if not as_json:
                click.echo(table.header())
            _say(first, table, as_json=as_json)
            while not said.once.is_set():
                _say(await watch.new(), table, as_json=as_json)
                await _a_while(said.once, every)


class Watch:
    """What is new since the last look."""

    def __init__(self, exchanges: Exchanges, wanted: Wanted) -> None:
        self._exchanges = exchanges
        self._wanted = replace(wanted, limit=AT_ONCE)
        self._after = BEFORE_THE_FIRST
        self._trouble = ""

    async def last(self, count: int) -> list[Summary]:
        """The last so many that are there, the oldest first; `new` begins behind them."""
        found = await self._exchanges.list(replace(self._wanted, limit=count)) if count else ()
        newest = await self._exchanges.list(Wanted(limit=1))
        self._after = max([each.row for each in (*found, *newest)], default=BEFORE_THE_FIRST)
        return list(reversed(found))

    async def new(self) -> list[Summary]:
        """Those that have ended since.  A recording that cannot be read is said once."""
        try:
            found = await self._exchanges.list(replace(self._wanted, after=self._after))
            if found:
                self._after = found[-1].row
            else:
                await self._begin_again()
        except StoreUnavailable as error:
            if error.message != self._trouble:
                tell(error.message)
            self._trouble = error.message
            return []
        self._trouble = ""
        return list(found)

    async def _begin_again(self) -> None:
        """Where another file has taken the place of the one before."""
        newest = await self._exchanges.list(Wanted(limit=1))
        if newest and newest[0].row < self._after:
            self._after = BEFORE_THE_FIRST


def _say(summaries: list[Summary], table: Layout, *, as_json: bool) -> None:
    now = time.time()
    for each in summaries:
        if as_json:
            click.echo(escaped(dumps(summary_as_object(each))))
        else:
            for line in table.lines(each, now):
                click.echo(line)


async def _a_while(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
