import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from lingma_proxy.errors import InvalidRequest
from lingma_proxy.transports import files
from lingma_proxy.transports.files import Folders

MOST = 1000

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
both_ways = pytest.mark.parametrize("step_by_step", [True, False])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that may be read, beside one that may not."""
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "a b.png").write_bytes(b"picture")
    (tmp_path / "mine" / "deep" / "c.png").write_bytes(b"deep")
    (tmp_path / "mine2").mkdir()
    (tmp_path / "mine2" / "secret").write_bytes(b"secret")
    return tmp_path / "mine"


def read(folder: Path, path: Path | str) -> bytes:
    return Folders([str(folder)], MOST).read_now(str(path))


def refusal(folder: Path, path: Path | str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read(folder, path)
    message = caught.value.message
    assert str(folder.parent) not in message
    return message


@both_ways
def test_what_lies_below_a_named_folder_is_read(folder, monkeypatch, step_by_step):
    monkeypatch.setattr(files, "STEP_BY_STEP", step_by_step and files.STEP_BY_STEP)

    assert read(folder, folder / "a b.png") == b"picture"
    assert read(folder, folder / "deep" / ".." / "deep" / "c.png") == b"deep"
    assert read(folder / "deep", folder / "deep" / "c.png") == b"deep"


async def test_reading_is_done_aside(folder):
    assert await Folders([str(folder)], MOST).read(str(folder / "a b.png")) == b"picture"


def test_the_home_is_written_out(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))

    assert read(folder, "~/a b.png") == b"picture"


def test_without_a_folder_nothing_is_read(folder):
    with pytest.raises(InvalidRequest, match="`image_folders`"):
        Folders([], MOST).read_now(str(folder / "a b.png"))


OUT = ["../mine2/secret", "deep/../../mine2/secret", "", ".", "deep/..", "../mine", "a\0b",
       "../../../../../../../../etc/passwd", "../\udc80", "../\ud800"]  # fmt: skip


@pytest.mark.parametrize("path", OUT)
@both_ways
def test_nobody_climbs_out(folder, monkeypatch, path, step_by_step):
    monkeypatch.setattr(files, "STEP_BY_STEP", step_by_step and files.STEP_BY_STEP)

    assert "none of the folders" in refusal(folder, f"{folder}{os.sep}{path}")


@pytest.mark.parametrize("path", ["a b.png", "./mine/a b.png", "C:\\a.png", "~nobody-here/a"])
def test_a_path_that_is_not_absolute_leads_nowhere(folder, monkeypatch, path):
    monkeypatch.chdir(folder)

    assert "none of the folders" in refusal(folder, path)


def test_nobody_learns_what_lies_outside(folder):
    there, missing = (
        refusal(folder, folder.parent / "mine2" / name) for name in ("secret", "secrat")
    )

    assert there.replace("secret", "secrat") == missing


@posix
@both_ways
def test_a_link_out_of_the_folder_is_not_followed(folder, monkeypatch, step_by_step):
    monkeypatch.setattr(files, "STEP_BY_STEP", step_by_step)
    (folder / "out").symlink_to(folder.parent / "mine2" / "secret")
    (folder / "door").symlink_to(folder.parent / "mine2")
    (folder / "in").symlink_to(folder / "a b.png")

    assert "none of the folders" in refusal(folder, folder / "out")
    assert "none of the folders" in refusal(folder, folder / "door" / "secret")
    assert read(folder, folder / "in") == b"picture"


@posix
def test_a_named_folder_may_itself_be_a_link(folder):
    (folder.parent / "link").symlink_to(folder)

    assert read(folder.parent / "link", folder.parent / "link" / "a b.png") == b"picture"
    assert read(folder.parent / "link", folder / "a b.png") == b"picture"


@posix
@pytest.mark.parametrize("which", ["out", "door"])
def test_a_link_that_is_put_there_meanwhile_is_not_followed(folder, monkeypatch, which):
    """Between the look and the opening a file, or a folder, becomes a link."""
    (folder / "door").mkdir()
    (folder / "door" / "secret").write_bytes(b"harmless")
    (folder / "out").write_bytes(b"harmless")
    really = os.path.realpath

    def swapped(path: str, **options: bool) -> str:
        found = really(path, **options)
        if path.endswith(("out", "secret")):
            if which == "out":
                (folder / "out").unlink()
                (folder / "out").symlink_to(folder.parent / "mine2" / "secret")
            else:
                (folder / "door").rename(folder / "gone")
                (folder / "door").symlink_to(folder.parent / "mine2")
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    refusal(folder, folder / ("out" if which == "out" else "door/secret"))


@posix
@both_ways
def test_what_is_no_file_is_not_opened(folder, monkeypatch, step_by_step):
    monkeypatch.setattr(files, "STEP_BY_STEP", step_by_step)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(folder)
        server.bind("socket")
        for name in ("pipe", "socket", "deep"):
            assert "no file" in refusal(folder, folder / name)
    assert "no file" in refusal(Path("/dev"), "/dev/zero")


def test_what_is_not_there_is_said_so(folder):
    assert "no such file" in refusal(folder, folder / "d.png")
    assert "/etc/passwd" not in refusal(folder, "/etc/passwd")
    refusal(folder, folder / "\ud800")
    refusal(folder, folder / "a b.png" / "x")


@posix
def test_what_may_not_be_read_is_said_so(folder, monkeypatch):
    def no(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", no)
    assert "may not read" in refusal(folder, folder / "a b.png")


def test_size_is_limited(folder):
    (folder / "large").write_bytes(b"x" * (MOST + 1))
    (folder / "just").write_bytes(b"x" * MOST)

    assert "more than" in refusal(folder, folder / "large")
    assert len(read(folder, folder / "just")) == MOST


@posix
def test_a_file_that_says_it_is_empty_is_read_no_further():
    with pytest.raises(InvalidRequest, match="more than"):
        Folders(["/proc"], 10).read_now("/proc/self/status")


@posix
async def test_nothing_stays_open(folder):
    def handles() -> int:
        return len([*Path("/proc/self/fd").iterdir()]) if Path("/proc/self/fd").exists() else 0

    before = handles()
    for path in ("a b.png", "deep", "d.png", "a b.png/x", "deep/c.png"):
        for _ in range(3):
            await asyncio.gather(
                Folders([str(folder)], MOST).read(str(folder / path)), return_exceptions=True
            )

    assert handles() <= before
