import asyncio
import time

from lingma_proxy.gateway import loop_lag
from lingma_proxy.gateway.loop_lag import LoopLag


async def test_a_loop_that_was_held_up_is_seen_to_be_late(monkeypatch):
    monkeypatch.setattr(loop_lag, "BUSY", 0.0)
    lag = LoopLag(lambda: True)
    lag.start()
    await asyncio.sleep(0)
    time.sleep(0.06)  # noqa: ASYNC251 - that is what holds it up
    while lag.lateness.longest < 0.05:
        await asyncio.sleep(0)
    lag.stop()

    assert lag.lateness.longest >= 0.05


async def test_an_idle_loop_is_hardly_woken(monkeypatch):
    due = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_at", lambda at, *_: due.append(at - loop.time()))
    LoopLag(lambda: False).start()
    LoopLag(lambda: True).start()

    idle, active = due
    assert idle > 4
    assert active < 0.5


async def test_it_starts_once_and_stops_for_good(monkeypatch):
    monkeypatch.setattr(loop_lag, "IDLE", 0.0)
    lag = LoopLag(lambda: False)
    lag.start()
    lag.start()
    lag.stop()
    lag.stop()
    await asyncio.sleep(0.01)

    assert lag.lateness.count == 0
