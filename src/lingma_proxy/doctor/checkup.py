"""The whole check-up, in the order in which things depend on each other."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from lingma_proxy.backends.base_url import detect_base_url
from lingma_proxy.backends.login import Login
from lingma_proxy.doctor.agent import check_agent, check_login_methods
from lingma_proxy.doctor.answering import check_choice, check_peer
from lingma_proxy.doctor.finding import Check, Finding, Level, examine, ok, warning
from lingma_proxy.doctor.lingma import check_address, check_answer, check_models
from lingma_proxy.doctor.login import check_login, runtimes_found
from lingma_proxy.doctor.machine import check_program, check_proxies, check_settings
from lingma_proxy.doctor.plugin import check_plugin
from lingma_proxy.doctor.port import check_port
from lingma_proxy.errors import SettingsError
from lingma_proxy.gateway import (
    Behind,
    Gateway,
    agent_of,
    agents_installed,
    assemble,
    discovery_of,
    login_of,
)
from lingma_proxy.settings import Resolved, Settings
from lingma_proxy.vendor.acp_messages import keeps_its_tools

WAYS = {
    "remote": {"login", "address"},
    "simulator": {"login", "address"},
    "ipc": {"plugin"},
    "acp": {"agent"},
}
"""By backend, what must be well before it is worth asking anything."""


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
    login = login_of(settings)
    # A check-up opens no port; that a setting would open one to others is a finding.
    gateway = assemble(replace(settings, open_bind=True))
    hopeless = refused = False
    try:
        here: list[tuple[str, Check]] = [
            ("program", check_program),
            ("settings", partial(check_settings, resolved)),
            ("port", partial(check_port, settings)),
            ("proxies", partial(check_proxies, environment, settings.remote_proxy_url)),
            ("backend", partial(check_choice, gateway.behind)),
        ]
        async for finding in examine(here, patience=patience):
            yield finding
        chosen = gateway.behind.name()
        async for finding in examine(ways(settings, login, chosen), patience=patience):
            lost = finding.level is Level.PROBLEM and finding.about in WAYS[chosen]
            hopeless = hopeless or lost
            yield finding
        for about, check in asked(gateway):
            if hopeless:
                yield warning(about, "not tried: see the problem above")
                continue
            async for finding in examine([(about, check)], patience=patience):
                refused = refused or finding.level is Level.PROBLEM
                yield finding
        async for finding in examine(told(gateway.behind, refused=refused), patience=patience):
            yield finding
    finally:
        await gateway.aclose()
        await login.aclose()


def ways(settings: Settings, login: Login, chosen: str) -> list[tuple[str, Check]]:
    """What can be looked at from here of all ways to an answer.

    What is amiss with those that were not chosen is no problem.
    """

    async def runtimes() -> Sequence[Finding]:
        return await asyncio.to_thread(runtimes_found, login.machine, needed=not login.named)

    async def address() -> Sequence[Finding]:
        url, whence = await asyncio.to_thread(
            detect_base_url,
            settings.remote_base_url,
            login.machine,
            login.runtime,
            login.base_url,
        )
        return await check_address(url, whence, settings.remote_proxy_url)

    async def plugin() -> Sequence[Finding]:
        try:
            discovery = discovery_of(settings)
        except SettingsError as error:
            return [ok("plugin", error.message)]  # it is refused where it is wanted
        return await check_plugin(discovery, needed=chosen == "ipc")

    async def agent() -> Sequence[Finding]:
        try:
            command = agent_of(settings).command
        except SettingsError:  # there is none
            command = ()
        return await check_agent(
            command,
            agents_installed(),
            needed=chosen == "acp",
            tools=keeps_its_tools(settings.acp_command),
        )

    remote: list[tuple[str, Check]] = [
        ("runtimes", runtimes),
        ("login", partial(check_login, login)),
        ("address", address),
    ]
    others: list[tuple[str, Check]] = [("plugin", plugin), ("agent", agent)]
    if chosen == "simulator":
        return remote
    if chosen == "remote":
        return [*remote, *others]
    return [("login", partial(unneeded, login)), *others]


async def unneeded(login: Login) -> Sequence[Finding]:
    """The login, where nobody depends on it."""
    found = await check_login(login)
    return [ok(each.about, f"{each.found} (and none is needed)") for each in found[:1]]


def asked(gateway: Gateway) -> list[tuple[str, Check]]:
    """What only who answers can tell."""
    model = gateway.default_model()
    return [
        ("models", partial(check_models, gateway.backend, needed=bool(model))),
        ("answer", partial(check_answer, gateway.backend, model)),
    ]


def told(behind: Behind, *, refused: bool) -> list[tuple[str, Check]]:
    """What who answers has said of itself by now."""
    if refused:
        return [("agent", partial(check_login_methods, behind.login_methods))]
    return [("connection", partial(check_peer, behind))]
