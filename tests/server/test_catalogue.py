from dataclasses import replace

import pytest

from lingma_proxy import __version__
from lingma_proxy.aside import aside
from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.tokens import count_request
from lingma_proxy.errors import NotLoggedIn
from lingma_proxy.gateway import Behind
from lingma_proxy.jsonio import loads
from support.backends import ask, one_by_one
from support.served import HELLO, MODELS, scripted, standing

ANTHROPIC = {"anthropic-version": "2026-10-21"}


class LoggedOut:
    """A backend without a login."""

    async def reply(self, request):
        raise NotLoggedIn("Log in there.")
        yield []

    async def models(self):
        raise NotLoggedIn("Log in there.")

    async def aclose(self):
        pass


async def get(path, headers=None, **settings):
    async with scripted(**settings) as served:
        answer, data = await served.get(path, **(headers or {}))
    return answer.status, loads(data)


async def test_models_come_in_the_shape_of_the_caller():
    _, openai = await get("/v1/models")
    _, anthropic = await get("/v1/models", ANTHROPIC)

    assert openai["object"] == "list"
    assert anthropic["has_more"] is False
    assert [each["id"] for each in openai["data"]] == [model.key for model in MODELS]
    assert [each["id"] for each in anthropic["data"]] == [model.key for model in MODELS]


@pytest.mark.parametrize(
    "name", ["kmodel", "Kimi-K2.6", "kimi-k2.6", "claude-sonnet-4-5", "gpt-4o"]
)
async def test_one_model_answers_to_all_its_names(name):
    for headers in ({}, ANTHROPIC):
        status, body = await get(f"/v1/models/{name}", headers)

        assert (status, body["id"]) == (200, "kmodel")


@pytest.mark.parametrize("name", ["kmodel", "kimi-k2.6", "gpt-4o"])
async def test_lm_studios_one_model_answers_to_them_too(name):
    status, body = await get(f"/api/v0/models/{name}")

    assert (status, body["id"], body["type"]) == (200, "kmodel", "vlm")
    assert body["max_context_length"] == 256_000


async def test_a_model_that_is_not_there():
    async with scripted() as served:
        await served.get("/v1/models")
        answer, data = await served.get("/v1/models/kmodell")

    assert answer.status == 404
    assert "kmodel" in loads(data)["error"]["message"].lower()


async def test_claude_names_are_listed_when_the_settings_say_so():
    _, body = await get("/v1/models", claude_names=True)

    assert "claude-kmodel" in [each["id"] for each in body["data"]]


async def test_the_incumbents_pages_are_there():
    for path, field in {
        "/": "ok",
        "/health": "state",
        "/api/v1/models": "models",
        "/api/tags": "models",
        "/api/v0/models": "data",
        "/lmstudio-greeting": "lmstudio",
        "/props": "model_alias",
        "/v1/props": "default_generation_settings",
        "/capabilities": "features",
        "/v1/capabilities": "model_metadata",
    }.items():
        status, body = await get(path)

        assert status == 200, path
        assert field in body, path
    assert (await get("/version"))[1]["version"] == __version__


async def test_alive_and_ready():
    assert await get("/livez") == (200, {"live": True})
    status, body = await get("/readyz")
    assert (status, body["ready"], body["backend"]) == (200, True, "remote")
    assert body["why"] == "The setting backend says so."


async def test_while_nobody_can_answer_it_is_not_ready_and_says_what_to_do():
    looks, hurdles = [], ["Open it."]

    async def look():
        looks.append(1)

    behind = Behind(
        LoggedOut(),
        name=lambda: "ipc",
        reason=lambda: "It is the first.",
        peer=lambda: "Qoder CN",
        hurdle=lambda: hurdles[0],
        look=look,
    )
    async with standing(behind) as served:
        answer, data = await served.get("/readyz")
        assert answer.status == 503
        assert loads(data) == {
            "ready": False,
            "backend": "ipc",
            "why": "It is the first.",
            "peer": "Qoder CN",
            "reason": "Open it.",
        }
        hurdles[0] = ""
        assert (await served.get("/readyz"))[0].status == 200
        assert len(looks) == 2


async def test_while_the_login_ends_it_is_still_ready_and_says_when_and_what_to_do():
    ends: list[float | None] = [1_800_000_000.5]
    behind = Behind(
        LoggedOut(), login_expires=lambda: ends[0], login_ending=lambda: "It ends in 2 days."
    )
    async with standing(behind) as served:
        answer, data = await served.get("/readyz")
        assert answer.status == 200
        assert loads(data)["login"] == {
            "expires_at": 1_800_000_000,
            "warning": "It ends in 2 days.",
        }
        ends[0] = None
        assert "login" not in loads((await served.get("/readyz"))[1])
        assert "login" not in loads((await served.get("/health"))[1])


async def test_health_says_how_who_answers_is_reached():
    behind = Behind(
        LoggedOut(),
        name=lambda: "ipc",
        transport=lambda: "websocket",
        endpoint=lambda: "ws://127.0.0.1:36510/",
        session_mode="reuse",
    )
    async with standing(behind) as served:
        _, data = await served.get("/health")

    assert loads(data)["state"] == {
        "backend": "ipc",
        "transport": "websocket",
        "connected": False,
        "session_mode": "reuse",
        "endpoint": "ws://127.0.0.1:36510/",
        "running": 0,
        "queued": 0,
    }


async def test_without_a_login_lists_are_refused_and_the_rest_is_said():
    from support.served import serving

    async with serving(LoggedOut()) as served:
        statuses = [
            (await served.get(path))[0].status
            for path in ("/v1/models", "/capabilities", "/health")
        ]

    assert statuses == [401, 200, 200]


async def test_tokens_are_counted_also_of_long_bodies():
    async with scripted() as served:
        counts = []
        for words in (1, 50_000):
            body = {"model": "kmodel", "messages": [{"role": "user", "content": "word " * words}]}
            answer, data = await served.post("/v1/messages/count_tokens", body)
            assert answer.status == 200
            counts.append(loads(data)["input_tokens"])

    assert 0 < counts[0] < 30
    assert 40_000 < counts[1] < 110_000


async def test_capabilities_know_whether_files_are_read(tmp_path):
    _, without = await get("/capabilities")
    _, with_one = await get("/capabilities", image_folders=(str(tmp_path),))

    assert without["features"]["local_image_paths"] is False
    assert with_one["features"]["local_image_paths"] is True


async def test_a_count_beforehand_comes_to_be_what_the_vendor_counts():
    """In all three places where tokens are told that nobody has counted yet."""
    prompt = "Tell me all that you know about the tea of the mountains. " * 30
    body = {"model": "kmodel", "max_tokens": 100, "messages": [{"role": "user", "content": prompt}]}
    theirs = round(count_request(ask(prompt)) * 1.3)
    counted = replace(HELLO, usage=Usage(theirs, 4))

    async with scripted(*[one_by_one(counted)] * 5) as served:

        async def told(path, body):
            _, data = await served.post(path, body)
            return loads(data)["input_tokens"]

        for _ in range(4):
            await served.post("/v1/messages", body)
        await aside(lambda: None, patient=True)  # where it is learnt
        beforehand = await told("/v1/messages/count_tokens", body)
        other = await told("/v1/responses/input_tokens", {"model": "kmodel", "input": prompt})
        _, stream = await served.post("/v1/messages", {**body, "stream": True})

    start = next(line for line in stream.splitlines() if b"message_start" in line and b"{" in line)
    guessed = loads(start.removeprefix(b"data: "))["message"]["usage"]["input_tokens"]
    for tokens in (beforehand, other, guessed):
        assert tokens == pytest.approx(theirs, rel=0.05)
