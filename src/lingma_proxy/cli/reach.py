"""A gateway to ask: the one that is running, or one of our own for as long as it takes."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from lingma_proxy import __version__
from lingma_proxy.doctor.port import Listener, address, who_listens
from lingma_proxy.errors import (
    BackendError,
    BackendTimeout,
    BackendUnavailable,
    NotAllowed,
    ProxyError,
    translated,
)
from lingma_proxy.gateway import assemble, whoever_answers
from lingma_proxy.jsonio import an_object, loads
from lingma_proxy.server.app import Server
from lingma_proxy.settings import Resolved, Settings

OF_A_RUNNING_ONE = {"host", "port", "api_key", "api_key_file", "model"}
"""Settings that say where the running gateway is, or what is asked of it.  Any other that
is given as a flag asks for a gateway that is set up so: one of our own."""

PATIENCE = aiohttp.ClientTimeout(total=None, connect=5)


@dataclass(frozen=True)
class Reached:
    """A gateway, and a session to ask it with."""

    url: str
    session: aiohttp.ClientSession
    ours: bool
    """Whether it lives in this process."""

    @asynccontextmanager
    async def asking(
        self, method: str, path: str, body: Any = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to one request.  Raises our errors, with the gateway's own words."""
        with translated(
            {
                TimeoutError: (BackendTimeout, "The gateway did not answer in time."),
                aiohttp.ClientError: (
                    BackendUnavailable,
                    "The connection to the gateway was lost.",
                ),
            }
        ):
            async with self.session.request(method, self.url + path, json=body) as answer:
                if answer.status >= 400:
                    raise refusal(answer.status, await answer.read())
                yield answer


@asynccontextmanager
async def reach(resolved: Resolved) -> AsyncIterator[Reached]:
    """The running gateway if one answers on the configured port, else one of our own."""
    settings = resolved.settings
    special = {
        name for name, origin in resolved.origins.items() if origin.kind == "flag"
    } - OF_A_RUNNING_ONE
    url = address(settings)
    if not special and settings.port:
        async with _session(settings.api_key) as session:
            match await who_listens(session, url):
                case Listener.OURS:
                    yield Reached(url, session, ours=False)
                    return
                case Listener.OURS_WITH_ANOTHER_KEY:
                    raise NotAllowed(
                        f"The Lingma Proxy on {url} wants another key: set api_key as it has it."
                    )
    async with simulated_if_asked(settings) as real, _own(real) as reached:
        yield reached


@asynccontextmanager
async def simulated_if_asked(settings: Settings) -> AsyncIterator[Settings]:
    """The same settings, with a simulator running where they ask for one."""
    if not await wants_simulator(settings):
        yield settings
        return
    # The simulator is a server of its own: only who wants it waits for its imports.
    from lingma_proxy.cli.stand_in import stand_in  # noqa: PLC0415 — see above

    async with stand_in(settings) as changed:
        yield changed


async def wants_simulator(settings: Settings) -> bool:
    if settings.backend == "simulator":
        return True
    return settings.simulate_without_login and not await somebody_there(settings)


async def somebody_there(settings: Settings) -> bool:
    """Whether anybody could answer with these settings: with a login, as a plugin, as an agent."""
    behind = whoever_answers(settings)
    try:
        await behind.look()
        return behind.presence().found
    finally:
        await behind.aclose()


@asynccontextmanager
async def _own(settings: Settings) -> AsyncIterator[Reached]:
    # A port that others on this machine could find, so it has a key that they cannot.
    key = secrets.token_urlsafe(24)
    server = Server(
        assemble(replace(settings, host="127.0.0.1", port=0, api_key=key, shutdown_grace=0))
    )
    url = await server.start()
    try:
        async with _session(key) as session:
            yield Reached(url, session, ours=True)
    finally:
        await server.stop()


def _session(key: str) -> aiohttp.ClientSession:
    headers = {"User-Agent": f"lingma-proxy/{__version__}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return aiohttp.ClientSession(headers=headers, timeout=PATIENCE)


def refusal(status: int, body: bytes) -> ProxyError:
    """What the gateway says, as an error of ours."""
    match _json(body):
        case {"error": {"message": str(message)}}:
            return BackendError(message)
        case _:
            return BackendError(f"The gateway answered with status {status}, and no reason.")


def _json(body: bytes) -> Any:
    try:
        return an_object(loads(body))
    except ValueError:
        return {}
