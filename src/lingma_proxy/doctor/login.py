"""The login: where the vendor's programs are, whose login they keep, and until when."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lingma_proxy.backends.login import Login
from lingma_proxy.backends.logins import Found, open_to_others
from lingma_proxy.doctor.finding import Finding, ok, problem, warning
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.lasting import CURES, ended, says, stage
from lingma_proxy.vendor.places import Machine, runtimes, shown


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
            "Install one of them and log in; or `lingma-proxy login import`.",
        )
    ]


async def check_login(login: Login, clock: Callable[[], float] = time.time) -> Sequence[Finding]:
    """The login that is used, those that could be, and those that cannot."""
    try:
        credentials = await login.ready()
    except NotLoggedIn as error:
        return [problem("login", "there is none", error.message)]
    assert login.used is not None, "a login that is ready is from somewhere"
    others = [each for each in login.looked if each is not login.used]
    broken = [
        warning("login", f"the one in {each.place} is not used: {each.problem}")
        for each in others
        if each.problem
    ]
    usable = [each.place for each in others if not each.problem]
    chosen = [ok("logins", f"not used: {', '.join(usable)}; {login.why}")] if usable else []
    seen = await asyncio.to_thread(_seen_by_others, login.used)
    return [_lasting(login.used, credentials, clock()), *chosen, *broken, *seen]


def _lasting(used: Found, login: Credentials, now: float) -> Finding:
    who = f"{used.place}, user …{login.user_id[-4:]}"
    if used.expires_at is None:
        return ok("login", f"{who}; it does not say until when")
    told = f"{who}; {says(used.expires_at, now)}"
    if ended(used.expires_at, now):
        return problem("login", told, CURES[used.kind])
    if stage(used.expires_at, now):
        return warning("login", told, CURES[used.kind])
    return ok("login", told)


def _seen_by_others(used: Found) -> Sequence[Finding]:
    file = used.file
    if file is None or not open_to_others(file):
        return []
    name = f"{used.place}/cache/user" if used.kind == "cache" else used.place
    return [
        warning(
            "login",
            f"others on this machine can read {name}, and use the login",
            f"chmod 600 {name}" if name.startswith("~") else f"Take that right from them: {name}",
        )
    ]
