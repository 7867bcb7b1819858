import os

import pytest

from lingma_proxy.backends.disk import LARGEST, TAIL, glance, newest_files, read, stamp, stamps


def test_a_file_is_read_without_its_byte_order_mark(tmp_path):
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfabc")

    assert read(tmp_path / "x") == "abc"


def test_what_cannot_be_read_is_said_in_words(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * (LARGEST + 1))
    (tmp_path / "odd").write_bytes(b"\xff\xfe")

    for name, words in [
        ("none", "not exist"),
        ("big", "too large"),
        ("odd", "not text"),
        (".", "folder"),
    ]:
        with pytest.raises(ValueError, match=words):
            read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows keeps its pipes elsewhere")
def test_a_pipe_in_a_files_place_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="not a file"):
        read(tmp_path / "pipe")
    assert glance(tmp_path / "pipe") == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(), "may not be read"), (OSError(5, "I/O"), r"cannot be read \(OSError\)")],
)
def test_so_is_what_the_system_refuses(tmp_path, monkeypatch, error, words):
    def refuse(*_):
        raise error

    monkeypatch.setattr("pathlib.Path.open", refuse)

    with pytest.raises(ValueError, match=words):
        read(tmp_path / "x")
    assert glance(tmp_path / "x") == ""


def test_of_a_log_only_the_end_is_read(tmp_path):
    (tmp_path / "log").write_bytes(b"early" + b"x" * TAIL + b"late")

    text = glance(tmp_path / "log")

    assert len(text) == TAIL
    assert text.endswith("late")
    assert glance(tmp_path / "none") == glance(tmp_path) == ""


def test_a_stamp_changes_when_the_file_does(tmp_path):
    file = tmp_path / "x"
    assert stamp(file) is None
    file.write_text("a")
    before = stamp(file)
    os.utime(file, ns=(1, 1))

    assert stamps([file, tmp_path / "none"]) != (before, None)
    assert stamps([file, tmp_path / "none"])[1] is None


def test_the_newest_files_of_the_newest_folders_come_first(tmp_path):
    for at, name in enumerate(["old/a.log", "mid/deep/b.log", "new/c.log"]):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text("x")
        for path in (file, file.parent, tmp_path / name.split("/")[0]):
            os.utime(path, ns=(at * 10**9, at * 10**9))
    (tmp_path / "link").symlink_to(tmp_path)

    names = [path.name for path in newest_files(tmp_path, folders=2, files=9)]

    assert names == ["c.log", "b.log"]
    assert newest_files(tmp_path, folders=2, files=1)[0].name == "c.log"
    assert newest_files(tmp_path / "none", folders=2, files=9) == []
