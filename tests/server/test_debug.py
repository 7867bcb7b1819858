import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.conversation.events import Usage
from lingma_proxy.errors import RateLimited, StoreUnavailable
from lingma_proxy.jsonio import loads
from lingma_proxy.server import debug
from support.exchanges import body, exchange
from support.lag import watched
from support.served import scripted

REQUESTS = ["/debug/requests", "/api/requests"]
LOGS = ["/debug/access-logs", "/api/access-logs", "/debug/logs", "/api/logs"]


@asynccontextmanager
async def recorded(tmp_path, *kept, **settings):
    kept_for = {"recording_days": 3650}  # what a test makes up is long ago
    where = {"recording": "on", "data_dir": str(tmp_path)}
    async with scripted(**where, **kept_for, **settings) as served:
        for notes in kept:
            served.gateway.recording.exchanges.keep(notes)
        yield served


async def get(served, path, **headers):
    answer, data = await served.get(path, **headers)
    return answer.status, loads(data)


def some(count):
    return [exchange(f"req_{number}") for number in range(count)]


@pytest.mark.parametrize("path", REQUESTS)
async def test_a_request_has_the_fields_that_people_know_and_more(tmp_path, path):
    one = exchange(
        "req_1", error=RateLimited("Too many."), status=429, usage=Usage(812, 95, cached=800)
    )
    async with recorded(tmp_path, one) as served:
        status, told = await get(served, path)
        health = (await get(served, "/health"))[1]
    [record] = told.pop("requests")
    known = {name: record.pop(name) for name in list(record)[:5]}

    assert (status, told) == (
        200,
        {"ok": True, "service": "lingma-proxy", "count": 1, "state": health["state"]},
    )
    assert known == {
        "time": "2026-09-21T14:13:20.000Z",
        "method": "POST",
        "path": "/v1/chat/completions",
        "statusCode": 429,
        "durationMs": 2250,
    }
    assert record.pop("request") == one.request.kept().decode()
    assert record.pop("response") == one.response.kept().decode()
    assert record == {
        "id": "req_1",
        "client": "claude-code",
        "userAgent": "claude-cli/2.0",
        "dialect": "openai_chat",
        "askedModel": "kimi",
        "model": "kmodel",
        "streamed": True,
        "acceptedMs": 1250,
        "firstByteMs": 1500,
        "queuedMs": 500,
        "attempts": 1,
        "reason": "stop",
        "tools": ["read_file"],
        "warnings": ["top_k is not sent."],
        "error": "Too many.",
        "errorKind": "RateLimited",
        "inputTokens": 812,
        "outputTokens": 95,
        "totalTokens": 907,
        "cachedTokens": 800,
        "tokensEstimated": False,
    }


@pytest.mark.parametrize("path", LOGS)
@pytest.mark.parametrize(
    ("status", "level"), [(200, "info"), (404, "warn"), (502, "error"), (0, "warn")]
)
async def test_an_access_line_is_what_people_know(tmp_path, path, status, level):
    async with recorded(tmp_path, exchange(status=status)) as served:
        code, told = await get(served, path)
    [line] = told["logs"]

    assert (code, told["kind"], told["count"]) == (200, "http_access_logs", 1)
    assert line["time"] == "2026-09-21T14:13:20.000Z"
    assert line["level"] == level
    assert line["message"] == f"POST /v1/chat/completions -> {status} (2250ms)"
    assert "request" not in line


LIMITS = {
    "": 50,
    "3": 3,
    "%2B3": 3,
    "0": 1,
    "-7": 1,
    "200": 200,
    "9999": 200,
    "9" * 100: 50,
    "many": 50,
    "1.5": 50,
    "%D9%A3": 50,
    "%203": 50,
}


async def test_limit_is_from_1_to_200_and_what_is_no_number_is_ignored(tmp_path):
    async with recorded(tmp_path, *some(201)) as served:
        for limit, count in LIMITS.items():
            told = (await get(served, f"/debug/logs?limit={limit}"))[1]

            assert len(told["logs"]) == told["count"] == count, limit
            newest_first = [f"req_{number}" for number in range(200, 200 - count, -1)]
            assert [each["id"] for each in told["logs"]] == newest_first
        told = (await get(served, "/debug/requests?limit=7"))[1]

    assert len(told["requests"]) == told["count"] == 7


async def test_they_outlive_a_restart(tmp_path):
    async with recorded(tmp_path, *some(2)):
        pass
    async with recorded(tmp_path) as served:
        assert (await get(served, "/debug/requests"))[1]["count"] == 2


@pytest.mark.parametrize("path", [*REQUESTS, *LOGS])
async def test_head_is_answered_without_a_body(tmp_path, path):
    async with recorded(tmp_path, *some(1)) as served:
        # Twice on one connection: nothing of the first answer is left on it.
        async with served.session.head(served.url + path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert answer.headers["Content-Type"].startswith("application/json")
        assert (await get(served, path))[0] == 200  # on the same connection


@pytest.mark.parametrize("path", [*REQUESTS, *LOGS])
async def test_they_are_guarded_like_everything_else(tmp_path, path):
    async with recorded(tmp_path, *some(1), api_key="secret") as served:
        assert (await get(served, path))[0] == 401
        assert (await get(served, path, Origin="http://evil.example"))[0] == 403
        assert (await get(served, path, Host="evil.example"))[0] == 403
        assert (await get(served, path, Authorization="Bearer secret"))[0] == 200


@pytest.mark.parametrize("path", [*REQUESTS, *LOGS])
async def test_without_a_recording_there_is_nothing_and_a_note(path):
    async with scripted() as served:
        status, told = await get(served, path)

    assert (status, told["ok"], told["count"]) == (200, True, 0)
    assert told["note"] == "Nothing is kept here: the setting `recording` is off."


@pytest.mark.parametrize("path", [*REQUESTS, *LOGS])
async def test_a_recording_that_fails_is_a_503_in_words(tmp_path, path):
    tmp_path.joinpath("recording.sqlite3").mkdir()
    async with recorded(tmp_path) as served:
        status, told = await get(served, path)

    assert status == 503
    assert told["error"]["message"].startswith("The recording cannot be used: ")


async def test_one_that_fails_in_the_middle_is_said_at_the_end(tmp_path, monkeypatch):
    async with recorded(tmp_path, *some(3)) as served:
        find = served.gateway.recording.exchanges.find

        async def failing(id):
            if id == "req_1":
                raise StoreUnavailable("The recording cannot be used: the disk is gone.")
            return await find(id)

        monkeypatch.setattr(served.gateway.recording.exchanges, "find", failing)
        told = (await get(served, "/debug/requests"))[1]

    assert [each["id"] for each in told["requests"]] == ["req_2"]
    assert told["count"] == 1
    assert told["note"] == "The recording cannot be used: the disk is gone."


async def test_one_that_was_cleared_meanwhile_is_left_out(tmp_path, monkeypatch):
    async with recorded(tmp_path, *some(2)) as served:
        find = served.gateway.recording.exchanges.find
        monkeypatch.setattr(
            served.gateway.recording.exchanges,
            "find",
            lambda name: asyncio.sleep(0) if name == "req_1" else find(name),
        )
        told = (await get(served, "/debug/requests"))[1]

    assert [each["id"] for each in told["requests"]] == ["req_0"]


async def test_what_is_missing_of_a_body_is_said(tmp_path):
    cut = exchange(request=body(b"one two three", most=8))
    async with recorded(tmp_path, cut) as served:
        [record] = (await get(served, "/debug/requests"))[1]["requests"]

    assert record["request"] == "one two "
    assert record["requestGone"]


async def test_long_bodies_do_not_block_the_loop(tmp_path):
    long = [exchange(f"req_{n}", request=body(b"\xe4\xbd\xa0 \x1b" * 200_000)) for n in range(4)]
    async with recorded(tmp_path, *long) as served:
        async with watched() as lag:
            _, data = await served.get("/debug/requests")
    told = loads(data)

    assert len(told["requests"][3]["request"]) == 600_000
    assert lag.work < 0.05


@pytest.mark.parametrize("kind", ["app", "app_logs", "Program"])
async def test_the_programs_own_log_is_another_kind(tmp_path, kind):
    async with recorded(tmp_path, *some(2)) as served:
        logging.getLogger("lingma_proxy.some_part").warning("first")
        logging.getLogger("lingma_proxy.some_part").error("second")
        told = (await get(served, f"/debug/logs?kind={kind}&limit=2"))[1]

    assert (told["kind"], told["count"]) == ("app_logs", 2)
    assert [(line["level"], line["message"]) for line in told["logs"]] == [
        ("error", "second"),
        ("warn", "first"),
    ]


async def test_there_are_no_logs_of_other_kinds(tmp_path):
    async with recorded(tmp_path) as served:
        status, told = await get(served, "/debug/logs?kind=%1b")

    assert status == 400
    assert "`app`" in told["error"]["message"]
    assert told["error"]["param"] == "kind"


async def test_a_server_that_has_stopped_listens_to_no_log(tmp_path):
    before = list(logging.getLogger().handlers)
    async with recorded(tmp_path):
        assert len(logging.getLogger().handlers) == len(before) + 1

    assert logging.getLogger().handlers == before


def test_half_a_millisecond_is_none():
    assert debug.milliseconds(1.0, None) is None
    assert debug.milliseconds(1.0, 0.5) == 0
