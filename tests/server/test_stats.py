import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import Usage
from lingma_proxy.errors import RateLimited
from lingma_proxy.jsonio import loads
from lingma_proxy.recording.tally import Tally
from lingma_proxy.recording.totals import Key, Summed
from lingma_proxy.server.stats import BY, said
from support.backends import one_by_one
from support.exchanges import BEGAN, exchange
from support.served import CHAT, HELLO, MESSAGES, scripted


async def stats(served, query=""):
    answer, data = await served.get(f"/stats{query}")
    return answer.status, loads(data)


async def told(served, *requests):
    ended: asyncio.Queue[object] = asyncio.Queue()
    served.gateway.observers.append(ended.put_nowait)
    for path, body in requests:
        await served.post(path, body, **{"User-Agent": "claude-cli/2.0"})
        await ended.get()


async def test_replies_are_summed_up_and_nothing_else_is(tmp_path):
    hello, limited = one_by_one(HELLO), [RateLimited("Wait.")]
    async with scripted(hello, hello, limited, recording="on", data_dir=str(tmp_path)) as served:
        await told(
            served,
            ("/v1/chat/completions", CHAT),
            ("/v1/messages", {**MESSAGES, "stream": True}),
            ("/v1/chat/completions", CHAT),
            ("/v1/messages/count_tokens", MESSAGES),
        )
        await served.get("/health")
        await served.get("/v1/models")
        status, body = await stats(served, "?days=7")

    assert status == 200
    totals = body["totals"]
    assert (totals["requests"], totals["succeeded"], totals["failed"]) == (3, 2, 1)
    assert totals["errors"] == {"RateLimited": 1}
    assert totals["tokens"] == {
        "input": 6,
        "output": 4,
        "cached": 0,
        "reasoning": 0,
        "estimated_requests": 0,
    }
    assert totals["total_ms"]["count"] == 2
    assert totals["first_byte_ms"]["count"] == 1
    assert [each["dialect"] for each in body["by_dialect"]] == ["openai_chat", "anthropic"]
    assert [each["model"] for each in body["by_model"]] == ["kmodel"]
    assert [each["client"] for each in body["by_client"]] == ["claude-code"]
    assert [each["day"] for each in body["by_day"]] == [body["to"]] == [body["since"]]
    assert (body["complete"], body["note"], body["days"]) == (True, "", 7)


async def test_with_the_recording_off_it_says_since_when():
    async with scripted(one_by_one(HELLO)) as served:
        await told(served, ("/v1/chat/completions", CHAT))
        _, body = await stats(served)

    assert body["totals"]["requests"] == 1
    assert body["complete"] is False
    assert "`recording` is off" in body["note"]


async def test_only_some_of_it_may_be_wanted():
    async with scripted(one_by_one(HELLO)) as served:
        await told(served, ("/v1/chat/completions", CHAT))
        _, mine = await stats(served, "?client=claude-code&model=kmodel&dialect=openai_chat")
        _, others = await stats(served, "?client=codex")

    assert mine["totals"]["requests"] == 1
    assert others["totals"]["requests"] == 0
    assert others["by_day"] == []


@pytest.mark.parametrize("days", ["0", "401", "x", "-1", "", "9999999999", "\u0663"])
async def test_days_that_make_no_sense_are_refused(days):
    async with scripted() as served:
        status, body = await stats(served, f"?days={days}")

    assert status == 400
    assert "1 to 400" in body["error"]["message"]


async def test_it_is_guarded_like_all_else():
    async with scripted(api_key="secret") as served:
        status, _ = await stats(served)

    assert status == 401


def test_times_are_in_milliseconds_and_nothing_is_null():
    tally = Tally()
    tally.add(exchange())
    sums = {Key("2026-11-22", "kmodel", "codex", "anthropic"): tally}

    whole = said(Summed(sums, "2026-11-22"), 30, BEGAN)
    empty = said(Summed({}, ""), 30, BEGAN)

    assert whole["totals"]["total_ms"] == {
        "count": 1,
        "mean": 2250.0,
        "p50": pytest.approx(1750, rel=0.3),
        "p95": pytest.approx(2250, rel=0.1),
        "max": 2250.0,
    }
    assert empty["totals"]["total_ms"] == {
        "count": 0,
        "mean": None,
        "p50": None,
        "p95": None,
        "max": None,
    }
    assert empty["since"] is None


names = st.sampled_from("abc")
keys = st.builds(Key, st.sampled_from(["2026-11-21", "2026-11-22"]), names, names, names)
exchanges = st.builds(
    exchange,
    usage=st.none() | st.builds(Usage, st.integers(0, 99), st.integers(0, 99)),
    error=st.none() | st.sampled_from([RateLimited("Wait."), asyncio.CancelledError()]),
    streamed=st.booleans(),
)


@given(st.lists(st.tuples(keys, exchanges), max_size=30))
def test_every_way_to_group_them_comes_to_the_same_sum(replies):
    sums: dict[Key, Tally] = {}
    for key, notes in replies:
        sums.setdefault(key, Tally()).add(notes)

    body = said(Summed(sums, ""), 30, BEGAN)

    totals = body["totals"]
    assert totals["requests"] == len(replies)
    for name in BY:
        groups = body[f"by_{name}"]
        for field in ("requests", "succeeded", "failed", "left"):
            assert sum(group[field] for group in groups) == totals[field]
        for field in ("input", "output"):
            assert sum(group["tokens"][field] for group in groups) == totals["tokens"][field]
        assert sum(group["total_ms"]["count"] for group in groups) == totals["total_ms"]["count"]
