"""What every backend promises, whatever stands behind it.

A `Stage` puts a backend in front of a vendor that tells a story.  A new backend joins the
suite with one more entry in `STAGES`.  Not everybody can tell every story, nor with the same
words: a stage says which it tells, and what that amounts to.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from lingma_proxy.backend import Backend
from lingma_proxy.backends.peer import Lost
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import ReplyEnded, ReplyStarted, Usage
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.tokens import count_text
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.rpc import RpcError
from stories.library import ALL, STORIES
from support.agent import agent
from support.backends import ask, drain, heard
from support.plugin import WAYS, found, plugin_on
from support.remote import remote
from support.stories import (
    Cut,
    Delta,
    Finished,
    Refused,
    Say,
    Spelling,
    Story,
    Think,
    Together,
    batches,
    heard_parts,
    sse,
)
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


@asynccontextmanager
async def over_a_socket(
    story: Story, home: Path, *, endless: bool, way: str = "websocket"
) -> AsyncIterator[Staged]:
    """The plugin, which tells a story in the updates of a session."""
    del home
    async with plugin_on(way) as plugin, found(plugin, way) as backend:
        deltas = [delta for each in story.script for delta in told(each)]
        match story.ending:
            case Finished(reason):
                used = story.usage and story.usage.input + story.usage.output
                plugin.say(deltas, finish=reason or "stop", used=used)
                plugin.next(*["no-usage"] * (not used), *["reason=none"] * (not reason))
            case Refused(status, _, message):
                plugin.say(deltas, error=RpcError(status, message))
            case Cut() if endless:
                plugin.say(deltas)
                plugin.next("stall")
            case Cut():
                for _ in range(2):  # it is asked once more if nothing was said
                    plugin.say(deltas, finish=None)

        @asynccontextmanager
        async def gone() -> AsyncIterator[None]:
            yield
            async with asyncio.timeout(PATIENCE):
                await plugin.cancelled()
                await plugin.was_deleted()

        yield Staged(backend, gone)
        assert list(plugin.complaints) == []


def told(delta: Delta) -> Iterator[JsonObject]:
    match delta:
        case Say(text):
            yield {"content": text}
        case Think(text):
            yield {"reasoning_content": text}
        case Together(deltas):
            for each in deltas:
                yield from told(each)
        case _:
            raise AssertionError("nobody calls tools of ours there")


def in_words(story: Story) -> Story | None:
    """As those tell it who open sessions."""
    if any(isinstance(part, ToolCall) for part in story.parts):
        return None  # they have tools of their own, and none of ours
    if not story.parts and isinstance(story.ending, Finished):
        return None  # without a word they have failed
    if isinstance(story.ending, Cut):
        return replace(story, error=Lost)  # what ends is the connection
    return story


def as_the_plugin_tells_it(story: Story) -> Story | None:
    if in_words(story) is None or story.usage is None:
        return in_words(story)
    # It tells how full the session is; how much of that is the answer is our estimate.
    total = story.usage.input + story.usage.output
    thought = sum(count_text(part.text) for part in story.parts if isinstance(part, Thinking))
    output = thought + sum(count_text(part.text) for part in story.parts if isinstance(part, Text))
    usage = Usage(total - output, output, reasoning=thought, estimated=True)
    return replace(story, usage=usage)


@asynccontextmanager
async def over_standard_streams(
    story: Story, home: Path, *, endless: bool
) -> AsyncIterator[Staged]:
    """An agent, whose turn ends with the response to the prompt."""
    turn: dict[str, Json] = {"deltas": [delta for each in story.script for delta in told(each)]}
    faults = ["stall"] if endless else []
    match story.ending:
        case Finished(reason):
            turn["finish"] = reason
        case Refused(status, _, message):
            turn["error"] = {"code": status, "message": message}
        case Cut():
            turn["finish"] = None
    if (usage := story.usage) is None:
        faults.append("no-usage")
    else:
        turn["usage"] = {
            "inputTokens": usage.input,
            "outputTokens": usage.output,
            "cachedReadTokens": usage.cached,
            "thoughtTokens": usage.reasoning,
            "totalTokens": usage.input + usage.output,
        }
    async with agent(home, *faults, say=[turn]) as (backend, record):

        @asynccontextmanager
        async def gone() -> AsyncIterator[None]:
            yield
            async with asyncio.timeout(PATIENCE):
                await record.until(heard="session/cancel")
                await record.until(heard="session/close")

        yield Staged(backend, gone)
        assert [note for note in record.notes if "complaint" in note] == []


def as_an_agent_tells_it(story: Story) -> Story | None:
    if isinstance(story.ending, Finished) and story.ending.reason is None:
        return None  # it always says why
    return in_words(story)


@dataclass(frozen=True)
class Stage:
    tell: Callable[..., AbstractAsyncContextManager[Staged]]
    amounts_to: Callable[[Story], Story | None] = lambda story: story
    """What a story comes to there; None if it cannot be told."""


STAGES = {
    "remote": Stage(over_the_remote_api),
    "scripted": Stage(by_heart),
    **{
        f"ipc/{way}": Stage(partial(over_a_socket, way=way), as_the_plugin_tells_it) for way in WAYS
    },
    "acp/stdio": Stage(over_standard_streams, as_an_agent_tells_it),
}


@pytest.fixture(params=STAGES)
def stage(request, tmp_path):
    def on(story: Story, *, endless: bool = False):
        return STAGES[request.param].tell(story, tmp_path, endless=endless)

    return on


def tellings(*, ends_well: bool, begins: bool = True):
    """Each story on each stage that can tell it, with what it amounts to there."""
    return pytest.mark.parametrize(
        ("stage", "story"),
        [
            pytest.param(name, told, id=f"{name}-{story.name}")
            for name, stage in STAGES.items()
            for story in ALL
            if (story.error is None) == ends_well and (ends_well or bool(story.script) == begins)
            if (told := stage.amounts_to(story)) is not None
        ],
        indirect=["stage"],
    )


VENDORS = ("_serve", "Plugin.serve", "RequestHandler.start", "/simulator/")
"""How the tasks of vendors are known from ours."""


def without_new_ids(parts):
    """The parts, without the ids that were made up: they are another thing each time."""
    return [
        replace(part, id="") if isinstance(part, ToolCall) and made_up(part.id) else part
        for part in parts
    ]


def made_up(id: str) -> bool:
    return id.startswith("call_") and (id.startswith("call_new_") or len(id) > 30)


@tellings(ends_well=True)
async def test_a_reply_is_well_formed_and_complete(stage, story):
    async with stage(story) as staged:
        events = [event for batch in await drain(staged.backend) for event in batch]

    assert without_new_ids(heard_parts(events)) == without_new_ids(story.parts)
    assert isinstance(events[-1], ReplyEnded)
    assert (events[-1].reason, events[-1].usage) == (story.reason, story.usage)


@tellings(ends_well=False, begins=False)
async def test_a_refusal_is_raised_before_anything_is_said(stage, story):
    async with stage(story) as staged:
        events, error = await heard(staged.backend)

    assert events == []
    assert type(error) is story.error


@tellings(ends_well=False)
async def test_what_breaks_off_is_raised_after_what_was_said(stage, story):
    async with stage(story) as staged:
        events, error = await heard(staged.backend)

    assert isinstance(events[0], ReplyStarted)
    assert heard_parts(events) == list(story.parts)
    assert type(error) is story.error


GOOD = STORIES["text"]
ENDLESS = STORIES["died in the text"]


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
    async with stage(GOOD) as staged:
        await staged.backend.reply(ask()).aclose()


async def test_no_task_outlives_the_backend(stage):
    async with stage(GOOD) as staged:
        before = asyncio.all_tasks()
        async with aclosing(staged.backend.reply(ask())) as events:
            async for _ in events:
                pass
        await staged.backend.aclose()
        await staged.backend.aclose()
        left = {
            task
            for task in asyncio.all_tasks() - before
            if not any(name in repr(task) for name in VENDORS)
        }

        assert left == set()
