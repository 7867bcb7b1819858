"""Nothing happens, for a while or for ever."""

import asyncio


async def silence(seconds: float | None) -> None:
    """None: until it is cancelled."""
    await (asyncio.Event().wait() if seconds is None else asyncio.sleep(seconds))
