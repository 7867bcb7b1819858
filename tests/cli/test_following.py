import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.cli.following import Watch, follow
from lingma_proxy.cli.recorded import opened
from lingma_proxy.errors import StoreUnavailable
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import resolve
from support.exchanges import exchange
from support.recorded import keep


@pytest.fixture(autouse=True)
def handlers():
    """Whoever runs the tests can interrupt them afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


SIGNALS = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@asynccontextmanager
async def watching(folder, wanted=None):
    settings = resolve(None, {}, {"data_dir": str(folder)}).settings
    async with opened(settings) as exchanges:
        yield Watch(exchanges, wanted or Wanted())


def ids(found):
    return [each.id for each in found]


async def test_what_is_there_is_old_and_what_comes_is_told_once(tmp_path):
    await keep(tmp_path, exchange("req_1"), exchange("req_2"), exchange("req_3"))
    async with watching(tmp_path) as watch:
        assert ids(await watch.last(2)) == ["req_2", "req_3"]
        assert await watch.new() == []
        await keep(tmp_path, exchange("req_4"), exchange("req_5"))
        assert ids(await watch.new()) == ["req_4", "req_5"]
        assert await watch.new() == []


async def test_the_first_of_all_is_told_too(tmp_path):
    async with watching(tmp_path) as watch:
        assert await watch.last(0) == []
        assert await watch.new() == []
        await keep(tmp_path, exchange("req_1"))
        assert ids(await watch.new()) == ["req_1"]


async def test_only_what_is_wanted_is_told(tmp_path):
    async with watching(tmp_path, Wanted(client="codex")) as watch:
        await keep(tmp_path, exchange("req_1"), exchange("req_2", client="codex"))
        assert ids(await watch.last(1)) == ["req_2"]
        await keep(tmp_path, exchange("req_3"), exchange("req_4", client="codex"))
        assert ids(await watch.new()) == ["req_4"]


async def test_another_file_is_followed_from_its_beginning(tmp_path):
    await keep(tmp_path, *(exchange(f"req_{number}") for number in range(5)))
    async with watching(tmp_path) as watch:
        await watch.last(0)
        for file in tmp_path.iterdir():
            file.unlink()
        await keep(tmp_path, exchange("req_new"))
        assert await watch.new() == []  # the rows of this one are lower
        assert ids(await watch.new()) == ["req_new"]


async def test_a_recording_that_fails_is_said_once_and_followed_on(tmp_path, capsys, monkeypatch):
    await keep(tmp_path, exchange("req_1"))
    async with watching(tmp_path) as watch:
        await watch.last(0)
        works = watch._exchanges.list

        async def failing(wanted):
            raise StoreUnavailable("The recording cannot be used: it is held.")

        monkeypatch.setattr(watch._exchanges, "list", failing)
        assert await watch.new() == []
        assert await watch.new() == []
        assert capsys.readouterr().err == "The recording cannot be used: it is held.\n"
        monkeypatch.setattr(watch._exchanges, "list", works)
        await keep(tmp_path, exchange("req_2"))
        assert ids(await watch.new()) == ["req_2"]


@SIGNALS
@pytest.mark.parametrize("as_json", [False, True], ids=["people", "programs"])
async def test_it_goes_on_until_ctrl_c(tmp_path, capsys, as_json):
    folder = tmp_path / "later"
    resolved = resolve(None, {}, {"data_dir": str(folder)})
    following = asyncio.create_task(
        follow(resolved, Wanted(limit=5), width=80, as_json=as_json, every=0.01)
    )
    said = ""
    while "Nothing has been recorded yet" not in said:
        await asyncio.sleep(0.01)
        said += capsys.readouterr().err
    await keep(folder, exchange("req_1"))
    told = ""
    while not told.count("\n") >= (1 if as_json else 2):
        await asyncio.sleep(0.01)
        told += capsys.readouterr().out
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(following, 10)

    if as_json:
        assert json.loads(told)["id"] == "req_1"
    else:
        assert told.splitlines()[0].startswith("TIME")


@SIGNALS
async def test_of_a_recording_that_has_begun_meanwhile_all_is_new(tmp_path, capsys):
    folder = tmp_path / "later"
    resolved = resolve(None, {}, {"data_dir": str(folder)})
    following = asyncio.create_task(
        follow(resolved, Wanted(limit=0), width=80, as_json=True, every=0.3)
    )
    while "Nothing has been recorded yet" not in capsys.readouterr().err:
        await asyncio.sleep(0.01)
    await keep(folder, exchange("req_1"))  # before it looks again
    told = ""
    while "req_1" not in told:
        await asyncio.sleep(0.01)
        told += capsys.readouterr().out
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(following, 10)


@SIGNALS
async def test_it_ends_too_while_there_is_nothing_to_follow(tmp_path, capsys):
    resolved = resolve(None, {}, {"data_dir": str(tmp_path), "recording": "off"})
    following = asyncio.create_task(follow(resolved, Wanted(), width=80, as_json=False, every=0.01))
    while "is off" not in capsys.readouterr().err:
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(following, 10)
