"""One of the other sides, as a process: Lingma's remote API, or the plugin.

    python -m soak.sides remote|plugin HOME

It says on standard output where it is (`NAME=value` as `simulate` does), then takes orders
on standard input, one a line, and says `done` after each:

    renew           the person logs in again; the old login is refused from now on
    restart         everything is cut off, and begins anew
    next ROUTE FAULT  the next request on that route (`models`, `upload`) breaks so;
                    at the plugin, where a ROUTE is only a word, the next time that it can

It ends when its standard input does, so that it cannot outlive who started it.
"""

import asyncio
import sys
from pathlib import Path
from typing import cast

from lingma_proxy.cli.simulating import leading_to
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Route

PACE = 0.002
"""Seconds between two words."""


def made(kind: str, home: Path, before: Simulator | Plugin | None) -> Simulator | Plugin:
    """Where it was before, if it was: nobody is to look for it anew, but for the plugin."""
    if kind == "plugin":
        return Plugin(("websocket",), home=home, pace=PACE, remember=0)
    if isinstance(before, Simulator):
        return Simulator(port=before.port, home=home, login=before.login, pace=PACE, remember=0)
    return Simulator(home=home, pace=PACE, remember=0)


async def orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def playing(kind: str, home: Path) -> None:
    side = await made(kind, home, None).start()
    print(leading_to(side), flush=True)
    try:
        heard = await orders()
        while line := (await heard.readline()).decode().split():
            match line, side:
                case ["renew"], Simulator():
                    side.renew_login()  # in one go: nobody is refused for a login that is not on disk yet
                case ["restart"], _:
                    await side.close()
                    side = await made(kind, home, side).start()
                case ["next", route, fault], Simulator():
                    side.next(fault, route=cast("Route", route))
                case ["next", _, fault], Plugin():
                    side.next(fault)
                case _:
                    raise ValueError(line)
            print("done", flush=True)
    finally:
        await side.close()


if __name__ == "__main__":
    asyncio.run(playing(sys.argv[1], Path(sys.argv[2])))
