"""Takes the steps of a delivery on a real connection."""

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from aiohttp import web

from lingma_proxy.simulator.delivery import Drop, End, Head, Pause, Reset, Step, Write
from lingma_proxy.simulator.seen import Seen
from lingma_proxy.simulator.silence import silence


async def carry(request: web.Request, seen: Seen, steps: Iterable[Step]) -> web.StreamResponse:
    """Do what the steps say, and count what was written."""
    response = web.StreamResponse()
    for step in steps:
        match step:
            case Pause(seconds):
                await silence(seconds)
            case Head(status, content_type, headers):
                response.set_status(status)
                response.headers.update(headers)
                response.headers["Content-Type"] = content_type
                await response.prepare(request)
            case Write(data):
                await response.write(data)
                seen.written += len(data)
            case End():
                await response.write_eof()
            case Drop():
                if request.transport is not None:
                    request.transport.close()
            case Reset():
                reset(request)
    return response


def reset(request: web.Request) -> None:
    """Close with RST instead of FIN."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
