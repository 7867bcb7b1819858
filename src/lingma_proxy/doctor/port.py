"""Who listens on the port that the settings name."""

from enum import Enum
from typing import Any

import aiohttp

from lingma_proxy.doctor.finding import Finding, ok, problem, warning
from lingma_proxy.gateway import is_loopback
from lingma_proxy.jsonio import loads
from lingma_proxy.settings import Settings

PATIENCE = aiohttp.ClientTimeout(total=2)
LONGEST = 64 * 1024
"""Bytes of an answer that are read: a stranger may send anything."""


class Listener(Enum):
    NOBODY = "nobody"
    OURS = "ours"
    OURS_WITH_ANOTHER_KEY = "ours, with another key"
    STRANGER = "a stranger"


def address(settings: Settings) -> str:
    """Where a gateway with these settings is found from this machine."""
    anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 — read, not bound to
    host = anywhere.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def who_listens(session: aiohttp.ClientSession, url: str) -> Listener:
    try:
        async with session.get(url + "/version", timeout=PATIENCE, allow_redirects=False) as answer:
            body = _json(await answer.content.read(LONGEST))
    except aiohttp.ClientConnectorError:
        return Listener.NOBODY
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Listener.STRANGER
    match answer.status, body:
        case 200, {"service": "lingma-proxy"}:
            return Listener.OURS
        case 401, {"error": {"message": str(message)}} if "Lingma Proxy" in message:
            return Listener.OURS_WITH_ANOTHER_KEY
        case _:
            return Listener.STRANGER


async def check_port(settings: Settings) -> list[Finding]:
    return [*_exposure(settings), await _listener(settings)]


async def _listener(settings: Settings) -> Finding:
    if settings.port == 0:
        return ok("port", "any that is free (port is 0)")
    headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
    url = address(settings)
    async with aiohttp.ClientSession(headers=headers) as session:
        listener = await who_listens(session, url)
    match listener:
        case Listener.NOBODY:
            return ok("port", f"{settings.port} is free")
        case Listener.OURS:
            return ok("port", f"a Lingma Proxy is running on {url}")
        case Listener.OURS_WITH_ANOTHER_KEY:
            return warning(
                "port",
                f"a Lingma Proxy is running on {url}, with another key",
                "Set api_key as that one has it.",
            )
        case Listener.STRANGER:
            return problem(
                "port",
                f"another program is using port {settings.port}",
                "Stop it, or choose another port: --port, or the setting port.",
            )


def _exposure(settings: Settings) -> list[Finding]:
    if is_loopback(settings.host):
        return []
    if settings.api_key:
        return [ok("network", f"others can reach {settings.host}, and need the key")]
    if settings.open_bind:
        return [
            warning(
                "network",
                f"others can reach {settings.host} and use your login: there is no key",
                "Set api_key.",
            )
        ]
    return [
        problem(
            "network",
            f"{settings.host} can be reached by others, and there is no key",
            "Set api_key, or host to 127.0.0.1.",
        )
    ]


def _json(body: bytes) -> Any:
    try:
        return loads(body)
    except ValueError:
        return None
