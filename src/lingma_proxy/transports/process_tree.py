r"""A child process with all that it has started: how to end every one of them.

On Unix a child that leads a session of its own has its number for the group of all its
descendants (but those that leave it, as daemons do), and a signal reaches the whole group,
also when the leader has gone.  On Windows `taskkill` walks from the child downwards, so the
child must still be there; and there is no polite way.

Nothing ends a child when we are killed ourselves (SIGKILL, a power cut in a container), but
the end of its standard input, at which every agent that speaks over it goes.  Linux could
send a signal then, but only to the child itself, and only if it asks for it after `fork`:
that takes code between `fork` and `exec`, which is not safe in a process with threads.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

NEW_GROUP = 0x00000200
NO_WINDOW = 0x08000000
"""Flags of CreateProcess: Ctrl-C in our console is not meant for the child; and it shows none."""

Run = Callable[[Sequence[str]], Awaitable[None]]


class Tree(Protocol):
    """What can be done to all of them."""

    def alive(self) -> bool:
        """Whether anybody is left, as far as that can be known.

        To be asked when the child itself has gone, and its code has been read.
        """
        ...

    async def ask(self) -> None:
        """To end."""
        ...

    async def kill(self) -> None: ...


class Group:
    """A process group of Unix, by the number of its leader."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._empty = False
        """Once it is, its number may be given to others."""

    def alive(self) -> bool:
        with suppress(ChildProcessError):
            # If we are the first process of a container, the dead are ours to bury.
            while os.waitpid(-self._leader, os.WNOHANG) != (0, 0):
                pass
        return self._signal(0)

    async def ask(self) -> None:
        self._signal(signal.SIGTERM)

    async def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> bool:
        if self._empty:
            return False
        try:
            os.killpg(self._leader, number)
        except ProcessLookupError:
            self._empty = True
        except PermissionError:
            return False  # macOS says so of those who are dead and not buried yet
        return not self._empty


class Descendants:
    """A process of Windows and what comes from it, by its number.

    Whether anybody is left cannot be asked here; the child itself is watched anyway.
    """

    def __init__(self, root: int, run: Run) -> None:
        self._root = root
        self._run = run

    def alive(self) -> bool:
        return False

    async def ask(self) -> None:
        await self.kill()

    async def kill(self) -> None:
        await self._run(taskkill(self._root))


def taskkill(root: int) -> list[str]:
    """The command that ends a process of Windows and all below it, by force."""
    return ["taskkill", "/T", "/F", "/PID", str(root)]


def tree(pid: int, platform: str = sys.platform) -> Tree:
    return Descendants(pid, run_quietly) if platform == "win32" else Group(pid)


def apart(platform: str = sys.platform) -> dict[str, Any]:
    """How to start a child so that it has a tree of its own: arguments of `Popen`."""
    if platform == "win32":
        return {"creationflags": NEW_GROUP | NO_WINDOW}
    return {"start_new_session": True}


async def run_quietly(command: Sequence[str]) -> None:
    """Run a short command to its end, whatever it says, if it exists."""
    with suppress(OSError):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await process.wait()
