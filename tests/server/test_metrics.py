import asyncio

from prometheus_client.parser import text_string_to_metric_families as parse

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import BackendTimeout, RateLimited
from lingma_proxy.gateway import Behind
from lingma_proxy.policies.skipped import IN_A_ROW
from lingma_proxy.server.exposition import MEDIA_TYPE
from support.backends import one_by_one
from support.served import CHAT, HELLO, MESSAGES, MODELS, scripted, standing

AGENT = {"User-Agent": "claude-cli/2.0"}


def over(served):
    """A queue of the exchanges that are over."""
    queue: asyncio.Queue[object] = asyncio.Queue()
    served.gateway.observers.append(queue.put_nowait)
    return queue


async def scraped(served, **headers):
    answer, data = await served.get("/metrics", **headers)
    assert answer.status == 200
    families = {family.name: family for family in parse(data.decode())}
    return answer, {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }


def value(found, name, **labels):
    return found[f"lingma_proxy_{name}", *sorted(labels.items())]


async def test_what_has_been_is_counted():
    limited = [RateLimited("Wait.")]
    async with scripted(one_by_one(HELLO), one_by_one(HELLO), limited) as served:
        ended = over(served)
        await served.post("/v1/chat/completions", CHAT, **AGENT)
        await served.post("/v1/messages", {**MESSAGES, "stream": True}, **AGENT)
        await served.post("/v1/chat/completions", CHAT, **AGENT)
        await served.get("/v1/models", **AGENT)
        for _ in range(4):
            await ended.get()
        answer, found = await scraped(served)

    assert answer.headers["Content-Type"] == MEDIA_TYPE
    who = {"client": "claude-code", "model": "kmodel"}
    dialects = {dict(key[1:])["route"] for key in found if key[0] == "lingma_proxy_requests_total"}
    assert dialects == {"openai_chat", "anthropic", "models"}
    assert value(found, "requests_total", route="openai_chat", status="200", **who) == 1
    assert value(found, "requests_total", route="openai_chat", status="429", **who) == 1
    assert value(found, "errors_total", route="openai_chat", **{"class": "RateLimited"}) == 1
    assert value(found, "attempts_total", model="kmodel", outcome="ok") == 2
    assert value(found, "tokens_total", model="kmodel", kind="input", estimated="false") == 6
    assert value(found, "reply_seconds_count", model="kmodel") == 2
    assert value(found, "first_byte_seconds_count", model="kmodel") == 1


async def test_how_it_is_now_is_said():
    behind = Behind(Scripted([], MODELS), login_expires=lambda: 4e9, hurdle=lambda: "No login.")
    async with standing(behind) as served:
        _, found = await scraped(served)

    assert value(found, "replies_running") == value(found, "replies_waiting") == 0
    assert value(found, "ready") == 0
    assert value(found, "recording_up") == 0
    assert value(found, "login_expires_timestamp_seconds") == 4e9
    assert value(found, "login_left_seconds") > 0
    assert value(found, "loop_lag_seconds_count") >= 0
    [about] = [dict(key[1:]) for key in found if key[0] == "lingma_proxy_build_info"]
    assert about["backend"] == "remote"
    assert ("process_start_time_seconds",) in found


async def test_models_that_are_passed_over_are_named():
    async with scripted() as served:
        for _ in range(IN_A_ROW):
            attempt = served.gateway.skipped.may_try("kmodel")
            assert attempt is not None
            served.gateway.skipped.failed(attempt, BackendTimeout("Too slow."))
        _, found = await scraped(served)

    assert value(found, "model_skipped_seconds", model="kmodel") > 0


async def test_hostile_names_break_nothing():
    async with scripted(*[one_by_one(HELLO)] * 3) as served:
        ended = over(served)
        for agent in ('a"}\\ 1', "x" * 3000, "{le=}\u00ff"):
            await served.post("/v1/chat/completions", CHAT, **{"User-Agent": agent})
            await ended.get()
        await served.post("/v1/chat/completions", {**CHAT, "model": 'm"\n{}\u2028'})
        await ended.get()

        _, found = await scraped(served)

    assert sum(each for key, each in found.items() if key[0].endswith("requests_total")) == 4


async def test_it_is_guarded_like_all_else():
    async with scripted(api_key="secret") as served:
        without, _ = await served.get("/metrics")
        foreign, _ = await served.get("/metrics", Host="evil.example")
        answer, _ = await scraped(served, Authorization="Bearer secret")

    assert (without.status, foreign.status, answer.status) == (401, 403, 200)
