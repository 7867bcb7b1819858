"""A picture behind a link, and one in the result of a tool, in every dialect that has them."""

from base64 import b64encode

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.request import ChatRequest, Image, ToolResult
from lingma_proxy.jsonio import JsonObject, loads
from support.backends import answer
from support.foreign_host import answer as http
from support.foreign_host import foreign_host
from support.pictures import opened, plain
from support.served import serving

LINKED, RESULT = plain(200, 100, "red"), plain(50, 100, "blue")
ENCODED = b64encode(RESULT).decode()
MODELS = (Model("kmodel", "Kimi-K2.6", sees=True), Model("mmodel", "MiniMax", sees=False))


def chat(link: str) -> JsonObject:
    function = {"name": "look", "arguments": "{}"}
    shown = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{ENCODED}"}}
    return {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": link}}]},
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "c", "content": [shown]},
        ]
    }  # fmt: skip


def responses(link: str) -> JsonObject:
    shown = {"type": "input_image", "image_url": f"data:image/png;base64,{ENCODED}"}
    return {
        "input": [
            {"role": "user", "content": [{"type": "input_image", "image_url": link}]},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [shown]},
        ]
    }


def messages(link: str) -> JsonObject:
    def image(**source: str) -> JsonObject:
        return {"type": "image", "source": source}

    result = image(type="base64", media_type="image/png", data=ENCODED)
    return {
        "max_tokens": 100,
        "messages": [
            {"role": "user", "content": [image(type="url", url=link)]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [result]}]},
        ],
    }  # fmt: skip


DIALECTS = {
    "/v1/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/messages": messages,
    "/api/v0/chat/completions": chat,
}
every_dialect = pytest.mark.parametrize("path", DIALECTS)
every_way = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def pictures(request: ChatRequest) -> list[Image]:
    return [
        piece
        for message in request.messages
        for part in message.parts
        for piece in (part.content if isinstance(part, ToolResult) else (part,))
        if isinstance(piece, Image)
    ]


@every_dialect
@every_way
async def test_pictures_reach_the_model_made_to_fit(path, stream):
    model = Scripted([answer("I see.")], MODELS)
    async with foreign_host({"/a": http(LINKED, kind="text/plain")}) as host:
        body = {**DIALECTS[path](host.link("/a?secret")), "model": "kmodel", "stream": stream}
        fetched = {"fetch_private": ("127.0.0.1",), "image_max_side": 64}
        async with serving(model, **fetched) as served:
            said, data = await served.post(path, body)

    assert said.status == 200, data
    assert b"I see." in data
    linked, result = pictures(model.requests[0])
    assert (linked.media_type, opened(linked.data).size) == ("image/png", (64, 32))
    assert (result.media_type, opened(result.data).size) == ("image/png", (32, 64))


@every_dialect
@every_way
async def test_a_link_that_leads_inside_is_a_status_before_anything_is_said(path, stream):
    model = Scripted([], MODELS)
    async with foreign_host({"/a": http(LINKED)}) as host:
        body = {**DIALECTS[path](host.link("/a?secret")), "model": "kmodel", "stream": stream}
        async with serving(model) as served:
            said, data = await served.post(path, body)

        assert not host.asked
    message = loads(data)["error"]["message"]
    assert said.status == 400
    assert "The picture in message 1" in message
    assert "`fetch_private`" in message
    assert b"secret" not in data
    assert not model.requests


@every_dialect
async def test_a_model_without_sight_is_told_what_another_sees(path):
    model = Scripted([answer("It is red."), answer("It is blue."), answer("I see.")], MODELS)
    async with foreign_host({"/a": http(LINKED)}) as host:
        body = {**DIALECTS[path](host.link("/a")), "model": "mmodel"}
        chosen = {"fetch_private": ("127.0.0.1",), "describe_images": "kmodel"}
        async with serving(model, **chosen) as served:
            said, data = await served.post(path, body)

    assert said.status == 200, data
    assert "described to it by kmodel" in said.headers["x-lingma-proxy-warning"]
    assert not pictures(model.requests[-1])
    assert "It is red." in repr(model.requests[-1])
    assert "It is blue." in repr(model.requests[-1])


@every_dialect
async def test_a_model_without_sight_is_refused_when_nobody_describes(path):
    model = Scripted([], MODELS)
    async with foreign_host({"/a": http(LINKED)}) as host:
        body = {**DIALECTS[path](host.link("/a")), "model": "mmodel"}
        async with serving(model, fetch_private=("127.0.0.1",)) as served:
            await served.get("/v1/models")
            said, data = await served.post(path, body)

    assert said.status == 400
    assert "kmodel (Kimi-K2.6)" in loads(data)["error"]["message"]


async def test_ollama_shows_pictures_and_results_that_are_some():
    model = Scripted([answer("I see.")], MODELS)
    call = {"function": {"name": "look", "arguments": {}}}
    turns = [
        {"role": "user", "content": "look", "images": [b64encode(LINKED).decode()]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_name": "look", "content": "", "images": [ENCODED]},
    ]
    async with serving(model, image_max_side=64) as served:
        said, data = await served.post("/api/chat", {"model": "kmodel", "messages": turns})

    assert said.status == 200, data
    assert [opened(each.data).size for each in pictures(model.requests[0])] == [(64, 32), (32, 64)]
