"""What every policy promises, whatever it is for."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import Backend, EventStream, Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.estimator import Estimator
from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
)
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.errors import BackendTimeout, ProxyError, RateLimited
from lingma_proxy.gateway import Behind, over
from lingma_proxy.policies.answer_in_json import AnswerInJson
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.check_grammar import CheckGrammar
from lingma_proxy.policies.choose_model import ChooseModel, Names
from lingma_proxy.policies.continue_prefill import ContinuePrefill
from lingma_proxy.policies.cut_off import CutOff
from lingma_proxy.policies.describe_images import DescribeImages
from lingma_proxy.policies.emulate_tools import EmulateTools
from lingma_proxy.policies.fallback import Bounds, Fallback
from lingma_proxy.policies.fit_names import FitNames
from lingma_proxy.policies.limit import Limit
from lingma_proxy.policies.limit_each import LimitEach
from lingma_proxy.policies.measure_usage import MeasureUsage
from lingma_proxy.policies.one_call import OneCall
from lingma_proxy.policies.places import Places
from lingma_proxy.policies.prepare_documents import PrepareDocuments
from lingma_proxy.policies.prepare_images import PrepareImages
from lingma_proxy.policies.remember_models import RememberModels
from lingma_proxy.policies.search_web import SearchWeb
from lingma_proxy.policies.settle import Settle
from lingma_proxy.policies.skipped import Skipped
from lingma_proxy.policies.split_thinking import SplitThinking
from lingma_proxy.policies.take_notes import TakeNotes
from lingma_proxy.policies.time_out import TimeOut
from lingma_proxy.profile import Profile
from lingma_proxy.settings import Settings
from support.backends import (
    THOUGHT,
    answer,
    ask,
    closed_after,
    cuts,
    hear,
    heard,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)
from support.served import ONE_TRY
from support.strategies import replies


class TakingNotes(TakeNotes):
    """Takes notes of whatever is asked."""

    def reply(self, request: ChatRequest) -> EventStream:
        notes = ExchangeNotes(request.id, "POST", "/", 0.0)
        return super().reply(replace(request, notes=notes))


class Letters:
    """A meter for which a character is a token."""

    tokens = 0

    def __init__(self, model: str) -> None:
        pass

    def feed(self, text: str) -> None:
        self.tokens += len(text)


def choose(inner: Backend) -> Policy:
    names = Names("kmodel")
    return ChooseModel(inner, tuple, lambda: names)


async def nothing_found(_: str) -> bytes:
    return b"[]"


def unsettled(inner: Backend) -> Policy:
    return Settle(inner, lambda: False, lambda: asyncio.sleep(0))


def everything(inner: Backend) -> Backend:
    """The gateway's own stack."""
    return over(Behind(inner), Settings(check_grammar=True, **ONE_TRY)).backend


def everything_in_text(inner: Backend) -> Backend:
    """The same over a backend that takes no tools."""
    return over(Behind(inner, name=lambda: "ipc"), Settings(check_grammar=True, **ONE_TRY)).backend


POLICIES: dict[str, Callable[[Backend], Backend]] = {
    "base": Policy,
    "answer_in_json": AnswerInJson,
    "choose_model": choose,
    "continue_prefill": ContinuePrefill,
    "cut_off": lambda inner: CutOff(inner, Letters),
    "check_grammar": CheckGrammar,
    "fallback": lambda inner: Fallback(inner, lambda _: (), Skipped(), Bounds(1), hold=0.0),
    "emulate_tools": lambda inner: EmulateTools(inner, lambda _: "hermes"),
    "describe_images": lambda inner: DescribeImages(inner, lambda _: False, tuple, lambda: "see"),
    "fit_names": FitNames,
    "limit": lambda inner: Limit(inner, Places(1, 1, 60.0)),
    "limit_each": lambda inner: LimitEach(inner, lambda _: 1, 1, 60.0),
    "measure_usage": lambda inner: MeasureUsage(inner, Estimator()),
    "prepare_documents": PrepareDocuments,
    "one_call": OneCall,
    "prepare_images": PrepareImages,
    "remember_models": lambda inner: RememberModels(inner, 60.0),
    "search_web": lambda inner: SearchWeb(inner, nothing_found),
    "settle": unsettled,
    "split_thinking": lambda inner: SplitThinking(inner, lambda _: Profile(thinks_in_text=True)),
    "take_notes": TakingNotes,
    "time_out": lambda inner: TimeOut(inner, 60.0, 60.0, 60.0),
    "everything": everything,
    "everything in text": everything_in_text,
}
PREFILL = Message("assistant", (Text("Let"),))
REQUESTS = {
    "plain": ask(),
    "all at once": ask("go", PREFILL, stop=("\n\n", "ab"), max_tokens=40),
    "json": ask(response_format=ResponseFormat()),
    "tools": replace(ask(tools=(Tool("shell", "", {}),)), parallel_tool_calls=False),
    "searching": replace(ask(), web_search=WebSearch()),
}

every_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
every_request = pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)


@every_policy
@every_request
async def test_a_refusal_comes_before_the_first_event(policy, request_) -> None:
    inner = Scripted([RateLimited("later", retry_after=3)])

    events, error = await heard(policy(inner), request_)

    assert events == []
    assert isinstance(error, RateLimited)
    assert error.retry_after == 3
    assert inner.speaking == 0


@every_policy
@every_request
async def test_a_failure_comes_through_at_every_point(policy, request_) -> None:
    script = one_by_one(answer(THOUGHT, "{}", reason=FinishReason.LENGTH))
    for at in range(len(script)):
        inner = Scripted([[*script[:at], BackendTimeout("silence")]])

        _, error = await heard(policy(inner), request_)

        assert isinstance(error, BackendTimeout)
        assert inner.speaking == 0


@every_policy
@every_request
async def test_hanging_up_at_every_point_closes_what_is_inside(policy, request_) -> None:
    script = one_by_one(answer(THOUGHT, "{}"))

    await leaves_nothing_behind(policy, request_, script)


@every_policy
@every_request
async def test_cancelling_while_the_vendor_is_silent_closes_what_is_inside(
    policy, request_
) -> None:
    script = one_by_one(answer(THOUGHT, "Let it be", reason=FinishReason.LENGTH))
    for at in range(len(script)):
        inner = Scripted([[*script[:at], gate := asyncio.Event(), *script[at:]]])
        hearing = asyncio.create_task(heard(policy(inner), request_))
        while inner.said < at or not inner.speaking:  # two counts, no event
            await asyncio.sleep(0)
        hearing.cancel()
        await asyncio.wait([hearing])

        assert hearing.cancelled()
        assert inner.speaking == 0
        assert not gate.is_set()


@every_policy
@every_request
async def test_a_stream_that_is_never_begun_asks_nothing(policy, request_) -> None:
    inner = Scripted([])

    assert await closed_after(policy(inner), request_, 0)
    assert inner.requests == []


@every_policy
async def test_models_and_closing_are_passed_on(policy) -> None:
    inner = Scripted([], (Model("kmodel", "Kimi"),))
    backend = policy(inner)

    assert await backend.models() == (Model("kmodel", "Kimi"),)

    await backend.aclose()
    await backend.aclose()

    assert inner.closed


async def test_in_the_stack_a_cut_reply_has_its_usage() -> None:
    inner = Scripted([one_by_one(answer("abcdef", usage=Usage(input=1, output=6)))])

    reply = await hear(everything(inner), ask(stop=("d",)))

    assert reply == answer("abc", usage=reply.usage, stop_sequence="d")
    assert reply.usage is not None
    assert reply.usage.estimated
    assert reply.usage.output > 0


async def test_in_the_stack_a_repeated_prefill_is_no_stop_sequence() -> None:
    inner = Scripted([one_by_one(answer("```json\n{}\n```\nDone"))])
    opened = Message("assistant", (Text("```json\n"),))

    reply = await hear(everything(inner), ask("JSON, please", opened, stop=("```",)))

    assert (reply.parts, reply.stop_sequence) == ((Text("{}\n"),), "```")


requests = st.builds(
    lambda request, stop, limit: replace(request, sampling=Sampling(stop=stop, max_tokens=limit)),
    st.sampled_from(list(REQUESTS.values())),
    st.lists(st.text(max_size=3), max_size=2).map(tuple),
    st.none() | st.integers(0, 30),
)


@every_policy
@given(requests, replies, replies, cuts, cuts)
def test_whatever_is_said_inside_is_legal_outside(
    policy: Callable[[Backend], Backend],
    request_: ChatRequest,
    first,
    second,
    deltas,
    batches,
) -> None:
    inner = Scripted([in_pieces(first, deltas, batches), in_pieces(second, deltas, batches)])

    _, error = asyncio.run(heard(policy(inner), request_))

    assert error is None or isinstance(error, ProxyError)
    assert inner.speaking == 0
