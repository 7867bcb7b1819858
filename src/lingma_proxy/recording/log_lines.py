"""The last lines of the program's own log, for who asks a running server for them.

They live in memory only: what happened before the last start is in the log itself.  The access
log is left out, for each of its lines is an exchange, and those are kept elsewhere.
"""

import logging
from collections import deque
from dataclasses import dataclass
from itertools import islice

MOST = 500
"""Lines."""
LONGEST = 2000
"""Characters of a line."""
ELSEWHERE = "lingma_proxy.access"


@dataclass(frozen=True, slots=True)
class LogLine:
    time: float
    """Unix time, in seconds."""
    level: str
    """debug, info, warning, error or critical."""
    message: str
    """One sentence or two; of an exception its name, and nothing of where it came from."""


class LogLines(logging.Handler):
    """Add it to a logger; what passes there is remembered, up to so many lines."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == ELSEWHERE:
            return
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - a line that does not fit together
            self.handleError(record)
            return
        if record.exc_info and record.exc_info[0]:
            message = f"{message} ({record.exc_info[0].__name__})"
        self._lines.append(LogLine(record.created, record.levelname.lower(), message[:LONGEST]))

    def newest(self, count: int) -> list[LogLine]:
        """The last so many, the newest first."""
        self.acquire()  # lines come from every thread
        try:
            return list(islice(reversed(self._lines), count))
        finally:
            self.release()
