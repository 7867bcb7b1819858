import asyncio
import gc
import os
import signal
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from lingma_proxy.errors import BackendUnavailable
from lingma_proxy.transports import stdio
from lingma_proxy.transports.base import FramedTransport, Lines
from lingma_proxy.transports.stdio import Child, inherited

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks at processes the Unix way")

ECHO = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
GRANDCHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", '''
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
'''], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
"""
"""Starts somebody who does not listen to SIGTERM, and says his number."""


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    for name in ("GRACE", "PATIENCE"):
        monkeypatch.setattr(stdio, name, 0.1)


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    gc.collect()  # what was not closed complains now
    assert children() == set()


def descriptors() -> int:
    """Pipes and sockets; what a loop has for itself is among them."""
    if sys.platform != "linux":
        return 0
    kinds = []
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            kinds.append(str(each.readlink()))
    return sum(kind.startswith(("pipe:", "socket:")) for kind in kinds)


def children():
    """Our children, dead ones that nobody has buried among them."""
    try:
        pid, _ = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return set()
    return {pid}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":  # who is dead waits for the first process to bury him
        try:
            return ") Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return False
    return True


@asynccontextmanager
async def running(program, *options, **more):
    # Without options it knows the standard library only, and is there sooner.
    child = await Child.start([sys.executable, *(options or ["-S"]), "-c", program], **more)
    try:
        yield child
    finally:
        await child.end()


async def line(child) -> bytes:
    said = b""
    while not said.endswith(b"\n"):
        chunk = await child.stream.read()
        assert chunk, child.complaint()
        said += chunk
    return said


async def everything(child) -> bytes:
    said = b""
    while chunk := await child.stream.read():
        said += chunk
    return said


async def test_what_is_said_comes_back() -> None:
    async with running(ECHO) as child:
        transport = FramedTransport(child.stream, Lines())
        await transport.send({"id": 1, "x": "你好"})

        assert await transport.receive() == {"id": 1, "x": "你好"}
        assert child.returncode is None
        assert not child.exited.is_set()

        await transport.close()
        assert await transport.receive() is None
        assert await child.wait() == 0

    assert not alive(child.pid)


async def test_much_goes_both_ways_while_it_also_complains() -> None:
    noisy = "import sys\nfor line in sys.stdin.buffer: sys.stderr.write('x' * 1_000_000 + '\\n'); sys.stdout.buffer.write(line); sys.stdout.flush()"
    data = b"x" * 5_000_000 + b"\n"
    async with running(noisy) as child:
        hearing = asyncio.create_task(line(child))
        await child.stream.write(data)

        assert await hearing == data


async def test_all_that_it_said_is_heard_when_it_has_gone() -> None:
    async with running("import sys; sys.stdout.write('x' * 2_000_000)") as child:
        assert len(await everything(child)) == 2_000_000
        assert await child.stream.read() == b""
        assert await child.wait() == 0


async def test_who_listens_slowly_hears_all_when_it_has_gone(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "LINGER", 0.01)
    monkeypatch.setattr(stdio, "CHUNK", 1000)
    # More than is read ahead, and less than what would keep it from going.
    async with running("import sys; sys.stdout.write('x' * 100_000)") as child:
        assert await child.wait() == 0
        await asyncio.sleep(0.05)

        assert len(await everything(child)) == 100_000


async def test_who_is_not_listened_to_waits() -> None:
    talks = "import os, sys\nos.write(2, b'.')\nsys.stdout.write('x' * 100_000_000)\nos.write(2, b'done')"
    async with running(talks) as child:
        await child.stream.read()
        for _ in range(100):
            await asyncio.sleep(0)

        assert child.complaint() != ".done"


async def test_its_code_and_its_complaint_are_known_when_it_has_gone() -> None:
    async with running(
        "import sys; sys.exit('\\033[31mNo key in /home/me/x: token=hunter2\\033[0m')"
    ) as child:
        assert await child.wait() == 1
        assert child.complaint() == "No key in …/x: token=[…]"
        assert child.returncode == 1
        assert await child.stream.read() == b""


async def test_a_child_that_a_signal_ended_says_so() -> None:
    async with running("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") as child:
        assert await child.wait() == -signal.SIGKILL


async def test_who_writes_to_a_child_that_has_gone_is_told_so() -> None:
    async with running("") as child:
        await child.wait()

        with pytest.raises(ConnectionError):
            await child.stream.write(b"x" * 1_000_000)


async def test_who_waits_to_write_is_told_when_the_child_goes() -> None:
    async with running("import sys; print(flush=True); sys.stdin.read(1)") as child:
        await line(child)

        with pytest.raises(ConnectionError):
            await child.stream.write(b"x" * 10_000_000)


async def test_a_gentle_child_ends_by_itself() -> None:
    async with running("import sys; sys.stdin.read(); print('bye'); sys.exit(3)") as child:
        pass

    assert child.returncode == 3
    assert child.exited.is_set()


async def test_a_child_that_still_has_much_to_say_ends_by_itself(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "GRACE", 60)
    talks = "import sys\nfor _ in range(100): sys.stdout.write('x' * 100_000)\nsys.exit(3)"
    async with running(talks) as child:
        await child.stream.read()

    assert child.returncode == 3


async def test_a_child_that_does_not_hear_its_input_end_is_asked() -> None:
    async with running("import time; print(flush=True); time.sleep(600)") as child:
        await line(child)

    assert child.returncode == -signal.SIGTERM


async def test_a_child_that_does_not_listen_is_killed() -> None:
    async with running(STUBBORN + "import time; print(flush=True); time.sleep(600)") as child:
        await line(child)
        with pytest.raises(TimeoutError):  # it does not read, either
            async with asyncio.timeout(0.05):
                await child.stream.write(b"x" * 10_000_000)

    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("then", ["sys.stdin.read()", "pass", "import time; time.sleep(600)"])
async def test_whom_it_has_started_ends_with_it(then) -> None:
    async with running(GRANDCHILD + then) as child:
        grandchild = int(await line(child))
        if then == "pass":
            await child.exited.wait()
        assert alive(grandchild)

    assert not alive(grandchild)
    assert not alive(child.pid)


async def test_who_holds_its_pipes_outside_of_the_group_does_not_keep_us(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "LINGER", 0.1)
    daemon = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
"""
    async with running(daemon) as child:
        outsider = int(await line(child))
        try:
            assert await child.stream.read() == b""  # although the pipe is open
            assert await child.wait() == 0
            await child.end()
            assert alive(outsider)
        finally:
            os.kill(outsider, signal.SIGKILL)


async def test_ending_is_done_once_whoever_asks_for_it() -> None:
    async with running(ECHO) as child:
        reading = asyncio.create_task(child.stream.read())
        await asyncio.gather(child.end(), child.end())
        await child.end()

        assert await reading == b""
        with pytest.raises(ConnectionError):
            await child.stream.write(b"x")


async def test_who_is_cancelled_while_ending_makes_it_short(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "GRACE", 600)
    async with running(GRANDCHILD + STUBBORN + "import time; time.sleep(600)") as child:
        grandchild = int(await line(child))
        ending = asyncio.create_task(child.end())
        other = asyncio.create_task(child.end())
        await asyncio.sleep(0)
        ending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await ending
        assert not alive(child.pid)
        assert not alive(grandchild)
        await other


async def test_ending_at_once_does_not_wait(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "GRACE", 600)
    async with running(STUBBORN + "import time; print(flush=True); time.sleep(600)") as child:
        await line(child)
        await child.end(at_once=True)

    assert child.returncode == -signal.SIGKILL


def test_a_loop_that_ends_takes_the_child_with_it(monkeypatch) -> None:
    monkeypatch.setattr(stdio, "GRACE", 600)
    numbers = []

    async def story():
        child = await Child.start(
            [
                sys.executable,
                "-S",
                "-c",
                GRANDCHILD + "sys.stdin.read()\nimport time; time.sleep(600)",
            ]
        )
        numbers.append(child.pid)
        numbers.append(int(await line(child)))
        ending = asyncio.create_task(child.end())
        await asyncio.sleep(0)
        assert not ending.done()

    asyncio.run(story())

    assert len(numbers) == 2
    until = time.monotonic() + 30
    while any(alive(number) for number in numbers):  # killed, but perhaps not dead yet
        assert time.monotonic() < until
        time.sleep(0.01)


async def test_an_agent_hears_its_input_end_when_we_are_killed() -> None:
    program = f"""
import asyncio, sys
from lingma_proxy.transports.stdio import Child

async def story():
    child = await Child.start([sys.executable, "-S", "-c", {ECHO!r}])
    print(child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(story())
"""
    async with running(program, "-B") as us:
        agent = int(await line(us))
        os.kill(us.pid, signal.SIGKILL)
        while alive(agent):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("steps", range(8))
async def test_who_is_cancelled_while_starting_leaves_nothing(steps, tmp_path) -> None:
    program = f"import os, time; open({str(tmp_path)!r} + '/' + str(os.getpid()), 'w').close(); time.sleep(600)"
    starting = asyncio.create_task(Child.start([sys.executable, "-S", "-c", program]))
    for _ in range(steps):
        await asyncio.sleep(0)
    starting.cancel()

    try:
        child = await starting
    except asyncio.CancelledError:
        pass
    else:  # it was there already
        await child.end(at_once=True)

    assert not any(alive(int(path.name)) for path in tmp_path.iterdir())


async def test_a_program_that_is_not_there_is_named_as_it_was_given() -> None:
    with pytest.raises(BackendUnavailable) as failure:
        await Child.start(["no-such-agent", "--key", "hunter2"])

    assert failure.value.message == (
        "`no-such-agent` was not found, or is no program. Is it installed, and on the PATH of Lingma Proxy?"
    )


@pytest.mark.parametrize("command", [[], [""], [" "]])
async def test_no_command_is_said(command) -> None:
    with pytest.raises(BackendUnavailable, match="no command"):
        await Child.start(command)


def script(folder, text, mode=0o755):
    path = folder / "agent"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return str(path)


CANNOT = {
    "not executable": ("#!/bin/sh\n", 0o644, "is no program"),
    "another interpreter's": ("#!/no/such/thing\n", 0o755, "first line names is missing"),
}


@pytest.mark.parametrize(("text", "mode", "sentence"), CANNOT.values(), ids=CANNOT)
async def test_a_program_that_cannot_be_run_is_said(text, mode, sentence, tmp_path) -> None:
    script(tmp_path, text, mode)

    with pytest.raises(BackendUnavailable, match=sentence) as failure:
        await Child.start(["agent"], environment={"PATH": str(tmp_path)})
    assert str(tmp_path) not in failure.value.message


@pytest.mark.parametrize(
    "command",
    [["\0"], [sys.executable, "\0"], ["/"], ["~nobody-here/x"], [sys.executable, "x" * 10_000_000]],
    ids=["NUL", "NUL inside", "a folder", "a home of nobody", "too long"],
)
async def test_a_command_that_cannot_be_is_said(command) -> None:
    with pytest.raises(BackendUnavailable):
        await Child.start(command)


async def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(BackendUnavailable, match="folder") as failure:
        await Child.start([sys.executable, "-S", "-c", ""], cwd="/no/such/folder")
    assert "/no/such" not in failure.value.message


async def test_it_works_where_it_is_told_to_and_is_found_from_here(tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    script(tmp_path / "here", '#!/bin/sh\npwd; echo "$X $1"\n')
    monkeypatch.chdir(tmp_path / "here")

    child = await Child.start(
        ["./agent", "a b"], cwd=str(tmp_path / "there"), environment={"X": "y"}
    )
    said = await everything(child)
    await child.end()

    assert said.decode() == f"{tmp_path / 'there'}\ny a b\n"


async def test_a_program_of_the_home_is_found(tmp_path, monkeypatch) -> None:
    script(tmp_path, "#!/bin/sh\necho hello\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    child = await Child.start(["~/agent"])
    said = await everything(child)
    await child.end()

    assert said == b"hello\n"


async def test_a_child_does_not_know_our_secrets(monkeypatch) -> None:
    monkeypatch.setenv("LINGMA_PROXY_API_KEY", "hunter2")
    monkeypatch.setenv("OPENAI_API_KEY", "the agent's own")
    async with running("import os; print(dict(os.environ))") as child:
        said = await everything(child)

    assert b"the agent's own" in said
    assert b"hunter2" not in said


def test_what_is_inherited_is_all_but_what_is_ours() -> None:
    assert inherited({"PATH": "x", "Lingma_Home": "y", "LINGMA_": "z", "MY_LINGMA_": "w"}) == {
        "PATH": "x",
        "MY_LINGMA_": "w",
    }


async def test_nothing_is_left_of_many(tmp_path) -> None:
    async def story(program, *, at_once=False):
        child = await Child.start([sys.executable, "-S", "-c", program])
        await child.stream.write(b"x\n")
        assert await line(child)
        await child.end(at_once=at_once)

    async def given_up():
        starting = asyncio.create_task(Child.start([sys.executable, "-S", "-c", ECHO]))
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})

    async def missing():
        with pytest.raises(BackendUnavailable):
            await Child.start([sys.executable], cwd="/no/such/folder")

    await story(ECHO)
    before = len(asyncio.all_tasks()), descriptors()

    await asyncio.gather(
        *(story(ECHO) for _ in range(3)),
        *(story(ECHO, at_once=True) for _ in range(2)),
        story(STUBBORN + "import time; print(flush=True); time.sleep(600)"),
        given_up(),
        missing(),
    )
    gc.collect()

    assert (len(asyncio.all_tasks()), descriptors()) == before


async def test_who_hears_no_more_from_us_is_still_heard():
    child = await Child.start(
        [sys.executable, "-S", "-c", "import sys; print(sys.stdin.read() + 'so')"]
    )
    try:
        child.say_no_more()
        said = b""
        while chunk := await child.stream.read():
            said += chunk
        assert said == b"so\n"
        assert await child.wait() == 0
    finally:
        await child.end()
