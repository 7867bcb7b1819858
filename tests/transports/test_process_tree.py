import asyncio
import os
import signal
import subprocess
import sys

import pytest

from lingma_proxy.transports.process_tree import (
    Descendants,
    Group,
    apart,
    run_quietly,
    taskkill,
    tree,
)

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")


class Recorded:
    """In the place of a runner of commands."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    async def __call__(self, command) -> None:
        self.commands.append(list(command))


async def test_on_windows_a_command_ends_all_by_force() -> None:
    run = Recorded()
    descendants = Descendants(4711, run)

    assert not descendants.alive()
    await descendants.ask()
    await descendants.kill()

    assert run.commands == [["taskkill", "/T", "/F", "/PID", "4711"]] * 2
    assert run.commands[0] == taskkill(4711)


def test_each_system_has_its_own_way() -> None:
    assert isinstance(tree(4711, "win32"), Descendants)
    assert isinstance(tree(4711, "linux"), Group)
    assert isinstance(tree(4711, "darwin"), Group)


def test_a_child_has_a_group_of_its_own_and_no_window() -> None:
    assert apart("linux") == apart("darwin") == {"start_new_session": True}
    assert apart("win32") == {"creationflags": 0x08000200}


async def test_a_command_that_does_not_exist_is_no_failure() -> None:
    await run_quietly(["no-such-command-of-anybody"])


@on_unix
async def test_a_command_is_run_to_its_end_and_says_nothing(tmp_path, capfd) -> None:
    path = tmp_path / "said"
    program = f"print('x'); open({str(path)!r}, 'w').close(); raise SystemExit(1)"

    await run_quietly([sys.executable, "-c", program])

    assert path.exists()
    assert capfd.readouterr() == ("", "")


@on_unix
@pytest.mark.parametrize("way", ["ask", "kill"])
async def test_a_signal_reaches_those_who_are_left(way) -> None:
    program = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)"
    leader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    left = int(await leader.stdout.readline())
    group = Group(leader.pid)
    os.kill(left, 0)

    await getattr(group, way)()

    assert await leader.stdout.read() == b""  # which the one who was left held open
    assert await leader.wait() in {0, -signal.SIGTERM, -signal.SIGKILL}


@on_unix
async def test_an_empty_group_is_not_alive() -> None:
    leader = await asyncio.create_subprocess_exec(sys.executable, "-c", "", start_new_session=True)
    await leader.wait()

    assert not Group(leader.pid).alive()


@on_unix
def test_the_dead_that_are_ours_are_buried() -> None:
    with subprocess.Popen(["sleep", "600"], process_group=0) as leader:
        # A child of ours in another's group: so the first process of a container has them.
        dead = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 0"], {}, setpgroup=leader.pid)
        os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
        leader.kill()
        leader.wait()

        assert not Group(leader.pid).alive()

    with pytest.raises(ChildProcessError):
        os.waitpid(dead, 0)


@on_unix
async def test_a_number_that_was_given_back_is_not_signalled_again(monkeypatch) -> None:
    signals = []

    def killpg(leader, number):
        signals.append((leader, number))
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", killpg)
    group = Group(4711)

    assert not group.alive()
    await group.ask()
    await group.kill()

    assert signals == [(4711, 0)]


@on_unix
async def test_the_dead_of_macos_who_may_not_be_signalled_are_not_alive(monkeypatch) -> None:
    def killpg(_leader, _number):
        raise PermissionError

    monkeypatch.setattr(os, "killpg", killpg)

    assert not Group(4711).alive()
    await Group(4711).kill()
