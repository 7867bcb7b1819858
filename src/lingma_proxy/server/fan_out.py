"""Several replies at once (`n`), as one stream of batches that say whose they are."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import Event

Chosen = tuple[int, Sequence[Event]]
"""(which reply, a batch of its events)"""


async def fan_out(streams: Sequence[EventStream]) -> AsyncGenerator[Chosen, None]:
    """Batches of all streams as they come; the first failure ends them all.

    Each stream waits until its last batch has been taken: a slow reader slows them all,
    and nothing piles up.
    """
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for batch in only:
                yield 0, batch
        return
    queue: asyncio.Queue[Chosen | BaseException | None] = asyncio.Queue(maxsize=1)

    async def pump(choice: int, stream: EventStream) -> None:
        try:
            async with aclosing(stream):
                async for batch in stream:
                    await queue.put((choice, batch))
        except Exception as error:  # noqa: BLE001 - raised again by whoever takes it
            await queue.put(error)
        else:
            await queue.put(None)

    pumps = [asyncio.create_task(pump(choice, stream)) for choice, stream in enumerate(streams)]
    try:
        left = len(pumps)
        while left:
            match await queue.get():
                case None:
                    left -= 1
                case BaseException() as error:
                    raise error
                case chosen:
                    yield chosen
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
