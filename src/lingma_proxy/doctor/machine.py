"""This machine: Python, the settings as they were found, proxies on the way."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from lingma_proxy import __version__
from lingma_proxy.doctor.finding import Finding, ok, warning
from lingma_proxy.settings import Resolved
from lingma_proxy.settings.kinds import Url

PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


async def check_program() -> list[Finding]:
    try:
        loop = f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        loop = "without uvloop"
    return [
        ok(
            "program",
            f"Lingma Proxy {__version__}, Python {platform.python_version()}, {loop}, "
            f"{platform.system()} {platform.machine()}",
        )
    ]


async def check_settings(resolved: Resolved) -> list[Finding]:
    origins = list(resolved.origins.values())
    files = {origin.name for origin in origins if origin.kind == "file"}
    places = {"file": ", ".join(files), "environment": "the environment", "flag": "flags"}
    counts = {kind: sum(origin.kind == kind for origin in origins) for kind in places}
    said = [f"{counts[kind]} from {place}" for kind, place in places.items() if counts[kind]]
    return [
        ok("settings", "; ".join(said) or "all at their defaults"),
        *(warning("settings", notice) for notice in resolved.notices),
    ]


async def check_proxies(environment: Mapping[str, str], remote_proxy_url: str) -> list[Finding]:
    """Proxy variables: they lead clients astray, and do not lead us."""
    named = [name for name in PROXIES if environment.get(name)]
    if remote_proxy_url:
        own = f"Lingma is reached through {Url().show(remote_proxy_url)}"
    else:
        own = "Lingma is reached directly"
    if not named:
        return [ok("proxies", own)]
    findings = [
        ok("proxies", own)
        if remote_proxy_url
        else warning(
            "proxies",
            f"{named[0]} is set, and Lingma Proxy does not use it: {own}",
            "If Lingma cannot be reached directly, set remote_proxy_url.",
        )
    ]
    excepted = environment.get("NO_PROXY", "") + "," + environment.get("no_proxy", "")
    words = {word.strip() for word in excepted.split(",")}
    plain = any(name.lower() != "https_proxy" for name in named)
    if plain and not words & {"*", "127.0.0.1", "127.0.0.0/8"}:
        findings.append(
            warning(
                "proxies",
                f"clients that obey {named[-1]} may send what is meant for 127.0.0.1 to the proxy",
                "Set NO_PROXY=127.0.0.1,localhost where the client runs.",
            )
        )
    return findings
