from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import FrozenInstanceError

import pytest

from lingma_proxy.backend import Backend, EventStream, Model, refused
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, collect, replay
from lingma_proxy.conversation.request import ChatRequest, Text
from lingma_proxy.errors import ModelNotFound, NotLoggedIn

REPLY = Reply("1", "m", (Text("Hello."),), FinishReason.STOP)


class Parrot:
    """The smallest backend: what the protocol asks for, and nothing else."""

    def __init__(self, *, logged_in: bool = True) -> None:
        self.logged_in = logged_in
        self.closed = 0

    async def reply(self, request: ChatRequest) -> EventStream:
        try:
            if not self.logged_in:
                raise NotLoggedIn("Please log in.")
            for event in replay(REPLY):
                yield [event]
        finally:
            self.closed += 1

    async def models(self) -> Sequence[Model]:
        return [Model("m", "The model")]

    async def aclose(self) -> None:
        pass


ASKED = ChatRequest("1", "m", ())


async def test_whatever_has_the_three_methods_is_a_backend() -> None:
    async def use(backend: Backend) -> tuple[Reply, Sequence[Model]]:
        said = await collect(backend.reply(ASKED)), await backend.models()
        await backend.aclose()
        return said

    assert await use(Parrot()) == (REPLY, [Model("m", "The model")])


async def test_closing_a_stream_tells_the_backend_that_nobody_listens() -> None:
    backend = Parrot()

    async with aclosing(backend.reply(ASKED)) as events:
        await anext(events)
        assert backend.closed == 0

    assert backend.closed == 1


async def test_a_refusal_comes_before_the_first_event() -> None:
    events = Parrot(logged_in=False).reply(ASKED)

    with pytest.raises(NotLoggedIn):
        await anext(events)


def test_what_nobody_said_of_a_model_is_not_known() -> None:
    model = Model("m", "The model")

    assert (model.context_window, model.output_limit, model.sees, model.reasons) == (None,) * 4
    assert model.enabled
    assert not model.is_default
    with pytest.raises(FrozenInstanceError):
        model.enabled = False  # type: ignore[misc]  # that it cannot is the point


async def test_a_refusal_that_nobody_waits_for_is_no_error() -> None:
    stream = refused(ModelNotFound("no such model"))

    await stream.aclose()

    with pytest.raises(StopAsyncIteration):
        await anext(stream)
