"""How long a login lasts still, and what to say of it, in good time.

    more than 7 days · 7 days · 1 day · 1 hour · ended        the stages; each is told once

A login is good for about sixty days, and only the IDE can renew it.  Of one that does not say
when it ends nothing is said.  Moments are Unix seconds, and the clock is an argument.
"""

from datetime import datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["cache", "imported", "file", "environment"]
"""Where a login is kept: by the IDE, by `login import`, in a credential file, in variables."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
STAGES = (7 * DAY, DAY, HOUR, 0.0)
"""Seconds before the end at which the next stage begins."""

CURES: dict[Kind, str] = {
    "cache": "Open the IDE (Lingma or Qoder CN): it renews the login, or asks you to log in.",
    "imported": (
        "Export it anew where it came from (`lingma-proxy login export`), and import that "
        "(`lingma-proxy login import`)."
    ),
    "file": (
        "Export it anew where it came from (`lingma-proxy login export`), and put that in its "
        "place."
    ),
    "environment": "Set the variables LINGMA_COSY_KEY, … anew, from a new login.",
}
"""What to do about a login that ends."""


def stage(expires_at: float | None, now: float) -> int:
    """0 while the end is far or not known, then 1, 2, 3, and 4 when it has come."""
    if expires_at is None:
        return 0
    return sum(expires_at - now <= before for before in STAGES)


def ended(expires_at: float | None, now: float) -> bool:
    """Whether the end has come.  For display: the vendor decides."""
    return stage(expires_at, now) == len(STAGES)


def says(expires_at: float, now: float) -> str:
    """A clause: "it ends on 2027-01-17, in 2 days", "it ended on 2027-01-14, 1 day ago"."""
    day = date(expires_at)
    if ended(expires_at, now):
        return f"it ended on {day}, {span(now - expires_at)} ago"
    if stage(expires_at, now):
        return f"it ends on {day}, in {span(expires_at - now)}"
    return f"until {day}, {span(expires_at - now)}"


def warning(kind: Kind, place: str, expires_at: float | None, now: float) -> str:
    """What is to be said of a login that ends soon, and what to do; "" while it does not."""
    if expires_at is None or not stage(expires_at, now):
        return ""
    return f"The login of {place}: {says(expires_at, now)}. {CURES[kind]}"


def date(moment: float) -> str:
    """The day, where we are."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d}"


def span(seconds: float) -> str:
    """In the largest unit that fits: "30 days", "1 hour", "5 minutes"."""
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if seconds >= unit:
            # A hair less than 30 days is 30 days to whoever reads it.
            return _many(int(seconds / unit + 0.01), name)
    return _many(max(1, int(seconds / MINUTE)), "minute")


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
