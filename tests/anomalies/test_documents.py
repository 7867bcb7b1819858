"""Documents on their way to a model, through the whole program: read, fetched, or refused in words."""

import json
from base64 import b64encode
from typing import Any

import pytest

from lingma_proxy.jsonio import loads
from support.foreign_host import answer, foreign_host
from support.pdf import of_objects, pages, pdf, squeezed
from support.simulated import simulated

REPORT = pdf("Hello", "world")
READ = (
    '<document title="r.pdf" pages="2">\n<page number="1">\nHello\n</page>\n'
    '<page number="2">\nworld\n</page>\n</document>'
)
CALL = {"id": "c1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
CALLED = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}


def in_chat(data: bytes, *, result: bool) -> dict[str, Any]:
    url = f"data:application/pdf;base64,{b64encode(data).decode()}"
    content = [{"type": "file", "file": {"filename": "r.pdf", "file_data": url}}]
    said: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if result:
        said = [
            {"role": "user", "content": "Read it."},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": content},
        ]
    return {"model": "kmodel", "messages": said}


def in_messages(data: bytes, *, result: bool, **more: Any) -> dict[str, Any]:
    source = {
        "type": "base64",
        "media_type": "application/pdf",
        "data": b64encode(data).decode(),
    }
    document = {"type": "document", "title": "r.pdf", "source": source, **more}
    said: list[dict[str, Any]] = [{"role": "user", "content": [document]}]
    if result:
        called = {"type": "tool_use", "id": "c1", "name": "read", "input": {}}
        came = {"type": "tool_result", "tool_use_id": "c1", "content": [document]}
        said = [
            {"role": "user", "content": "Read it."},
            {"role": "assistant", "content": [called]},
            {"role": "user", "content": [came]},
        ]
    return {"model": "kmodel", "max_tokens": 100, "messages": said}


def in_responses(data: bytes, *, result: bool) -> dict[str, Any]:
    url = f"data:application/pdf;base64,{b64encode(data).decode()}"
    content = [{"type": "input_file", "filename": "r.pdf", "file_data": url}]
    said: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if result:
        came = {"type": "function_call_output", "call_id": "c1", "output": content}
        said = [{"role": "user", "content": "Read it."}, CALLED, came]
    return {"model": "kmodel", "input": said}


WAYS = {
    "/v1/chat/completions": in_chat,
    "/v1/messages": in_messages,
    "/v1/responses": in_responses,
}
every_way = pytest.mark.parametrize(("path", "body"), WAYS.items(), ids=WAYS)


@every_way
@pytest.mark.parametrize("result", [False, True], ids=["message", "result"])
async def test_a_document_reaches_the_model_as_its_text(path, body, result):
    async with simulated() as (served, simulator):
        answered, data = await served.post(path, body(REPORT, result=result))

    assert answered.status == 200, data
    last = simulator.requests[-1].body["messages"][-1]
    assert (last["role"], last["content"]) == ("tool" if result else "user", READ)


BOMB = of_objects(pages([squeezed(b" " * 40_000_000)]))
REFUSED = {
    "scanned": (pdf(""), "has no text"),
    "damaged": (REPORT[:300], "is damaged"),
    "hostile": (BOMB, "too complicated"),
    "long": (pdf("a", "b", "c"), "has 3 pages"),
    "office": (b"PK\x03\x04", "an Office file"),
    "nothing": (b"\0", "called a PDF and is none"),
}


@every_way
@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_read_is_the_clients_error(path, body, data, words):
    async with simulated(document_max_pages=2) as (served, simulator):
        answers = [
            await served.post(path, body(data, result=False) | {"stream": stream})
            for stream in (False, True)
        ]

    for answered, said in answers:
        assert answered.status == 400, said
        message = loads(said)["error"]["message"]
        assert message.startswith("The document 'r.pdf' in message 1 ")
        assert words in message
    assert [seen.route for seen in simulator.requests if seen.route == "chat"] == []


async def test_a_document_behind_a_link_is_fetched_under_the_same_rules_as_a_picture():
    async with foreign_host({"/r.pdf": answer(REPORT, kind="application/pdf")}) as host:
        body = in_messages(b"x", result=False)
        (document,) = body["messages"][0]["content"]
        document["source"] = {"type": "url", "url": host.link("/r.pdf?secret=1")}
        async with simulated(fetch_private=("127.0.0.1",)) as (served, simulator):
            allowed, data = await served.post("/v1/messages", body)
        async with simulated() as (served, _):
            private, refused = await served.post("/v1/messages", body)

    assert allowed.status == 200, data
    assert simulator.requests[-1].body["messages"][-1]["content"] == READ
    assert private.status == 400
    assert b"fetch_private" in refused
    assert b"secret" not in refused


async def test_citations_are_not_made_and_that_is_said():
    body = in_messages(REPORT, result=False, citations={"enabled": True})
    async with simulated() as (served, _):
        answered, _ = await served.post("/v1/messages", body)

    assert answered.status == 200
    assert "citations" in answered.headers["x-lingma-proxy-warning"]


async def test_tokens_of_a_document_are_counted_before_anybody_reads_it():
    body = in_messages(REPORT, result=False)
    async with simulated() as (served, _):
        answered, data = await served.post("/v1/messages/count_tokens", body)

    assert answered.status == 200
    assert 1000 < json.loads(data)["input_tokens"] < 1500  # two pages
