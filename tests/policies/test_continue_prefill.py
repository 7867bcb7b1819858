import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import PartDelta
from lingma_proxy.conversation.request import (
    Message,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolResult,
)
from lingma_proxy.policies.continue_prefill import GO_ON, ContinuePrefill, prefill
from support.backends import (
    CALL,
    THOUGHT,
    answer,
    ask,
    cuts,
    hands_on,
    hear,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)


def assistant(*parts: str | Part) -> Message:
    return Message(
        "assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts)
    )


async def go_on(text: str, *said, deltas=range(30)):
    script = in_pieces(answer(*said), deltas, range(100))
    return await hear(ContinuePrefill(Scripted([script])), ask("go", assistant(text)))


async def test_the_model_is_told_to_go_on() -> None:
    inner = Scripted([answer("and on")])
    request = ask("hi", assistant("on "))

    assert await hear(ContinuePrefill(inner), request) == answer("and on")
    assert inner.requests == [ask("hi", assistant("on "), GO_ON)]


@pytest.mark.parametrize(
    "request_",
    [
        ask("hi"),
        ask("hi", assistant("hello"), "and?"),
        ask("hi", assistant("hello"), Message("system", (Text("be kind"),))),
        ask("hi", assistant("looking", CALL)),
        ask("hi", assistant(CALL), Message("user", (ToolResult(CALL.id, ()),))),
        ask("hi", assistant("")),
        ask("hi", assistant(" \n")),
        ask("hi", assistant("{"), response_format=ResponseFormat()),
        ask("hi", assistant()),
    ],
)
async def test_where_there_is_no_prefill_the_inner_stream_is_handed_on(request_) -> None:
    assert prefill(request_) == ""
    assert await hands_on(ContinuePrefill, request_)


def test_the_prefill_is_the_text_at_the_very_end() -> None:
    assert prefill(ask("hi", assistant(THOUGHT, "Well", ", "))) == "Well, "


async def test_a_repetition_is_taken_away() -> None:
    assert await go_on("Well, ", "Well, yes") == answer("yes")


async def test_a_repetition_after_thinking_is_taken_away() -> None:
    assert await go_on("Well, ", THOUGHT, "Well, yes") == answer(THOUGHT, "yes")


async def test_an_answer_that_only_repeats_has_nothing_to_add() -> None:
    assert await go_on("Well", "Well") == answer("")


@pytest.mark.parametrize(
    "said", ["yes", "Well,yes", "well, yes", " Well, yes", "Wel", "W", "", "Well,"]
)
async def test_what_is_not_the_whole_prefill_stays(said) -> None:
    assert await go_on("Well, ", said) == answer(said)


async def test_only_one_repetition_is_taken_away() -> None:
    assert await go_on("ha", "hahaha") == answer("haha")
    assert await go_on("ha", "hi", "ha") == answer("hi", "ha")


async def test_after_a_call_nothing_is_a_repetition() -> None:
    assert await go_on("Well", CALL, "Well") == answer(CALL, "Well")


async def test_thinking_is_no_repetition_wherever_it_stands() -> None:
    thought = Thinking("Well, hm")

    assert await go_on("Well", thought, "", thought, "yes") == answer(thought, "", thought, "yes")


async def test_an_empty_part_is_no_beginning() -> None:
    assert await go_on("Well", "", "Well, yes") == answer("", ", yes")


async def test_text_is_held_back_only_while_it_is_a_prefix() -> None:
    inner = Scripted([in_pieces(answer("Wexyz"), range(9), range(99))])
    out = [
        (inner.said, event.text)
        async for batch in ContinuePrefill(inner).reply(ask("go", assistant("Well")))
        for event in batch
        if isinstance(event, PartDelta)
    ]

    assert out == [(5, "Wex"), (6, "y"), (7, "z")]


async def test_hanging_up_at_any_point_leaves_nothing_behind() -> None:
    script = one_by_one(answer(THOUGHT, "Well", CALL))

    await leaves_nothing_behind(ContinuePrefill, ask("go", assistant("We")), script)


@given(
    st.text("ab ", min_size=1, max_size=6).filter(str.strip),
    st.text("ab ", max_size=12),
    cuts,
    cuts,
)
def test_a_repetition_is_found_however_the_text_comes(text, said, deltas, batches) -> None:
    inner = Scripted([in_pieces(answer(THOUGHT, said), deltas, batches)])

    reply = asyncio.run(hear(ContinuePrefill(inner), ask("go", assistant(text))))

    assert reply == answer(THOUGHT, said.removeprefix(text))
