"""What `lingma-proxy requests` looks up in the recording, and how it is said."""

import shutil
import sys
import time
from dataclasses import replace

from lingma_proxy.cli.filters import narrows
from lingma_proxy.cli.listed import layout
from lingma_proxy.cli.people import tell
from lingma_proxy.cli.recorded import find, nothing, off, opened, there
from lingma_proxy.cli.shown import lines
from lingma_proxy.errors import NotFound
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.exports.jsonl import as_object, summary_as_object
from lingma_proxy.recording.exports.terminal import escaped
from lingma_proxy.recording.kept import Wanted
from lingma_proxy.settings import Resolved

ALL = 2**62


async def some(
    resolved: Resolved, wanted: Wanted, *, width: int | None, as_json: bool
) -> list[str]:
    """A list of those that are wanted; why it is empty is told besides."""
    if not there(resolved.settings):
        tell(nothing(resolved))
        return ["[]"] if as_json else []
    async with opened(resolved.settings) as exchanges:
        found = await exchanges.list(wanted)
        if not found:
            tell(await _why_none(resolved, wanted, others=await exchanges.list(Wanted(limit=1))))
    if found and off(resolved):
        tell(f"note: {off(resolved)}")
    if as_json:
        return [escaped(dumps([summary_as_object(each) for each in found]))]
    if not found:
        return []
    now = time.time()
    columns = layout(found, width, now)
    return [columns.header(), *(line for each in found for line in columns.lines(each, now))]


async def _why_none(resolved: Resolved, wanted: Wanted, *, others: object) -> str:
    if not others:
        return nothing(resolved)
    if narrows(wanted):
        return "No request that is kept is like that."
    return "No request for a reply is kept; --all shows the others."


async def one(resolved: Resolved, id: str, *, raw: bool, bodies: bool, as_json: bool) -> list[str]:
    """All of one.  Raises NotFound."""
    if not there(resolved.settings):
        raise NotFound(nothing(resolved))
    async with opened(resolved.settings) as exchanges:
        found = await find(exchanges, id)
    if as_json:
        return [escaped(dumps(as_object(found)))]
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
    return list(lines(found, raw=raw, bodies=bodies, width=min(width, 120)))


async def count(resolved: Resolved, wanted: Wanted) -> tuple[int, Wanted]:
    """How many there are, and a wish for exactly those: what is yet to come is not among them."""
    if not there(resolved.settings):
        return 0, wanted
    async with opened(resolved.settings) as exchanges:
        found = await exchanges.list(wanted)
    newest = max((each.row for each in found), default=0)
    return len(found), replace(wanted, before=newest + 1)


async def clear(resolved: Resolved, wanted: Wanted) -> int:
    async with opened(resolved.settings) as exchanges:
        return await exchanges.clear(wanted)
