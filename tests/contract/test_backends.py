"""What every backend promises, whatever stands behind it.

A `Stage` puts a backend in front of a vendor that tells a story.  A new backend joins the
suite with one more entry in `STAGES`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lingma_proxy.backend import Backend
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import ReplyEnded, ReplyStarted
from lingma_proxy.conversation.request import ToolCall
from lingma_proxy.errors import ProxyError
from stories.library import ALL
from support.backends import ask, drain, heard
from support.remote import remote
from support.stories import Spelling, Story, batches, heard_parts, sse
from support.vendor_server import Hang, Says, serving, tells

PATIENCE = 20
"""Seconds after which a promise counts as broken."""


@dataclass
class Staged:
    backend: Backend
    gone: Callable[[], AbstractAsyncContextManager[None]]
    """Entered before the listener leaves; its end waits until the vendor has seen it."""


@asynccontextmanager
async def over_the_remote_api(story: Story, home: Path, *, endless: bool) -> AsyncIterator[Staged]:
    script = Says((sse(story, Spelling(enveloped_done=False, bare_done=False)), Hang()))
    async with (
        serving(script if endless else tells(story)) as vendor,
        remote(vendor.url, home) as backend,
    ):

        @asynccontextmanager
        async def gone() -> AsyncIterator[None]:
            yield
            await asyncio.wait_for(vendor.left.wait(), PATIENCE)

        yield Staged(backend, gone)


@asynccontextmanager
async def by_heart(story: Story, home: Path, *, endless: bool) -> AsyncIterator[Staged]:
    """A backend on a list: no vendor, the same promises."""
    script = list(before_the_error(story))
    if story.error is not None:
        script += [*([asyncio.Event()] if endless else []), story.failure()]
    backend = Scripted([script])

    @asynccontextmanager
    async def gone() -> AsyncIterator[None]:
        yield
        assert backend.speaking == 0

    yield Staged(backend, gone)


def before_the_error(story: Story):
    with suppress(ProxyError):
        yield from batches(story)


STAGES = {"remote": over_the_remote_api, "scripted": by_heart}


@pytest.fixture(params=STAGES)
def stage(request, tmp_path):
    def on(story: Story, *, endless: bool = False):
        return STAGES[request.param](story, tmp_path, endless=endless)

    return on


def without_new_ids(parts):
    """The parts, without the ids that were made up: they are another thing each time."""
    return [
        replace(part, id="") if isinstance(part, ToolCall) and made_up(part.id) else part
        for part in parts
    ]


def made_up(id: str) -> bool:
    return id.startswith("call_") and (id.startswith("call_new_") or len(id) > 30)


GOOD = [story for story in ALL if story.error is None]
REFUSED = [story for story in ALL if story.error is not None and not story.script]
BROKEN_OFF = [story for story in ALL if story.error is not None and story.script]


def named(story: Story) -> str:
    return story.name


@pytest.mark.parametrize("story", GOOD, ids=named)
async def test_a_reply_is_well_formed_and_complete(stage, story):
    async with stage(story) as staged:
        events = [event for batch in await drain(staged.backend) for event in batch]

    assert without_new_ids(heard_parts(events)) == without_new_ids(story.parts)
    assert isinstance(events[-1], ReplyEnded)
    assert (events[-1].reason, events[-1].usage) == (story.reason, story.usage)


@pytest.mark.parametrize("story", REFUSED, ids=named)
async def test_a_refusal_is_raised_before_anything_is_said(stage, story):
    async with stage(story) as staged:
        events, error = await heard(staged.backend)

    assert events == []
    assert type(error) is story.error


@pytest.mark.parametrize("story", BROKEN_OFF, ids=named)
async def test_what_breaks_off_is_raised_after_what_was_said(stage, story):
    async with stage(story) as staged:
        events, error = await heard(staged.backend)

    assert isinstance(events[0], ReplyStarted)
    assert heard_parts(events) == list(story.parts)
    assert type(error) is story.error


ENDLESS = next(story for story in BROKEN_OFF if story.name == "died in the text")


async def test_closing_the_stream_stops_the_vendor(stage):
    async with (
        stage(ENDLESS, endless=True) as staged,
        staged.gone(),
        aclosing(staged.backend.reply(ask())) as events,
    ):
        assert isinstance((await anext(events))[0], ReplyStarted)


async def test_cancelling_who_waits_stops_the_vendor(stage):
    async with stage(ENDLESS, endless=True) as staged:
        begun = asyncio.Event()

        async def listen() -> None:
            async with aclosing(staged.backend.reply(ask())) as events:
                async for _ in events:
                    begun.set()

        async with staged.gone():
            listener = asyncio.create_task(listen())
            await asyncio.wait_for(begun.wait(), PATIENCE)
            listener.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listener


async def test_a_stream_that_nobody_began_leaves_nothing_behind(stage):
    async with stage(GOOD[0]) as staged:
        await staged.backend.reply(ask()).aclose()


async def test_no_task_outlives_the_backend(stage):
    async with stage(GOOD[0]) as staged:
        before = asyncio.all_tasks()
        async with aclosing(staged.backend.reply(ask())) as events:
            async for _ in events:
                pass
        await staged.backend.aclose()
        await staged.backend.aclose()
        left = {task for task in asyncio.all_tasks() - before if "_serve" not in repr(task)}

        assert left == set()
