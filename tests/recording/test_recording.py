"""The recording as a whole: one file, where it should lie, or none."""

from pathlib import Path

import pytest

from lingma_proxy.recording.recording import FILE, Recording, own_folder
from lingma_proxy.recording.responses import Kept
from lingma_proxy.recording.retention import Retention

HELLO = Kept("resp_1", 7, {"id": "resp_1", "output": []}, [])


async def test_it_is_kept_in_the_folder_that_was_named(tmp_path):
    recording = Recording(tmp_path / "new", Retention())
    recording.responses.keep(HELLO, 10)
    assert await recording.responses.find("resp_1") == HELLO
    await recording.aclose()
    await recording.aclose()

    assert (tmp_path / "new" / FILE).is_file()


async def test_its_bounds_hold_from_the_start(tmp_path):
    now = 1_000_000_000.0
    first = Recording(tmp_path, Retention(), clock=lambda: now)
    for number in range(10):
        first.responses.keep(Kept(f"resp_{number}", 7, {"output": []}, []), 10)
    await first.aclose()
    second = Recording(tmp_path, Retention(count=3), clock=lambda: now)
    found = [bool(await second.responses.find(f"resp_{number}")) for number in range(10)]
    await second.aclose()

    assert found == [False] * 7 + [True] * 3


async def test_when_it_is_off_nothing_is_written(tmp_path):
    recording = Recording(tmp_path / "new", Retention(), on=False)
    recording.responses.keep(HELLO, 10)
    assert await recording.responses.find("resp_1") is None
    await recording.aclose()

    assert not (tmp_path / "new").exists()
    assert "`recording` is off" in recording.responses.why_not


@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME", "LOCALAPPDATA"])
def test_the_own_folder_is_a_folder_of_this_program(variable, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path))

    assert own_folder().name == "lingma-proxy"
    assert own_folder() != Path.home()
