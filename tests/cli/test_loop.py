import asyncio
import os
import signal
import sys

import pytest

from lingma_proxy.cli.loop import run, stops, unless
from support.process import run as run_program

IMPATIENT = """
import asyncio, os, signal
from lingma_proxy.cli.loop import run, stops

async def work():
    with stops() as said:
        os.kill(os.getpid(), signal.SIGINT)
        await said.once.wait()
    os.kill(os.getpid(), signal.SIGINT)
    print("It goes on.")

run(work())
"""


@pytest.fixture(autouse=True)
def handlers():
    """Nothing is ignored, not even under nohup; and whoever runs the tests can interrupt them."""
    names = {"SIGINT", "SIGTERM", "SIGHUP"} & set(dir(signal))
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_coroutine_is_run_and_its_result_returned():
    async def work():
        return type(asyncio.get_running_loop()).__module__

    assert run(work()).startswith("asyncio" if sys.platform == "win32" else "uvloop")


@pytest.mark.skipif(sys.platform == "win32", reason="a process there cannot signal itself so")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
async def test_signals_are_events_the_second_another_one(name):
    number = getattr(signal, name)
    with stops() as said:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(said.once.wait(), 5)
        assert not said.twice.is_set()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(said.twice.wait(), 5)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP there")
async def test_a_closed_terminal_is_ignored_where_it_was_to_be_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stops() as said:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(said.once.wait(), 5)
            assert not said.twice.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="a process there cannot signal itself so")
def test_a_signal_after_all_is_put_away_is_no_failure(tmp_path):
    done = run_program(tmp_path, program=("-c", IMPATIENT))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_work_is_done_to_its_end():
    done = []

    async def work():
        await asyncio.sleep(0)
        done.append(1)

    await unless(asyncio.Event(), work())
    assert done


async def test_work_is_cancelled_when_the_event_comes_first():
    event, cancelled = asyncio.Event(), asyncio.Event()

    async def work():
        event.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    await asyncio.wait_for(unless(event, work()), 5)
    assert cancelled.is_set()


async def test_what_the_work_raises_comes_out():
    async def work():
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        await unless(asyncio.Event(), work())
