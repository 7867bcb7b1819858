import asyncio

import pytest

from lingma_proxy.simulator.plugin_seen import Tally


async def test_who_waits_hears_when_it_has_happened_so_often():
    tally = Tally()
    waiting = asyncio.create_task(tally.reached("deleted", 2))
    await asyncio.sleep(0)
    tally.add("deleted")
    tally.add("created")
    await asyncio.sleep(0)
    assert not waiting.done()
    tally.add("deleted")
    tally.add("deleted")
    await waiting

    await tally.reached("deleted", 3)


async def test_who_stops_waiting_is_forgotten():
    tally = Tally()
    waiting = asyncio.create_task(tally.reached("deleted", 1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    tally.add("deleted")

    assert tally._waiting == []
