"""`requests export`: what is recorded, written to a file that only its owner can read."""

import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from lingma_proxy.cli.people import tell
from lingma_proxy.cli.recorded import find, nothing, opened, there
from lingma_proxy.doctor.port import address
from lingma_proxy.errors import InvalidRequest, NotFound
from lingma_proxy.recording.exchanges import Exchanges
from lingma_proxy.recording.exports import FORMATS
from lingma_proxy.recording.kept import KeptExchange, Wanted
from lingma_proxy.settings import Resolved

ALL = 2**62
STANDARD_OUTPUT = "-"


async def export(
    resolved: Resolved,
    wanted: Wanted,
    ids: Sequence[str],
    *,
    file: str,
    form: str | None,
    force: bool,
) -> None:
    """Those that are wanted, or those with the ids.  Raises NotFound, InvalidRequest."""
    format = FORMATS[form or by_suffix(file)]
    if not there(resolved.settings):
        raise NotFound(nothing(resolved))
    base = address(resolved.settings)
    count = 0
    async with opened(resolved.settings) as exchanges:
        if not ids and not await exchanges.list(Wanted(limit=1)):
            raise NotFound(nothing(resolved))
        with target(file, force=force) as out:
            out.write(format.head)
            async for each in chosen(exchanges, wanted, ids):
                out.write((format.between if count else "") + format.one(each, base))
                count += 1
            out.write(format.tail)
    if file != STANDARD_OUTPUT:
        tell(f"Wrote {'1 request' if count == 1 else f'{count:,} requests'} to {file}.")


async def chosen(
    exchanges: Exchanges, wanted: Wanted, ids: Sequence[str]
) -> AsyncIterator[KeptExchange]:
    """The oldest first; those with ids in the order in which they are named."""
    if ids:
        for id in ids:
            yield await find(exchanges, id)
        return
    # Only their ids: all of them at once may be more than fits into memory.
    summaries = [each.id for each in await exchanges.list(wanted)]
    for id in reversed(summaries):
        found = await exchanges.find(id)
        if found is not None:  # it may have grown old meanwhile
            yield found


def by_suffix(file: str) -> str:
    suffix = Path(file).suffix.lower()
    return next((name for name, each in FORMATS.items() if each.suffix == suffix), "jsonl")


@contextmanager
def target(file: str, *, force: bool) -> Iterator[TextIO]:
    """Where it is written.  A file appears when it is complete, and not before."""
    if file == STANDARD_OUTPUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(file)
    refuse_what_is_there(path, force=force)
    try:
        # Only for its owner: mkstemp sees to it.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}.") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            yield out
        if force:
            temporary.replace(path)
        else:
            publish(temporary, path)
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def publish(temporary: Path, path: Path) -> None:
    """Give it its name, unless that was taken meanwhile."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise taken(path) from None
    except OSError:  # a file system without links
        refuse_what_is_there(path, force=False)
        temporary.replace(path)


def refuse_what_is_there(path: Path, *, force: bool) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        raise InvalidRequest(f"{path} is no file that can be written over; name another.")
    if not force:
        raise taken(path)


def taken(path: Path) -> InvalidRequest:
    return InvalidRequest(f"{path} is there already; name another file, or say --force.")
