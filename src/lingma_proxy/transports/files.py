"""Read files of this machine for a client: only below folders that its owner has named.

A client's path says nothing about what lies there: it may climb out by `..` or by a link, be a
pipe that never ends or a device, or be swapped between the look and the opening.  So the path
is resolved, must then lie below a folder (itself resolved), and is opened step by step from
that folder without following any link.  Only a regular file is read, and only so many bytes.

What lies outside is refused before the disk is asked, so that nobody learns from us what
there is.
"""

import asyncio
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from lingma_proxy.errors import InvalidRequest
from lingma_proxy.wire.links import called

STEP_BY_STEP = os.open in os.supports_dir_fd
"""Windows has no such thing: there the path is resolved once more after it was opened."""
LOOK = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
INTO = LOOK | getattr(os, "O_DIRECTORY", 0)
READ = LOOK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
"""A pipe that somebody puts in place of a file is opened without waiting, and then found out."""
INSTEAD = "Send the content itself (as base64), or name its folder in the setting `image_folders`."


class Outside(Exception):
    """The path lies below none of the folders."""


class Folders:
    """`folders` are absolute paths; `most` is in bytes."""

    def __init__(self, folders: Iterable[str], most: int) -> None:
        self._folders = tuple(os.path.normpath(folder) for folder in folders)
        self._most = most

    async def read(self, path: str) -> bytes:
        """The content of a file; `~` is the home.  Raises InvalidRequest, with its last name."""
        # A thread of asyncio's own: a disk on the network may fall silent.
        return await asyncio.to_thread(self.read_now, path)

    def read_now(self, path: str) -> bytes:
        name = called(path)
        if not self._folders:
            raise InvalidRequest(f"{name}: no files of this machine are read. {INSTEAD}")
        try:
            return self._read(path)
        except Outside:
            raise InvalidRequest(
                f"{name} lies below none of the folders that may be read. {INSTEAD}"
            ) from None
        except FileNotFoundError:
            why = "there is no such file"
        except PermissionError:
            why = "this user may not read it"
        except (OSError, UnicodeError):
            why = "it cannot be read"
        except ValueError as error:
            why = str(error)
        raise InvalidRequest(f"{name}: {why}. Check the path, or send the content as base64.")

    def _read(self, path: str) -> bytes:
        """Raises Outside, OSError, and ValueError with a clause."""
        if "\0" in path:
            raise Outside
        wanted = os.path.normpath(os.path.expanduser(path))  # noqa: PTH111 — no Path for a stranger's path
        if not Path(wanted).is_absolute() or (sys.platform == "win32" and ":" in wanted[2:]):
            raise Outside  # a relative path; or a second stream of a file
        roots = {folder: os.path.realpath(folder) for folder in self._folders}
        if not any(_is_below(wanted, root) for pair in roots.items() for root in pair):
            raise Outside
        there = os.path.realpath(wanted)
        root = next((root for root in roots.values() if _is_below(there, root)), None)
        if root is None:
            raise Outside
        handle = _open_below(root, there) if STEP_BY_STEP else _open_and_look_again(root, there)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise ValueError("it is no file")
            if about.st_size > self._most:
                raise ValueError(self._too_large)
            data = file.read(self._most + 1)
        if len(data) > self._most:
            raise ValueError(self._too_large)
        return data

    @property
    def _too_large(self) -> str:
        return f"it has more than {self._most / 2**20:.3g} MB, the most that is read"


def _is_below(path: str, root: str) -> bool:
    try:
        return path != root and os.path.commonpath([path, root]) == root
    except ValueError:  # another drive
        return False


def _open_below(root: str, path: str) -> int:
    """Open a file from its folder, step by step, following no link."""
    *folders, name = Path(path).relative_to(root).parts
    at = os.open(root, INTO)
    try:
        for folder in folders:
            inner = os.open(folder, INTO, dir_fd=at)
            os.close(at)
            at = inner
        # To open a device may do something already.
        if not stat.S_ISREG(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise ValueError("it is no file")
        return os.open(name, READ, dir_fd=at)
    finally:
        os.close(at)


def _open_and_look_again(root: str, path: str) -> int:
    if not stat.S_ISREG(Path(path).lstat().st_mode):
        raise ValueError("it is no file")
    handle = os.open(path, READ)
    if not _is_below(os.path.realpath(path), root):
        os.close(handle)
        raise Outside
    return handle
