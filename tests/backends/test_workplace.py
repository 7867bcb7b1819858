import asyncio
import stat
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lingma_proxy.backends import workplace
from lingma_proxy.backends.workplace import Workplace
from lingma_proxy.errors import BackendUnavailable, SettingsError


async def test_nobody_is_let_near_the_users_files():
    place = Workplace()
    folder = Path(await place.folder())

    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert await place.folder() == str(folder)
    await place.aclose()
    await place.aclose()
    assert not folder.exists()


async def test_what_was_left_there_goes_too():
    place = Workplace()
    folder = Path(await place.folder())
    (folder / "left").mkdir()
    (folder / "left/a.txt").touch()
    await place.aclose()

    assert not folder.exists()


async def test_a_folder_of_the_users_is_used_and_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    place = Workplace(str(tmp_path))

    assert await place.folder() == str(tmp_path)
    await place.aclose()
    assert (tmp_path / "mine").exists()


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path):
    with pytest.raises(SettingsError, match="cwd"):
        Workplace(str(tmp_path / "none"))


async def test_those_who_ask_at_the_same_time_get_the_same(monkeypatch):
    second = threading.Event()
    made: list[None] = []

    def slowly(**more):
        made.append(None)
        if len(made) > 1:
            second.set()
        second.wait(0.05)  # a second one, if there is any, is made meanwhile
        return TemporaryDirectory(**more)

    monkeypatch.setattr(workplace, "TemporaryDirectory", slowly)
    place = Workplace()

    assert len(set(await asyncio.gather(*(place.folder() for _ in range(20))))) == 1
    await place.aclose()


async def test_where_none_can_be_made_it_is_said(monkeypatch):
    def full(**more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workplace, "TemporaryDirectory", full)

    with pytest.raises(BackendUnavailable, match="room left"):
        await Workplace().folder()
