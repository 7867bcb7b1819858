import asyncio

from lingma_proxy.simulator.silence import silence


async def test_it_ends_when_its_time_is_over():
    await silence(0.001)


async def test_without_a_time_it_lasts_until_it_is_cancelled():
    waiting = asyncio.create_task(silence(None))
    done, _ = await asyncio.wait([waiting], timeout=0.01)
    assert not done
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
