"""The life of a server: open the port, say what it is, answer, stop with grace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import fields, replace
from pathlib import Path

import aiohttp
import click

from lingma_proxy.cli import logs
from lingma_proxy.cli.greeting import greeting
from lingma_proxy.cli.loop import stops, unless
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.reach import simulated_if_asked
from lingma_proxy.cli.watching import Watching
from lingma_proxy.doctor.port import Listener, address, who_listens
from lingma_proxy.errors import BackendUnavailable, SettingsError
from lingma_proxy.gateway import assemble, renewed
from lingma_proxy.server.app import Server
from lingma_proxy.settings import Resolved, Settings


async def serving(
    resolved: Resolved,
    load: Callable[[], Resolved],
    files: Callable[[Settings], Sequence[Path]],
) -> None:
    """Serve until somebody wants it to stop.

    `load` reads the settings again, `files` are those on which they depend.
    """
    settings = resolved.settings
    log = logs.start(settings.log_level, settings.log_format)
    with closing(log), stops() as said:
        async with simulated_if_asked(settings) as real:
            gateway = assemble(real)
            server = Server(gateway)
            url = await _opened(server, settings)
            # What leads to a simulator of our own is nobody's to change.
            ours = {
                field.name: value
                for field in fields(real)
                if (value := getattr(real, field.name)) != getattr(settings, field.name)
            }

            def apply(changed: Settings) -> None:
                server.change(renewed(gateway, replace(changed, **ours)))
                log.change(changed.log_level, changed.log_format)

            try:
                await gateway.behind.look()
                for line in greeting(url, real, gateway.behind, resolved.origins["api_key"]):
                    click.echo(line)
                async with watching(settings, load, files, apply):
                    await said.once.wait()
                tell(
                    f"Stopping: replies that are being said have {settings.shutdown_grace:g} s to"
                    " end. Ctrl-C again stops at once."
                )
            finally:
                await unless(said.twice, server.stop())


@asynccontextmanager
async def watching(
    settings: Settings,
    load: Callable[[], Resolved],
    files: Callable[[Settings], Sequence[Path]],
    apply: Callable[[Settings], None],
) -> AsyncIterator[None]:
    """Apply what changes in the settings files meanwhile."""
    watcher = Watching(settings, load, files, apply)
    task = asyncio.create_task(watcher.run(), name="watch the settings")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


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
