"""Pictures that somebody else must read from the disk: for as long as a turn takes.

Lingma's older runtime takes a picture by the path of a file (`protocol/ipc.md` C.6).  It lies
in a folder of this process, for nobody but its user, and goes when the turn ends.  What a
process left that did not end well goes when the next one starts.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from platformdirs import user_cache_path


class Pictures:
    """`folder` is where each process has a folder of its own, named after its id."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or user_cache_path("lingma-proxy") / "pictures"
        self._own = self._folder / str(os.getpid())

    def put(self, data: bytes, extension: str) -> Path:
        """Write a picture.  Raises OSError.  Takes a while: use a thread."""
        _private(self._own)
        path = self._own / f"{token_hex(8)}.{extension}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return path

    def sweep(self) -> None:
        """Remove what processes that are gone have left.  Takes a while: use a thread."""
        with suppress(OSError):
            for folder in self._folder.iterdir():
                if folder.name.isdecimal() and not _lives(int(folder.name)):
                    remove(folder.iterdir())
                    folder.rmdir()

    def clear(self) -> None:
        """Remove everything of this process."""
        with suppress(OSError):
            remove(self._own.iterdir())
            self._own.rmdir()


def remove(paths: Iterable[Path]) -> None:
    """Files that may already be gone."""
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _private(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if sys.platform != "win32" and folder.stat().st_uid != os.getuid():
        raise PermissionError("the folder for pictures belongs to somebody else")


def _lives(process: int) -> bool:
    """Whether a process of that id exists, as far as can be told."""
    if sys.platform == "win32":
        return process == os.getpid()  # os.kill would end it; two gateways at once are rare there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
