"""Anthropic's own SDK reads what we say: streamed and whole are the same message."""

import json
from typing import Any

import anthropic
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lingma_proxy.conversation.events import Event, FinishReason, ReplyStarted, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import (
    ChatRequest,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
)
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects.anthropic import DIALECT, decode
from lingma_proxy.errors import BackendTimeout, InvalidRequest, ProtocolError, RateLimited
from lingma_proxy.jsonio import dumpb, loads
from stories.library import REPLIES
from support import anthropic_sdk as sdk
from support.anthropic_grammar import walk
from support.cuts import at_points
from support.stories import Story
from support.strategies import arguments, replies, texts, words

SHOWN = Asked(ChatRequest("req_1", "m", (), reasoning=Reasoning(wanted=True)), stream=True)
HIDDEN = Asked(ChatRequest("req_1", "m", (), reasoning=Reasoning(shown=False)), stream=True)


def streamed(asked: Asked, events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(asked, 0)
    return encoder.encode(events) + encoder.end()


well_formed = st.builds(
    Reply,
    id=words,
    model=words,
    parts=st.lists(
        st.builds(Text, texts)
        | st.builds(Thinking, texts, words | st.just(""))
        | st.builds(ToolCall, words, words, arguments() | st.sampled_from(["", " "])),
        max_size=5,
    ).map(tuple),
    reason=st.sampled_from(FinishReason),
    usage=st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40)),
)


@settings(max_examples=60, deadline=None)
@given(well_formed, st.sampled_from([SHOWN, HIDDEN]), st.lists(st.integers(0, 3000), max_size=5))
def test_streamed_and_whole_are_the_same_message(
    reply: Reply, asked: Asked, points: list[int]
) -> None:
    pieces = at_points(streamed(asked, replay(reply)), points)
    whole = loads(dumpb(DIALECT.whole(asked, [reply], 0)))

    assert walk(b"".join(pieces)) == "done"
    assert sdk.read(whole) == sdk.folded(*pieces)


@pytest.mark.parametrize("story", REPLIES.values(), ids=REPLIES)
def test_every_story_reads_the_same_streamed_and_whole(story: Story) -> None:
    stream = streamed(SHOWN, replay(story.reply))
    try:
        whole = loads(dumpb(DIALECT.whole(SHOWN, [story.reply], 0)))
    except ProtocolError:
        with pytest.raises(ValueError, match="tool parameter JSON"):
            sdk.folded(stream)
        return

    assert sdk.folded(stream) == sdk.read(whole)
    assert sdk.folded_beta(stream) == sdk.read_beta(whole)


@settings(max_examples=60, deadline=None)
@given(arguments(), st.data())
def test_a_call_that_was_cut_reads_the_same_streamed_and_whole(
    written: str, data: st.DataObject
) -> None:
    cut = written[: data.draw(st.integers(0, len(written)))]
    reply = Reply("r", "m", (ToolCall("a", "f", cut),), FinishReason.LENGTH, Usage())
    whole = loads(dumpb(DIALECT.whole(SHOWN, [reply], 0)))

    assert sdk.read(whole) == sdk.folded(streamed(SHOWN, replay(reply)))


@settings(deadline=None)
@given(replies, st.data())
def test_a_stream_that_fails_anywhere_is_legal_and_ends_once(
    reply: Reply, data: st.DataObject
) -> None:
    events = replay(reply)
    encoder = DIALECT.encoder(data.draw(st.sampled_from([SHOWN, HIDDEN])), 0)
    at = data.draw(st.integers(0, len(events)))
    said = b"".join(encoder.encode([event]) + encoder.heartbeat() for event in events[:at])
    stream = said + encoder.fail(BackendTimeout("It took too long."))

    assert walk(stream) == "done"
    assert encoder.encode(events[at:]) + encoder.end() + encoder.heartbeat() == b""
    assert encoder.fail(BackendTimeout("Again.")) == b""


def test_the_raw_events_are_what_the_sdk_expects() -> None:
    reply = Reply(
        "r",
        "m",
        (Thinking("Hm."), Text("Look."), ToolCall("a", "f", '{"x":1}')),
        FinishReason.TOOL_CALLS,
    )
    client = sdk.streaming(streamed(SHOWN, replay(reply)))
    kinds = [event.type for event in client.messages.create(**sdk.ASK, stream=True)]

    assert kinds == [
        "message_start",
        *[
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
        ],
        *["content_block_start", "content_block_delta", "content_block_stop"],
        *["content_block_start", "content_block_delta", "content_block_stop"],
        "message_delta",
        "message_stop",
    ]


def test_the_sdk_raises_the_error_that_ends_a_stream() -> None:
    encoder = DIALECT.encoder(SHOWN, 0)
    start = encoder.encode([ReplyStarted("r", "m")])
    stream = start + encoder.fail(RateLimited("Too many. Wait a minute."))

    with pytest.raises(anthropic.APIStatusError) as caught:
        sdk.folded(stream)

    assert caught.value.type == "rate_limit_error"
    assert caught.value.api_message == "Too many. Wait a minute."


def test_the_sdk_raises_its_own_class_for_a_status() -> None:
    error = RateLimited("Too many.")

    with pytest.raises(anthropic.RateLimitError) as caught:
        sdk.answering(DIALECT.error(error, "req_1"), error.status).messages.create(**sdk.ASK)

    assert (caught.value.type, caught.value.request_id) == ("rate_limit_error", "req_1")


def test_the_sdk_sends_everything_again_when_threads_are_refused() -> None:
    """`tool_runner` asks for a thread first, and recovers from our refusal of it."""
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        try:
            asked = decode(bodies[-1], "req_1")
        except InvalidRequest as error:
            return httpx2.Response(error.status, json=DIALECT.error(error, "req_1"))
        if len(asked.request.messages) > 1:
            reply = Reply("r2", "m", (Text("DONE"),), FinishReason.STOP)
        else:
            reply = Reply("r1", "m", (ToolCall("a", "shell", "{}"),), FinishReason.TOOL_CALLS)
        return httpx2.Response(200, content=dumpb(DIALECT.whole(asked, [reply], 0)))

    @anthropic.beta_tool
    def shell() -> str:
        """Run it."""
        return "hello"

    runner = sdk.client(answer).beta.messages.tool_runner(**sdk.ASK, tools=[shell])
    last = runner.until_done()

    assert last.content[0].to_dict()["text"] == "DONE"
    assert ["thread" in body for body in bodies] == [True, False, False]
    assert len(bodies[-1]["messages"]) == 3
