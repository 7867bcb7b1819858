"""A file for nobody but its owner: written as a whole or not at all, and never by way of a link."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from lingma_proxy.cli.load import nice
from lingma_proxy.errors import SettingsError

MODE = 0o600


def write_private(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner can read, from its first byte on.

    What is there already is replaced in one step, or not at all.  Raises SettingsError, from
    the OSError that is to blame, with what to do.
    """
    name = nice(path)
    try:
        if replace:
            _replace(path, data)
        else:
            _create(path, data)
    except FileExistsError as error:
        raise SettingsError(f"{name} exists already. --force replaces it.") from error
    except FileNotFoundError as error:
        raise SettingsError(f"There is no folder {nice(path.parent)} to write to.") from error
    except OSError as error:
        raise SettingsError(f"{name} cannot be written: {error.strerror}.") from error
    except ValueError as error:  # a name that no system takes
        raise SettingsError(f"{name!r} is not the name of a file.") from error


def make_private_folder(folder: Path) -> None:
    """The folder and what is missing above it, for nobody but its owner.  Raises SettingsError."""
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.is_dir():
                each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{nice(folder)} cannot be made: {error.strerror}.") from error


def _create(path: Path, data: bytes) -> None:
    # What is there is not opened, be it a link that leads elsewhere.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _replace(path: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            raise OSError(0, "it is a link; name the file that it leads to")
        if not stat.S_ISREG(kind):
            raise OSError(0, "it is there, and is not a file")
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _create(aside, data)
    try:
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
