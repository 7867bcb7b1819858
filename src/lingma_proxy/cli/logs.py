"""The log on standard error: lines of a moment are written together.

A line for each request is worth having, but a write for each costs as much as a tenth of a
small request.  So lines wait for a quarter of a second, unless one of them is a warning or
worse: that goes out at once, and what waits before it.
"""

import asyncio
import logging
import threading
from logging.handlers import MemoryHandler

from lingma_proxy.cli.log_lines import FORMATS

SOON = 0.25
MOST = 200
"""Lines that wait, at the most."""


class Gathering(MemoryHandler):
    """Must be made in the loop; lines of other threads go out at once."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__(MOST, logging.WARNING, target)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        first = not self.buffer
        super().emit(record)
        if not self.buffer:
            return
        if threading.get_ident() != self._thread or self._loop.is_closed():
            self.flush()
        elif first:
            self._loop.call_later(SOON, self.flush)

    def change(self, level: str, format: str) -> None:
        """What is said from now on: `format` is a name of `FORMATS`."""
        self.flush()  # what waits was said before
        if self.target is not None:
            self.target.setFormatter(FORMATS[format]())
        logging.getLogger("lingma_proxy").setLevel(level.upper())


def start(level: str, format: str = "text") -> Gathering:
    """Log what is ours from that level on, and warnings of others.  Close what it returns."""
    handler = Gathering(logging.StreamHandler())
    handler.change(level, format)
    logging.getLogger().addHandler(handler)
    return handler
