"""Looking at files that belong to others: bounded, and never astonished.

They may be missing, locked, half written, enormous, or replaced while we look.
"""

from collections.abc import Iterable, Iterator
from os import scandir
from pathlib import Path, PurePath
from typing import BinaryIO, TypeAlias

LARGEST = 2**20
"""Bytes of a file of settings or of a login; a true one has a few thousand."""
TAIL = 2**21
"""Bytes from the end of a log: what it says last is what counts."""
DEEPEST = 5
"""How far below a folder of logs they are looked for: date, window, host, extension."""
MOST_ENTRIES = 5000
"""Files and folders that are looked at below one folder of logs."""

Stamp: TypeAlias = tuple[int, int, int] | None
"""What changes when a file does; None when it is not there."""


def stamps(paths: Iterable[PurePath]) -> tuple[Stamp, ...]:
    return tuple(stamp(path) for path in paths)


def stamp(path: PurePath) -> Stamp:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def read(path: PurePath) -> str:
    """The text of a small file.  Raises ValueError, with a sentence, if there is none."""
    try:
        with _opened(path) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ValueError("it does not exist") from None
    except PermissionError:
        raise ValueError("it may not be read by this user") from None
    except IsADirectoryError:
        raise ValueError("it is a folder, not a file") from None
    except OSError as error:
        raise ValueError(f"it cannot be read ({type(error).__name__})") from None
    return as_text(data)


def as_text(data: bytes) -> str:
    """What `LARGEST` + 1 bytes of a small file say.  Raises ValueError, as `read` does."""
    if len(data) > LARGEST:
        raise ValueError("it is far too large to be one")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None


def glance(path: PurePath) -> str:
    """The end of a file, whatever it holds; "" if it cannot be read."""
    try:
        with _opened(path) as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            return file.read(TAIL).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def newest_files(root: PurePath, *, folders: int, files: int) -> list[Path]:
    """The newest files in a folder and in the newest of its sub-folders, the newest first."""
    top = list(_entries(Path(root)))
    inner = sorted((each for each in top if each[2]), reverse=True)[:folders]
    found = [each for each in top if not each[2]]
    for _, path, _ in inner:
        found += _walk(path)
    return [path for _, path, _ in sorted(found, reverse=True)[:files]]


def _opened(path: PurePath) -> BinaryIO:
    """Raises OSError; and ValueError for a pipe, which would keep us waiting, and the like."""
    file = Path(path)
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise ValueError("it is not a file")
    return file.open("rb")


def _walk(root: Path) -> list[tuple[int, Path, bool]]:
    found: list[tuple[int, Path, bool]] = []
    waiting = [(root, 1)]
    seen = 0
    while waiting and seen < MOST_ENTRIES:
        folder, depth = waiting.pop()
        for entry in _entries(folder):
            seen += 1
            if not entry[2]:
                found.append(entry)
            elif depth < DEEPEST:
                waiting.append((entry[1], depth + 1))
    return found


def _entries(folder: Path) -> Iterator[tuple[int, Path, bool]]:
    """(time of change, path, whether it is a folder) of what is in a folder; links are not followed."""
    try:
        with scandir(folder) as entries:
            for entry in entries:
                if not entry.is_symlink():
                    changed = entry.stat(follow_symlinks=False).st_mtime_ns
                    yield changed, Path(entry.path), entry.is_dir()
    except OSError:
        return
