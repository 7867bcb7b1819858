"""A child process that speaks over its standard input and output.

    child = await Child.start(["qwen", "--acp"])
    FramedTransport(child.stream, Lines())
    …
    await child.end()

What it says on standard error is read all the time, so that it never waits for us, and the
last of it is kept for the error message.  When the child is ended, whatever it has started
ends with it.
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from lingma_proxy.errors import Absent, BackendUnavailable
from lingma_proxy.transports.base import ByteStream, Once
from lingma_proxy.transports.complaint import Tail
from lingma_proxy.transports.process_tree import apart, tree

GRACE = 1.5
"""Seconds to end by itself, once its standard input has ended."""
PATIENCE = 1.0
"""Seconds to end when it is asked to."""
DYING = 2.0
"""Seconds until the child that was killed is gone, on a machine that is very busy."""
BURIAL = 0.2
"""Seconds until the others are, too.  In a container they may be dead for much longer before
the first process buries them."""
OFTEN = 0.01
"""Seconds between two looks at a process group: nobody tells when it is empty."""
LINGER = 1.0
"""Seconds that its outputs may stay open when the child has gone: others may hold them, too."""
CHUNK = 256 * 1024
"""Bytes of a read, and about what is read ahead of it."""
OURS = "LINGMA_"
"""How the names of our own variables begin; some are keys."""


class Child:
    """A child process, from its start to the end of all that it has started."""

    def __init__(self, transport: asyncio.SubprocessTransport, pipes: "_Pipes") -> None:
        self._transport = transport
        self._pipes = pipes
        self._tree = tree(transport.get_pid())
        pipes.at_exit(self._tree.alive)
        self._hurried = False
        self._finish = Once(self._finished)

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        cwd: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> "Child":
        """Raises Absent, which names the command's first word, as it was given.

        Without `environment` it is our own, but for what is ours alone.  When it is
        cancelled, nothing is left.
        """
        variables = dict(environment) if environment is not None else inherited(os.environ)
        starting = asyncio.create_task(cls._started(command, cwd, variables))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # It cannot be stopped half-way: there would be a process that nobody knows of.
            with suppress(BackendUnavailable):
                child = await starting
                await child.end(at_once=True)
            raise

    @property
    def stream(self) -> ByteStream:
        """Its standard output, and its standard input; closing it ends neither of them at once."""
        return self._pipes

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    @property
    def exited(self) -> asyncio.Event:
        """Set when the child itself has gone; what it has started may still be there."""
        return self._pipes.exited

    @property
    def returncode(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._transport.get_returncode()

    def complaint(self) -> str:
        """The last that it said on standard error, fit for an error; "" if that was nothing."""
        return self._pipes.complaint.text()

    def say_no_more(self) -> None:
        """End its standard input, and go on listening."""
        self._pipes.say_no_more()

    async def wait(self) -> int:
        """Its code, once it has gone and `complaint` is complete."""
        await self.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._pipes.silent.wait()
        return self.returncode or 0

    async def end(self, *, at_once: bool = False) -> None:
        """End it, and all that it has started: gently, then firmly, in a few seconds.

        To be called also when it has gone by itself.  Safe to call again, and by several.
        Who is cancelled meanwhile makes it short: all are killed, and gone, before
        CancelledError goes on.
        """
        self._hurried = self._hurried or at_once
        try:
            await self._finish()
        except asyncio.CancelledError:
            self._hurried = True
            await self._finish()
            raise

    @classmethod
    async def _started(
        cls, command: Sequence[str], cwd: str | None, environment: dict[str, str]
    ) -> "Child":
        program = _found(command, environment)
        try:
            transport, pipes = await asyncio.get_running_loop().subprocess_exec(
                _Pipes,
                program,
                *command[1:],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                **apart(),
            )
        except (OSError, ValueError) as error:
            raise Absent(_why(error, command[0], cwd)) from error
        return cls(transport, pipes)

    async def _finished(self) -> None:
        try:
            self._pipes.hang_up()
            if not await self._gone(GRACE):
                await self._tree.ask()
            if not await self._gone(PATIENCE):
                await self._tree.kill()
                with suppress(TimeoutError):
                    async with asyncio.timeout(DYING):
                        await self.exited.wait()
                self._hurried = False
                await self._gone(BURIAL)
        except asyncio.CancelledError:  # the loop itself ends
            await self._tree.kill()
            raise
        finally:
            await self._let_go()

    async def _gone(self, seconds: float) -> bool:
        """Wait for a while until all are gone."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not self.exited.is_set() or self._tree.alive():
            if clock() >= until or self._hurried:
                return False
            await asyncio.sleep(OFTEN)
        return True

    async def _let_go(self) -> None:
        """Close our ends of its pipes, whoever holds the others."""
        self._transport.close()  # kills the child if all else has failed
        self._pipes.let_go_of()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._pipes.let_go.wait()


class _Pipes(asyncio.SubprocessProtocol):
    """The child's pipes: a ByteStream on our side, a protocol on the loop's."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()
        """Standard error has ended."""
        self.let_go = asyncio.Event()
        """All pipes are closed, and the child is buried."""
        self.complaint = Tail()
        self._transport: asyncio.SubprocessTransport | None = None
        self._reader = asyncio.StreamReader(CHUNK)
        self._full = False
        """More has been said than anybody has listened to, so that we stopped reading."""
        self._ended = False
        """Nothing more is heard, or listened to."""
        self._deaf = False
        """The child takes nothing any more, or we have nothing more to say."""
        self._room = asyncio.Event()
        self._room.set()
        self._lingering: asyncio.TimerHandle | None = None
        self._at_exit: Callable[[], object] = bool

    async def read(self) -> bytes:
        return await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        if not self._deaf:
            # Whole as soon as it begins: only then does it wait for room.
            cast("asyncio.WriteTransport", self._pipe(0)).write(data)
            await self._room.wait()
        if self._deaf:
            raise ConnectionResetError("the program takes nothing any more")

    async def close(self) -> None:
        self.hang_up()

    def say_no_more(self) -> None:
        self._lose()
        self._pipe(0).close()

    def hang_up(self) -> None:
        """Say and hear no more; but let it speak on, for who is not read may never end."""
        self.say_no_more()
        self._hear_the_end()
        with suppress(RuntimeError):  # uvloop says so when it was not paused
            cast("asyncio.ReadTransport", self._pipe(1)).resume_reading()

    def let_go_of(self) -> None:
        """Close our ends, whoever holds the others."""
        stdin = cast("asyncio.WriteTransport", self._pipe(0))
        if stdin.get_write_buffer_size():  # else it is closing, and must not be disturbed
            stdin.abort()

    def at_exit(self, call: Callable[[], object]) -> None:
        """Call this as soon as the child has gone."""
        self._at_exit = call
        if self.exited.is_set():
            call()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        # The reader says to us when it is full: not every transport can be asked whether it reads.
        self._reader.set_transport(cast("asyncio.Transport", self))

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        if fd == 2:
            self.complaint.feed(data)
        elif not self._ended:
            self._reader.feed_data(data)

    def pipe_connection_lost(self, fd: int, _error: Exception | None) -> None:
        match fd:
            case 0:
                self._lose()
            case 1:
                self._hear_the_end()
            case _:
                self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()
        self._at_exit()
        self._linger()

    def pause_reading(self) -> None:
        self._full = True
        cast("asyncio.ReadTransport", self._pipe(1)).pause_reading()

    def resume_reading(self) -> None:
        self._full = False
        cast("asyncio.ReadTransport", self._pipe(1)).resume_reading()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
        self._hear_the_end()
        self.silent.set()
        self.let_go.set()

    def _pipe(self, fd: int) -> asyncio.Transport:
        assert self._transport is not None
        return cast("asyncio.Transport", self._transport.get_pipe_transport(fd))

    def _linger(self) -> None:
        """Hear the end, after a while: whom it has started may hold its output open for ever."""

        def end() -> None:
            if not self._full:
                self._hear_the_end()
            elif not self._ended:  # who listens is slow, and there may be more
                self._linger()

        self._lingering = asyncio.get_running_loop().call_later(LINGER, end)

    def _lose(self) -> None:
        self._deaf = True
        self._room.set()

    def _hear_the_end(self) -> None:
        if not self._ended:
            self._ended = True
            self._reader.feed_eof()


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Our variables as a child may know them: without those that are ours alone."""
    return {name: value for name, value in environment.items() if not name.upper().startswith(OURS)}


def _found(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The program's place, as a path that does not depend on the folder.

    Looked for here, for Windows would only find what ends in `.exe`, and `npm` makes `.cmd`.
    """
    if not command or not command[0].strip():
        raise Absent("There is no command to start.")
    name = command[0]
    if any("\0" in word for word in command):
        raise Absent("The command to start has a character that no command may have.")
    try:
        found = shutil.which(
            Path(name).expanduser() if name.startswith("~") else name, path=environment.get("PATH")
        )
    except RuntimeError:  # a home that nobody has
        found = None
    if found is None:
        raise Absent(
            f"`{name}` was not found, or is no program. Is it installed, and on the PATH of "
            "Lingma Proxy?"
        )
    return str(Path(found).absolute())


def _why(error: Exception, name: str, cwd: str | None) -> str:
    """Why it did not start, in a sentence."""
    if cwd is not None and not Path(cwd).is_dir():
        return f"`{name}` was not started: the folder that it should work in does not exist."
    match error:
        case FileNotFoundError():
            return f"`{name}` was not started: the program that its first line names is missing."
        case PermissionError():
            return f"`{name}` was not started: this user may not run it."
        case OSError(strerror=str(reason)):
            return f"`{name}` was not started: {reason}."
        case _:
            return f"`{name}` was not started: its command cannot be passed on."
