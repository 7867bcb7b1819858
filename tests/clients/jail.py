"""Run a command where there is only loopback, and on it only one port of ours.

    jail.py PORT COMMAND …       (root on Linux)

The command gets a network namespace of its own.  127.0.0.1:PORT in it is carried to
127.0.0.1:PORT outside over a Unix socket; there is nothing else to reach.
"""

import asyncio
import ctypes
import fcntl
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP_RUNNING = 0x41


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def join(one: tuple, other: tuple) -> None:
    await asyncio.gather(carry(one[0], other[1]), carry(other[0], one[1]))


async def outside(port: int, door: str) -> None:
    async def enter(reader, writer):
        await join((reader, writer), await asyncio.open_connection("127.0.0.1", port))

    server = await asyncio.start_unix_server(enter, door)
    async with server:
        await server.serve_forever()


async def inside(port: int, door: str, command: list[str]) -> int:
    async def enter(reader, writer):
        await join((reader, writer), await asyncio.open_unix_connection(door))

    async with await asyncio.start_server(enter, "127.0.0.1", port):
        process = await asyncio.create_subprocess_exec(*command)
        return await process.wait()


def only_loopback() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise SystemExit(
            f"jail: {os.strerror(ctypes.get_errno())} (root is needed; JAIL=0 does without)"
        )
    with socket.socket() as any_socket:
        request = struct.pack("16sH14s", b"lo", IFF_UP_RUNNING, b"")
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def main() -> int:
    port, command = int(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        door = str(Path(folder) / "door")
        keeper = os.fork()
        if keeper == 0:
            asyncio.run(outside(port, door))
            os._exit(0)
        try:
            while not Path(door).exists():
                os.sched_yield()
            only_loopback()
            return asyncio.run(inside(port, door, command))
        finally:
            os.kill(keeper, 15)
            os.waitpid(keeper, 0)


if __name__ == "__main__":
    sys.exit(main())
