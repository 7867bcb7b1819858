"""Every test here runs on both loops: the standard one, and the one that serves on Unix."""

import asyncio
import sys


def pytest_asyncio_loop_factories():
    factories = {"asyncio": asyncio.new_event_loop}
    if sys.platform != "win32":
        from uvloop import new_event_loop

        factories["uvloop"] = new_event_loop
    return factories
