import asyncio
import socket
import sys
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.errors import BackendUnavailable
from lingma_proxy.transports import pipe
from lingma_proxy.transports.base import FramedTransport, Lsp
from lingma_proxy.transports.pipe import connect_pipe, connect_socket

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets here")
NAME = "lingma-bf0f32"


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "qodercn.sock")


@asynccontextmanager
async def listening(path, talk):
    async def once(reader, writer):
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(once, path)
    async with server:
        yield


async def echo(reader, writer):
    while chunk := await reader.read(2**16):
        writer.write(chunk)
        await writer.drain()


async def much(stream, number):
    said = b""
    while len(said) < number:
        chunk = await stream.read()
        assert chunk
        said += chunk
    return said


@pytest.fixture(params=["socket", "pipe"])
def connect(request, path, monkeypatch):
    """Both ways in; the pipe's with a socket in the place of Windows' call."""
    if sys.platform == "win32":
        pytest.skip("Windows has no Unix sockets here")
    opened: list[str] = []

    async def open_pipe(protocol, name):
        opened.append(name)
        transport, _ = await asyncio.get_running_loop().create_unix_connection(protocol, path)
        return transport

    async def through_pipe(**more):
        stream = await connect_pipe(NAME, **more)
        assert opened == [rf"\\.\pipe\{NAME}"]
        return stream

    monkeypatch.setattr(pipe, "open_pipe", open_pipe)
    return through_pipe if request.param == "pipe" else lambda **more: connect_socket(path, **more)


async def test_what_is_said_comes_back(connect, path) -> None:
    async with listening(path, echo):
        stream = await connect()
        await stream.write(b"hello")
        assert await stream.read() == b"hello"

        await stream.close()


async def test_much_goes_both_ways(connect, path) -> None:
    data = bytes(range(256)) * 20_000
    async with listening(path, echo):
        stream = await connect()
        hearing = asyncio.create_task(much(stream, len(data)))
        await stream.write(data)

        assert await hearing == data

        await stream.close()


async def test_messages_go_over_it(connect, path) -> None:
    async with listening(path, echo):
        transport = FramedTransport(await connect(), Lsp())
        await transport.send({"id": 1})
        await transport.send({"id": 2})

        assert [await transport.receive(), await transport.receive()] == [{"id": 1}, {"id": 2}]

        await transport.close()
        assert await transport.receive() is None
        assert transport.failure is None


async def test_a_side_that_goes_away_is_the_end(connect, path) -> None:
    async def talk(_reader, writer):
        writer.write(b"bye")

    async with listening(path, talk):
        stream = await connect()

        assert await stream.read() == b"bye"
        assert await stream.read() == b""
        await stream.close()
        with pytest.raises(ConnectionError):
            await stream.write(b"x")


async def test_who_writes_to_nobody_is_told_so(connect, path) -> None:
    async def talk(_reader, _writer):
        pass

    async with listening(path, talk):
        stream = await connect()

        with pytest.raises(ConnectionError):
            await stream.write(b"x" * 10_000_000)

        await stream.close()


async def test_closing_ends_who_waits(connect, path) -> None:
    async with listening(path, echo):
        stream = await connect()
        waiting = asyncio.create_task(stream.read())
        await asyncio.sleep(0)

        await asyncio.gather(stream.close(), stream.close())
        await stream.close()

        assert await waiting == b""
        assert await stream.read() == b""
        with pytest.raises(ConnectionError):
            await stream.write(b"x")


async def test_a_side_that_reads_nothing_does_not_keep_us(connect, path, monkeypatch) -> None:
    monkeypatch.setattr(pipe, "FAREWELL", 0.05)
    over = asyncio.Event()

    async def talk(_reader, _writer):
        await over.wait()

    async with listening(path, talk):
        stream = await connect()
        stuck = asyncio.create_task(stream.write(b"x" * 10_000_000))
        await asyncio.sleep(0)
        await stream.close()
        over.set()

        with pytest.raises(OSError):
            await stuck


@on_unix
async def test_a_socket_that_is_not_there_is_named_without_its_folder(path) -> None:
    with pytest.raises(BackendUnavailable) as failure:
        await connect_socket(path)

    assert failure.value.message == "The socket qodercn.sock does not exist (any more)."


@on_unix
async def test_a_socket_that_nobody_listens_on_is_said(path) -> None:
    with socket.socket(socket.AF_UNIX) as left:  # asyncio would tidy up, from 3.13 on
        left.bind(path)

    with pytest.raises(BackendUnavailable, match="nobody listens"):
        await connect_socket(path)


@on_unix
@pytest.mark.parametrize("name", ["x" * 300, "\0"])
async def test_a_name_that_cannot_be_is_said(name, tmp_path) -> None:
    with pytest.raises(BackendUnavailable):
        await connect_socket(str(tmp_path / name))


FAILURES = {
    "not there": (FileNotFoundError(), "does not exist"),
    "another's": (PermissionError(), "another user"),
    "broken": (OSError("x"), "cannot be opened"),
}


@pytest.mark.parametrize(("error", "sentence"), FAILURES.values(), ids=FAILURES)
async def test_why_a_pipe_does_not_open_is_said(error, sentence, monkeypatch) -> None:
    async def open_pipe(_protocol, _name):
        raise error

    monkeypatch.setattr(pipe, "open_pipe", open_pipe)

    with pytest.raises(BackendUnavailable, match=sentence) as failure:
        await connect_pipe(rf"\\.\pipe\{NAME}")
    assert failure.value.message.startswith(rf"The pipe \\.\pipe\{NAME} ")


async def test_a_pipe_that_stays_busy_is_said(monkeypatch) -> None:
    async def open_pipe(_protocol, _name):
        await asyncio.Event().wait()

    monkeypatch.setattr(pipe, "open_pipe", open_pipe)

    with pytest.raises(BackendUnavailable, match="did not answer in time"):
        await connect_pipe(NAME, timeout=0.01)


@on_unix
async def test_elsewhere_than_on_windows_there_are_no_pipes() -> None:
    with pytest.raises(BackendUnavailable, match="only on Windows"):
        await connect_pipe(NAME)


@pytest.mark.skipif(sys.platform != "win32", reason="needs named pipes of Windows")
async def test_a_real_pipe_of_windows_goes_both_ways() -> None:
    class Echo(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

        def connection_lost(self, _error):
            self.transport.close()

    name = rf"\\.\pipe\{NAME}-test"
    loop = asyncio.get_running_loop()
    [server] = await loop.start_serving_pipe(Echo, name)  # type: ignore[attr-defined]
    try:
        stream = await connect_pipe(name)
        await stream.write(b"hello")
        assert await stream.read() == b"hello"
        await stream.close()
        with pytest.raises(BackendUnavailable):
            await connect_pipe(name + "-not")
    finally:
        server.close()
