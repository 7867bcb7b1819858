"""The life of a server: open the port, say what it is, answer, stop with grace."""

from contextlib import closing

import aiohttp
import click

from lingma_proxy.cli import logs
from lingma_proxy.cli.greeting import greeting
from lingma_proxy.cli.loop import stops, unless
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.reach import simulated_if_asked
from lingma_proxy.doctor.port import Listener, address, who_listens
from lingma_proxy.errors import BackendUnavailable, SettingsError
from lingma_proxy.gateway import assemble
from lingma_proxy.server.app import Server
from lingma_proxy.settings import Resolved, Settings


async def serving(resolved: Resolved) -> None:
    """Serve until somebody wants it to stop."""
    settings = resolved.settings
    with closing(logs.start(settings.log_level)), stops() as said:
        async with simulated_if_asked(settings) as real:
            gateway = assemble(real)
            server = Server(gateway)
            url = await _opened(server, settings)
            try:
                await gateway.behind.look()
                for line in greeting(url, real, gateway.behind, resolved.origins["api_key"]):
                    click.echo(line)
                await said.once.wait()
                tell(
                    f"Stopping: replies that are being said have {settings.shutdown_grace:g} s to"
                    " end. Ctrl-C again stops at once."
                )
            finally:
                await unless(said.twice, server.stop())


async def _opened(server: Server, settings: Settings) -> str:
    try:
        return await server.start()
    except SettingsError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        url = address(settings)
        async with aiohttp.ClientSession() as session:
            listener = await who_listens(session, url)
        if listener in {Listener.OURS, Listener.OURS_WITH_ANOTHER_KEY}:
            raise BackendUnavailable(
                f"A Lingma Proxy is running on {url} already. Use that one, or choose another"
                " port: --port."
            ) from error
        raise
