"""The login: where the vendor's programs are, whose login they keep, and until when."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from lingma_proxy.backends.login import Login
from lingma_proxy.doctor.finding import Finding, ok, problem, warning
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.places import Machine, runtimes, shown

SOON = 3.0
"""Days before its end when a login is worth a warning; it is good for about sixty."""
DAY = 24 * 3600.0


def runtimes_found(machine: Machine, *, needed: bool = True) -> list[Finding]:
    """Folders that the vendor's programs have left.  Looks at the disk: use a thread.

    They are not `needed` where a setting says which login to use.
    """
    found = [shown(machine, each) for each in runtimes(machine) if Path(each).is_dir()]
    if found:
        return [ok("runtimes", ", ".join(found))]
    if not needed:
        return [ok("runtimes", "none in this home; the settings say where the login is")]
    return [
        warning(
            "runtimes",
            "Lingma and Qoder CN have left no folder in this home",
            "Install one of them and log in; or set cache_dir, or remote_auth_file.",
        )
    ]


async def check_login(login: Login, clock: Callable[[], float] = time.time) -> Sequence[Finding]:
    """The login that is used, and those that cannot be."""
    try:
        credentials = await login.ready()
    except NotLoggedIn as error:
        return [problem("login", "there is none", error.message)]
    broken = [
        warning("login", f"the one in {each.place} is not used: {each.problem}")
        for each in login.looked
        if each.problem
    ]
    return [_lasting(credentials, clock()), *broken]


def _lasting(login: Credentials, now: float) -> Finding:
    who = f"{login.source}, user …{login.user_id[-4:]}"
    again = "Open the IDE (Lingma or Qoder CN): it renews the login, or asks you to log in."
    if login.expires_at is None:
        return ok("login", f"{who}; it does not say until when")
    days = (login.expires_at / 1000 - now) / DAY
    day = f"{datetime.fromtimestamp(login.expires_at / 1000).astimezone():%Y-%m-%d}"
    if days <= 0:
        return problem("login", f"{who}; it ended on {day}", again)
    if days < SOON:
        return warning("login", f"{who}; it ends on {day}", again)
    return ok("login", f"{who}; until {day}, {days:.0f} days")
