"""The recording on this machine, as the commands find it: no server needs to run.

Another process may be writing it meanwhile.  To look does not make a file where there is none,
and takes nothing away: how long things are kept is decided by the server that keeps them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lingma_proxy.cli.listed import PREFIX
from lingma_proxy.cli.load import nice
from lingma_proxy.errors import NotFound
from lingma_proxy.recording.exchanges import Exchanges
from lingma_proxy.recording.exports.terminal import on_one_line
from lingma_proxy.recording.kept import KeptExchange
from lingma_proxy.recording.recording import FILE, Recording, own_folder
from lingma_proxy.recording.retention import Retention
from lingma_proxy.settings import Resolved, Settings

FOR_EVER = Retention(days=36500, count=2**40, bytes=2**60)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Exchanges]:
    """What is kept; its file is made where there is none yet (see `there`)."""
    recording = Recording(_folder(settings), FOR_EVER)
    try:
        yield recording.exchanges
    finally:
        await recording.aclose()


def there(settings: Settings) -> bool:
    """Whether anything has ever been kept."""
    return _file(settings).is_file()


def nothing(resolved: Resolved) -> str:
    """Why there is nothing to be seen, and what to do."""
    if resolved.settings.recording == "off":
        return (
            f"Nothing is recorded: the setting `recording` is off ({resolved.origins['recording']})."
            " Set it to `on`, and start `lingma-proxy serve` again."
        )
    return (
        "Nothing has been recorded yet. What `lingma-proxy serve` answers from now on is kept in"
        f" {nice(_file(resolved.settings))}."
    )


def off(resolved: Resolved) -> str:
    """What to know of a recording that does not grow; "": it does, as far as the settings say."""
    if resolved.settings.recording == "on":
        return ""
    where = resolved.origins["recording"]
    return f"the setting `recording` is off ({where}): this was kept before."


async def find(exchanges: Exchanges, id: str) -> KeptExchange:
    """By an id, the beginning of one (`req_` may be left away), or `last`.  Raises NotFound."""
    found = await exchanges.find(id)
    if found is None and not id.startswith(PREFIX):
        found = await exchanges.find(PREFIX + id)
    if found is None:
        raise NotFound(
            f"There is no request `{on_one_line(id)[:60]}`, or not any more:"
            " `lingma-proxy requests` lists those that are kept."
        )
    return found


def _file(settings: Settings) -> Path:
    return (_folder(settings) or own_folder()) / FILE


def _folder(settings: Settings) -> Path | None:
    return Path(settings.data_dir).expanduser() if settings.data_dir else None
