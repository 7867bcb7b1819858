"""The yardstick: a relay that passes bytes on and looks at none of them.

Every proxy has to read, wake up and write; this one does nothing else, in the same
language and on the same event loop as the product.  What the product costs is stated in
relays, so that figures from different machines can stand side by side.

    python bench/relay.py <port of the vendor>        prints its port, and serves
"""

import asyncio
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One side of a connection; `other` is where its bytes go."""

    transport: asyncio.Transport
    other: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not its heirs

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        self.other.write(data)

    # The other side fills up: stop reading on this one.
    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        if self.other is not None:
            self.other.close()


class Client(Side):
    """The side of the client: keeps what comes before the vendor's side stands."""

    def __init__(self, vendor_port: int) -> None:
        self.vendor_port = vendor_port
        self.kept: list[bytes] = []
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.task = asyncio.get_running_loop().create_task(self.connect())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.kept.append(data)
        else:
            self.other.write(data)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        transport, vendor = await loop.create_connection(Side, "127.0.0.1", self.vendor_port)
        vendor.other, self.other = self.transport, transport
        transport.writelines(self.kept)


async def main() -> None:
    vendor_port = int(sys.argv[1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(vendor_port), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
