import os
import stat
import subprocess
import sys

import pytest

from lingma_proxy.backends.pictures import Pictures, remove


def test_a_picture_is_for_nobody_but_its_user(tmp_path):
    path = Pictures(tmp_path / "p").put(b"data", "png")

    assert path.read_bytes() == b"data"
    assert path.suffix == ".png"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_pictures_are_two_files(tmp_path):
    pictures = Pictures(tmp_path)

    assert pictures.put(b"", "png") != pictures.put(b"", "png")


def test_what_is_removed_may_be_gone_already(tmp_path):
    path = Pictures(tmp_path).put(b"", "png")
    remove([path, path, tmp_path / "never"])

    assert not path.exists()


def test_what_a_process_left_that_is_gone_is_swept(tmp_path):
    process = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    theirs = tmp_path / str(int(process.stdout))
    theirs.mkdir()
    (theirs / "left.png").touch()
    mine = Pictures(tmp_path).put(b"", "png")
    (tmp_path / "notes").mkdir()
    (tmp_path / "1").mkdir()  # init lives
    Pictures(tmp_path).sweep()

    assert not theirs.exists()
    assert mine.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"1", "notes", str(os.getpid())}


def test_sweeping_where_nothing_is_does_nothing(tmp_path):
    Pictures(tmp_path / "none").sweep()

    assert not (tmp_path / "none").exists()


def test_clearing_removes_what_is_ours(tmp_path):
    pictures = Pictures(tmp_path)
    pictures.put(b"", "png")
    pictures.clear()
    pictures.clear()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such owner")
def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)

    with pytest.raises(PermissionError):
        Pictures(tmp_path).put(b"", "png")
