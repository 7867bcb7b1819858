"""Moments and durations, as people write and read them."""

import re
from datetime import datetime, timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
AGO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])(?:\s*ago)?")
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")


def moment(text: str, now: float) -> float:
    """Unix time, in seconds.  Raises ValueError, which says what can be written.

    `2h` (ago), `12:30` (the last time it was that late), `2026-11-22`, `2026-11-22 12:30`, or
    the same with a zone.  Without a zone it is the time of this machine.
    """
    text = text.strip()
    if found := AGO.fullmatch(text.lower()):
        return now - float(found[1]) * UNITS[found[2]]
    try:
        if found := CLOCK.fullmatch(text):
            here = datetime.fromtimestamp(now)  # noqa: DTZ006 - by the clock of this machine
            hour, minute, second = (int(each or 0) for each in found.groups())
            then = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
            return (then if then <= here else then - timedelta(days=1)).timestamp()
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{text[:40]!r} is no time; write 30m, 2h or 3d (ago), 12:30, 2026-11-22 or"
            " 2026-11-22T12:30"
        ) from None


def at(seconds: float, now: float) -> str:
    """A time of this machine: without the day when it is today's."""
    then, today = datetime.fromtimestamp(seconds), datetime.fromtimestamp(now)  # noqa: DTZ006
    if then.date() == today.date():
        return f"{then:%H:%M:%S}"
    return f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"


def took(seconds: float | None) -> str:
    """Five characters at the most, but for days: `12ms`, `3.2s`, `42s`, `1m42`, `2h05`."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 99.5:
        return f"{seconds:.0f}s"
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    if minutes >= 60:
        return f"{minutes // 60}h{minutes % 60:02}"
    return f"{minutes}m{int(seconds % 60):02}"
