"""The whole check-up, in the order in which things depend on each other."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lingma_proxy.backend import Backend
from lingma_proxy.backends.login import Login, detect_base_url
from lingma_proxy.doctor.finding import Check, Finding, Level, examine, warning
from lingma_proxy.doctor.lingma import check_address, check_answer, check_models
from lingma_proxy.doctor.login import check_login, runtimes_found
from lingma_proxy.doctor.machine import check_program, check_proxies, check_settings
from lingma_proxy.doctor.port import check_port
from lingma_proxy.gateway import assemble
from lingma_proxy.settings import Resolved, Settings


async def checkup(
    resolved: Resolved,
    settings: Settings,
    environment: Mapping[str, str],
    *,
    patience: float,
) -> AsyncGenerator[Finding, None]:
    """All findings, each as soon as it is known.

    `settings` are those of `resolved`, or what a simulator has made of them.
    """
    login = Login(file=settings.remote_auth_file, cache_dir=settings.cache_dir)
    # A check-up opens no port; that a setting would open one to others is a finding.
    gateway = assemble(replace(settings, open_bind=True))
    hopeless = False
    try:
        here = around(resolved, settings, environment, login)
        async for finding in examine(here, patience=patience):
            lost = finding.level is Level.PROBLEM and finding.about in {"login", "address"}
            hopeless = hopeless or lost
            yield finding
        there = behind(gateway.backend, settings.model)
        if hopeless:
            for about, _ in there:
                yield warning(about, "not tried: see the problem above")
            return
        async for finding in examine(there, patience=patience):
            yield finding
    finally:
        await gateway.aclose()
        await login.aclose()


def around(
    resolved: Resolved, settings: Settings, environment: Mapping[str, str], login: Login
) -> list[tuple[str, Check]]:
    """What can be looked at from here."""

    async def runtimes() -> Sequence[Finding]:
        needed = not (settings.cache_dir or settings.remote_auth_file)
        return await asyncio.to_thread(runtimes_found, login.machine, needed=needed)

    async def address() -> Sequence[Finding]:
        url, whence = await asyncio.to_thread(
            detect_base_url, settings.remote_base_url, login.machine, login.runtime
        )
        return await check_address(url, whence, settings.remote_proxy_url)

    return [
        ("program", check_program),
        ("settings", partial(check_settings, resolved)),
        ("port", partial(check_port, settings)),
        ("proxies", partial(check_proxies, environment, settings.remote_proxy_url)),
        ("runtimes", runtimes),
        ("login", partial(check_login, login)),
        ("address", address),
    ]


def behind(backend: Backend, model: str) -> list[tuple[str, Check]]:
    """What only Lingma itself can tell."""
    return [
        ("models", partial(check_models, backend)),
        ("answer", partial(check_answer, backend, model)),
    ]
