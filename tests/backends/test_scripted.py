import asyncio
from contextlib import aclosing
from itertools import repeat

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import BackendTimeout, RateLimited
from support.backends import answer, ask, drain, hear, heard, one_by_one


async def test_it_says_its_replies_in_order_and_remembers_what_was_asked() -> None:
    scripted = Scripted([answer("one"), answer("two")])

    assert await hear(scripted, ask("first?")) == answer("one")
    assert await hear(scripted, ask("second?")) == answer("two")
    assert scripted.requests == [ask("first?"), ask("second?")]


async def test_it_can_say_the_same_for_ever() -> None:
    scripted = Scripted(repeat(answer("again")))

    assert [await hear(scripted) for _ in range(3)] == [answer("again")] * 3


async def test_one_request_too_many_is_an_error_of_the_script() -> None:
    with pytest.raises(LookupError, match="request 1"):
        await hear(Scripted([]))


async def test_batches_go_out_as_they_are() -> None:
    script = one_by_one(answer("hello"))

    assert await drain(Scripted([script])) == script


async def test_an_error_alone_refuses() -> None:
    events, error = await heard(Scripted([RateLimited("later")]))

    assert events == []
    assert isinstance(error, RateLimited)


async def test_an_error_in_a_script_comes_at_its_place() -> None:
    script = [*one_by_one(answer("hello"))[:3], BackendTimeout("silence")]

    events, error = await heard(Scripted([script]))

    assert len(events) == 3
    assert isinstance(error, BackendTimeout)


async def test_a_gate_holds_until_it_is_opened() -> None:
    gate = asyncio.Event()
    scripted = Scripted([[gate, *one_by_one(answer("hello"))]])
    listening = asyncio.create_task(hear(scripted))
    await asyncio.sleep(0)

    assert (scripted.speaking, scripted.said) == (1, 0)

    gate.set()

    assert await listening == answer("hello")
    assert (scripted.speaking, scripted.said) == (0, 5)


async def test_closing_it_is_seen() -> None:
    scripted = Scripted([answer("hello")])
    async with aclosing(scripted.reply(ask())) as events:
        await anext(events)
        assert scripted.speaking == 1

    assert scripted.speaking == 0

    await scripted.aclose()

    assert scripted.closed


async def test_it_has_the_models_that_it_was_given() -> None:
    assert await Scripted([], [Model("kmodel", "Kimi")]).models() == [Model("kmodel", "Kimi")]
