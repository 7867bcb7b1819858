import asyncio
from contextlib import aclosing

import pytest

from lingma_proxy.conversation.events import Event, FinishReason, ReplyEnded, ReplyStarted
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.server.fan_out import fan_out


class Stream:
    """Says its batches, then fails if it is told to; knows whether it was closed."""

    def __init__(self, name, batches=3, error=None, gate=None):
        self.name, self.batches, self.error, self.gate = name, batches, error, gate
        self.closed = False
        self.said = 0

    async def __call__(self):
        try:
            yield [ReplyStarted(self.name, "m")]
            for _ in range(self.batches):
                if self.gate:
                    await self.gate.wait()
                self.said += 1
                yield []
            if self.error:
                raise self.error
            yield [ReplyEnded(FinishReason.STOP)]
        finally:
            self.closed = True


async def test_every_batch_of_every_stream_arrives_in_its_own_order():
    streams = [Stream("a"), Stream("b", batches=0), Stream("c", batches=7)]
    heard: dict[int, list[Event]] = {0: [], 1: [], 2: []}

    async for choice, batch in fan_out([stream() for stream in streams]):
        heard[choice].extend(batch)

    assert [[type(event) for event in events] for events in heard.values()] == [
        [ReplyStarted, ReplyEnded]
    ] * 3
    assert [heard[choice][0] for choice in heard] == [ReplyStarted(name, "m") for name in "abc"]
    assert all(stream.closed for stream in streams)


@pytest.mark.parametrize("others", [0, 2])
async def test_the_first_failure_ends_all(others):
    gate = asyncio.Event()
    waiting = [Stream(str(n), gate=gate) for n in range(others)]
    failing = Stream("f", error=BackendTimeout("slow"))

    with pytest.raises(BackendTimeout):
        async for _ in fan_out([failing(), *(stream() for stream in waiting)]):
            pass

    assert all(stream.closed for stream in [failing, *waiting])


@pytest.mark.parametrize("count", [1, 3])
async def test_closing_closes_all(count):
    streams = [Stream(str(n), gate=asyncio.Event()) for n in range(count)]

    async with aclosing(fan_out([stream() for stream in streams])) as batches:
        await anext(batches)

    assert all(stream.closed for stream in streams if stream.said or count == 1)
    assert len(asyncio.all_tasks()) == 1


async def test_a_slow_reader_holds_everybody_up():
    streams = [Stream(str(n), batches=1000) for n in range(2)]

    async with aclosing(fan_out([stream() for stream in streams])) as batches:
        await anext(batches)
        for _ in range(50):
            await asyncio.sleep(0)

        assert max(stream.said for stream in streams) < 5
