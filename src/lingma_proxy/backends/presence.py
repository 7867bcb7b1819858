"""Who is there: a login that can be used, a plugin that listens, an agent that is installed.

A look from outside, for `choice.py`: nobody is asked for anything, and nothing is started.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePath
from urllib.parse import urlsplit

from lingma_proxy.backends.choice import Presence
from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.logins import Found
from lingma_proxy.vendor.lasting import CURES, date, ended
from lingma_proxy.vendor.plugin_places import Endpoint

KNOCK = 0.5
"""Seconds in which a program on this machine takes a connection, if it listens at all."""
LOOPBACK = {"localhost", "::1"}


async def login_presence(login: Login, now: Callable[[], float] = time.time) -> Presence:
    """A login that can be read and has not ended."""
    await login.reload()
    if login.used is not None and login.used.credentials is not None:
        return login_says(login.used, login.used.credentials.user_id, now())
    broken = next((each for each in login.looked if each.problem), None)
    if broken is None:
        return Presence(found=False, says="no login was found")
    return Presence(found=False, says=f"the login in {broken.place} cannot be used")


def login_says(login: Found, user_id: str, now: float) -> Presence:
    whose = f"the login of {login.place}"
    user = f"user …{user_id[-4:]}"
    if login.expires_at is None:
        return Presence(found=True, says=f"{whose} ({user})")
    day = date(login.expires_at)
    if ended(login.expires_at, now):
        cure = CURES[login.kind].rstrip(".")
        return Presence(
            found=False,
            says=f"{whose} ({user}) ended on {day}, so {cure[:1].lower()}{cure[1:]}",
        )
    return Presence(found=True, says=f"{whose} ({user}, until {day})")


async def plugin_presence(discovery: Discovery) -> Presence:
    """A plugin that takes connections: the files of one that has ended look like any other's."""
    endpoints = await asyncio.to_thread(discovery.endpoints)
    for endpoint in endpoints:
        if await listens(endpoint):
            return Presence(found=True, says=f"{endpoint.product} is running ({endpoint.whence})")
    if endpoints:
        left = endpoints[0]
        return Presence(
            found=False,
            says=f"{left.product} is not open, and nobody listens where {left.whence} leads",
        )
    return Presence(found=False, says="neither Qoder CN nor Lingma is open")


async def listens(endpoint: Endpoint) -> bool:
    """Whether somebody takes a connection there.

    A pipe that is listed is somebody's; whether another machine listens takes too long.
    """
    if endpoint.kind == "pipe":
        return True
    with suppress(OSError, ValueError, TimeoutError):
        async with asyncio.timeout(KNOCK):
            if endpoint.kind == "socket":
                _, writer = await asyncio.open_unix_connection(endpoint.address)
            else:
                url = urlsplit(endpoint.address)
                host = url.hostname or ""
                if host not in LOOPBACK and not host.startswith("127."):
                    return True
                _, writer = await asyncio.open_connection(host, url.port or 80)
            writer.close()
            await writer.wait_closed()
            return True
    return False


async def agent_presence(
    program: str, which: Callable[[str], str | None] = shutil.which
) -> Presence:
    """A program that can be started."""
    name = PurePath(program).name  # its folder is nobody's business
    if await asyncio.to_thread(which, program) is None:
        return Presence(found=False, says=f"there is no program {name}")
    return Presence(found=True, says=f"{name} is installed")
