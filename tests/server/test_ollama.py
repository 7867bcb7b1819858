import pytest

from lingma_proxy.conversation.request import Image, Text
from lingma_proxy.dialects.ollama import PAGES
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.jsonio import JsonObject, loads
from lingma_proxy.server.ollama import Ollama
from support.judges import PIXEL
from support.served import HELLO, MODELS, scripted

CHAT = {"model": "kmodel", "messages": [{"role": "user", "content": "Hi"}]}
GENERATE = {"model": "kmodel", "prompt": "Hi"}
SPOKEN: dict[str, JsonObject] = {"/api/chat": CHAT, "/api/generate": GENERATE}
every_path = pytest.mark.parametrize("path", SPOKEN)


async def get(path):
    async with scripted() as served:
        answer, data = await served.get(path)
    return answer.status, loads(data)


async def post(path, body):
    async with scripted() as served:
        await served.get("/api/tags")
        answer, data = await served.post(path, body)
    return answer, data


# To speak.


@every_path
async def test_a_stream_is_what_one_gets_without_asking_for_it(path):
    async with scripted(HELLO) as served:
        answer, data = await served.post(path, SPOKEN[path])

    first, last = map(loads, data.splitlines())
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert (first["done"], last["done"], last["eval_count"]) == (False, True, 2)
    assert 0 < last["eval_duration"] <= last["total_duration"]
    assert b"Hello!" in data


@every_path
async def test_who_wants_no_stream_gets_one_object(path):
    async with scripted(HELLO) as served:
        answer, data = await served.post(path, {**SPOKEN[path], "stream": False})

    body = loads(data)
    assert answer.headers["Content-Type"].startswith("application/json")
    assert body["done"]
    assert 0 < body["eval_duration"] <= body["total_duration"]


@every_path
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_the_first_word_is_a_status(path, stream):
    async with scripted(BackendTimeout("It took too long.")) as served:
        answer, data = await served.post(path, {**SPOKEN[path], "stream": stream})

    assert answer.status == 504
    assert "It took too long." in loads(data)["error"]


@every_path
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("keep_alive", "reason"), [("5m", "load"), (0, "unload")])
async def test_to_load_a_model_asks_nobody(path, stream, keep_alive, reason):
    body = {"model": "Kimi-K2.6:latest", "keep_alive": keep_alive, "stream": stream}
    async with scripted() as served:
        answer, data = await served.post(path, body)
        assert served.backend.requests == []

    said = loads(data)
    assert answer.status == 200
    assert (said["model"], said["done"], said["done_reason"]) == ("kmodel", True, reason)


@every_path
async def test_a_model_that_is_not_there_cannot_be_loaded(path):
    answer, data = await post(path, {"model": "llama3.2"})

    assert answer.status == 404
    assert "llama3.2" in loads(data)["error"]


async def test_what_is_not_honoured_is_named_also_when_nothing_is_asked():
    answer, _ = await post("/api/chat", {"model": "kmodel", "options": {"num_ctx": 99}})

    assert "num_ctx" in answer.headers["x-lingma-proxy-warning"]


# Pages.


async def test_models_are_listed_and_running_under_the_names_one_asks_for():
    for path in ("/api/tags", "/api/ps"):
        status, body = await get(path)

        assert status == 200
        assert [model["name"] for model in body["models"]] == [model.key for model in MODELS]


async def test_the_version_is_one_that_codex_takes():
    _, body = await get("/api/version")

    assert tuple(map(int, body["version"].split("."))) >= (0, 13, 4)


@pytest.mark.parametrize("field", ["model", "name"])
@pytest.mark.parametrize("name", ["kmodel", "kmodel:latest", "Kimi-K2.6", "gpt-4o"])
async def test_a_model_is_shown_by_all_its_names(field, name):
    answer, data = await post("/api/show", {field: name, "verbose": True})

    body = loads(data)
    assert answer.status == 200
    assert body["capabilities"] == ["completion", "tools", "vision", "thinking"]
    assert body["model_info"]["lingma.context_length"] == 256_000


@pytest.mark.parametrize("path", ["/api/show", "/api/pull"])
@pytest.mark.parametrize(("body", "status"), [({"model": "llama3.2"}, 404), ({}, 400), ({"model": ""}, 400), ({"model": 3}, 400)])  # fmt: skip
async def test_a_model_that_is_not_there_is_neither_shown_nor_fetched(path, body, status):
    answer, data = await post(path, body)

    assert answer.status == status
    assert isinstance(loads(data)["error"], str)


async def test_to_fetch_a_model_that_is_there_is_done_at_once():
    for body in ({"model": "kmodel"}, {"name": "kmodel", "stream": True}):
        answer, data = await post("/api/pull", body)

        assert answer.headers["Content-Type"].startswith("application/x-ndjson")
        assert [loads(line)["status"] for line in data.splitlines()][-1] == "success"
    _, data = await post("/api/pull", {"model": "kmodel:latest", "stream": False})
    assert loads(data) == {"status": "success"}


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/embed", 400, "embeddings"),
        ("/api/embeddings", 400, "embeddings"),
        ("/api/create", 403, "vendor"),
        ("/api/copy", 403, "vendor"),
        ("/api/push", 403, "vendor"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(path, status, word):
    answer, data = await post(path, {"model": "kmodel"})

    assert answer.status == status
    assert word in loads(data)["error"]


async def test_no_model_is_deleted():
    async with scripted() as served, served.session.delete(served.url + "/api/delete") as answer:
        assert answer.status == 403
        assert "vendor" in loads(await answer.read())["error"]


async def test_errors_on_every_page_are_in_ollamas_words():
    async with scripted() as served:
        routes = Ollama(served.gateway).routes()
        answer, data = await served.post("/api/tags", {})

    assert {path for path, _, _ in routes} == PAGES
    assert answer.status == 405
    assert isinstance(loads(data)["error"], str)


async def test_codex_finds_what_it_looks_for():
    """As `codex --oss` does: the version, the model by its exact name, else it would fetch it."""
    async with scripted() as served:
        for path in ("/api/version", "/api/tags"):
            answer, data = await served.get(path)
            assert answer.status == 200
        assert "kmodel" in [model["name"] for model in loads(data)["models"]]
        pulled, lines = await served.post("/api/pull", {"model": "kmodel", "stream": True})

    assert pulled.status == 200
    assert loads(lines.splitlines()[-1]) == {"status": "success"}


async def test_codex_may_warm_up_as_it_does_before_lm_studio():
    warm_up = {"model": "kmodel", "input": "", "max_output_tokens": 1}
    async with scripted(HELLO) as served:
        listed, _ = await served.get("/v1/models")
        answer, data = await served.post("/v1/responses", warm_up)

    assert (listed.status, answer.status) == (200, 200), data


async def test_a_picture_is_known_by_its_bytes_for_nobody_says_what_it_is():
    message = {"role": "user", "content": "What is it?", "images": [PIXEL]}
    async with scripted(HELLO) as served:
        answer, data = await served.post("/api/chat", {**CHAT, "messages": [message]})
        (asked,) = served.backend.requests
        bad = {**message, "images": ["aGVsbG8="]}
        refused, complaint = await served.post("/api/chat", {**CHAT, "messages": [bad]})

    assert answer.status == 200, data
    assert [type(part) for part in asked.messages[0].parts] == [Image, Text]
    assert [part.media_type for part in asked.messages[0].parts if type(part) is Image] == [
        "image/png"
    ]
    assert refused.status == 400
    assert isinstance(loads(complaint)["error"], str)


async def test_a_key_that_is_missing_is_said_in_ollamas_words():
    async with scripted(api_key="s3cret") as served:
        for path in ("/api/chat", "/api/show"):
            answer, data = await served.post(path, {"model": "kmodel"})

            assert answer.status == 401
            assert "key" in loads(data)["error"]
