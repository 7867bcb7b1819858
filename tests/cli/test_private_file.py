import errno
import os
import stat

import pytest

from lingma_proxy.cli.private_file import make_private_folder, write_private
from lingma_proxy.errors import SettingsError

posix = pytest.mark.skipif(os.name != "posix", reason="other systems keep rights otherwise")


@pytest.fixture
def wide_open():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
@pytest.mark.usefixtures("wide_open")
@pytest.mark.parametrize("replace", [False, True])
def test_only_its_owner_can_read_it_from_its_first_byte_on(tmp_path, monkeypatch, replace):
    seen = []
    write = os.fdopen

    def opened(handle, *more):
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return write(handle, *more)

    monkeypatch.setattr(os, "fdopen", opened)
    write_private(tmp_path / "file", b"secret", replace=replace)

    assert seen == [0o600]
    assert mode(tmp_path / "file") == 0o600


@posix
def test_what_others_could_read_they_cannot_once_it_is_replaced(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="--force replaces it"):
        write_private(file, b"new")
    assert file.read_bytes() == b"old"

    write_private(file, b"new", replace=True)
    assert (file.read_bytes(), mode(file)) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


@posix
@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_link_is_not_followed(tmp_path, replace, there):
    target, link = tmp_path / "target", tmp_path / "link"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    with pytest.raises(SettingsError):
        write_private(link, b"secret", replace=replace)

    assert link.is_symlink()
    assert target.exists() == there
    assert not there or target.read_bytes() == b"old"


@pytest.mark.parametrize("replace", [False, True])
def test_what_cannot_be_written_is_said_in_words(tmp_path, replace):
    with pytest.raises(SettingsError, match="There is no folder"):
        write_private(tmp_path / "none" / "file", b"", replace=replace)
    with pytest.raises(SettingsError, match=r"exists already|not a file"):
        write_private(tmp_path, b"", replace=replace)
    with pytest.raises(SettingsError, match="not the name of a file"):
        write_private(tmp_path / "a\0b", b"", replace=replace)


@posix
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SettingsError, match="not a file"):
        write_private(tmp_path / "pipe", b"", replace=True)


@pytest.mark.parametrize("replace", [False, True])
def test_a_full_disk_leaves_nothing_behind_and_what_was_there(tmp_path, monkeypatch, replace):
    file = tmp_path / "file"
    if replace:
        file.write_bytes(b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        write_private(file, b"new", replace=replace)

    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([b"old"] if replace else [])


@posix
@pytest.mark.usefixtures("wide_open")
def test_folders_that_are_missing_are_for_their_owner(tmp_path):
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a/b")
    make_private_folder(tmp_path / "a/b")

    assert [mode(each) for each in (tmp_path, tmp_path / "a", tmp_path / "a/b")] == [
        0o755, 0o700, 0o700,
    ]  # fmt: skip
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be made"):
        make_private_folder(tmp_path / "file/b")
