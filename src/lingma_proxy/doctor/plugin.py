"""The plugin on this machine: where it may be reached, and where nobody listens any more."""

import asyncio
from collections.abc import Awaitable, Callable

from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.presence import listens
from lingma_proxy.doctor.finding import Finding, ok, problem
from lingma_proxy.vendor.plugin_places import Endpoint

KINDS = {"websocket": "a WebSocket", "socket": "a socket", "pipe": "a pipe"}
OPEN_IT = (
    "Open Lingma (or Qoder CN), and log in there; or say where it listens: --ws-url, --pipe,"
    " --ipc-socket."
)


async def check_plugin(
    discovery: Discovery,
    *,
    needed: bool,
    knock: Callable[[Endpoint], Awaitable[bool]] = listens,
) -> list[Finding]:
    """Every address that was found; it is a problem only if somebody `needed` one."""
    endpoints = await asyncio.to_thread(discovery.endpoints)
    there = [endpoint for endpoint in endpoints if await knock(endpoint)]
    findings = [
        ok("plugin", f"{each.product} listens on {KINDS[each.kind]} ({each.whence})")
        if each in there
        else ok("plugin", f"nobody listens any more where {each.whence} leads ({each.product})")
        for each in endpoints
    ]
    findings = list(dict.fromkeys(findings))  # a file may lead to two places
    if there or (findings and not needed):
        return findings
    if needed:
        return [*findings, problem("plugin", "no running Lingma or Qoder CN was found", OPEN_IT)]
    return [ok("plugin", "neither Qoder CN nor Lingma is open")]
