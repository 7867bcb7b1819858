"""The backend `ipc`, in front of the plugin's simulator, by each way that there is."""

import asyncio
import socket
from contextlib import asynccontextmanager
from pathlib import PureWindowsPath

import pytest

from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.ipc import ipc
from lingma_proxy.backends.pictures import Pictures
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.transports import pipe
from lingma_proxy.vendor.places import Machine
from support.remote import machine

PIPES = {"Qoder CN": "qodercn-bf0f32", "Lingma": "lingma-bf0f32"}

WAYS = ("websocket", "unix", "pipe")


def plugin_on(way, **more):
    """The simulator of a plugin that is reached that way; not started."""
    return Plugin(
        ("unix",) if way == "unix" else ("websocket",),
        form=None if way == "pipe" else "json",
        layout=None if way == "pipe" else SHORT[more.get("product", "Qoder CN")],
        **more,
    )


SHORT = {"Qoder CN": ".qodercn", "Lingma": ".lingma"}
"""The path of a socket must not be long."""


@asynccontextmanager
async def found(plugin, way="websocket", **more):
    """The backend; it finds the plugin that runs as it would find it on a machine."""
    with pytest.MonkeyPatch.context() as patch:
        if way == "pipe":
            discovery = Discovery(WINDOWS, pipe_names=lambda: ["other", PIPES[plugin.product]])
            patch.setattr(pipe, "open_pipe", windows_call(plugin))
        else:
            discovery = Discovery(machine(plugin.home))
        pictures = Pictures(plugin.home / "pictures")
        backend = ipc(discovery, pictures=pictures, **more)
        try:
            yield backend
        finally:
            await backend.aclose()


WINDOWS = Machine("windows", PureWindowsPath(r"C:\Users\someone"), {})


def windows_call(plugin):
    """In the place of the call of Windows that opens a pipe: leads to the plugin."""

    async def open_pipe(protocol, name):
        assert name == rf"\\.\pipe\{PIPES[plugin.product]}"
        ours, theirs = socket.socketpair()
        served = asyncio.create_task(plugin.serve(*await asyncio.open_connection(sock=theirs)))
        plugin._tasks.add(served)  # it is served until the plugin ends
        served.add_done_callback(plugin._tasks.discard)
        transport, _ = await asyncio.get_running_loop().create_connection(protocol, sock=ours)
        return transport

    return open_pipe
