"""Ollama's own client as a judge: it reads our bytes without a socket."""

from collections.abc import Callable, Iterable
from typing import Any

import httpx
from ollama import ChatResponse, Client, GenerateResponse, ResponseError

from lingma_proxy.jsonio import JsonObject, dumpb

__all__ = [
    "ResponseError",
    "client",
    "folded_chat",
    "folded_generate",
    "read_chat",
    "read_generate",
]

NDJSON, JSON = "application/x-ndjson", "application/json"


def client(body: bytes, *, status: int = 200, media_type: str = NDJSON) -> Client:
    """A client to which every request is answered with these bytes."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"content-type": media_type})

    return Client("http://proxy.test", transport=httpx.MockTransport(answer))


def folded_chat(stream: bytes) -> JsonObject:
    """What a stream of `/api/chat` amounts to: its last line, with all that was said before."""
    return folded(client(stream).chat("m", stream=True), lambda each: dict(each.message))


def folded_generate(stream: bytes) -> JsonObject:
    return folded(client(stream).generate("m", stream=True), said_in)


def read_chat(body: JsonObject) -> JsonObject:
    answer = client(dumpb(body), media_type=JSON).chat("m")
    return {**plain(answer), **shown(dict(answer.message))}


def read_generate(body: JsonObject) -> JsonObject:
    answer = client(dumpb(body), media_type=JSON).generate("m")
    return {**plain(answer), **shown(said_in(answer))}


def said_in(answer: GenerateResponse) -> dict[str, Any]:
    return {"content": answer.response, "thinking": answer.thinking}


def folded(answers: Iterable[Any], said_in: Callable[[Any], dict[str, Any]]) -> JsonObject:
    said: dict[str, Any] = {"content": "", "thinking": "", "tool_calls": []}
    last = None
    for last in answers:
        for key, more in said_in(last).items():
            if key in said and more:
                said[key] += more
    assert last is not None
    assert last.done
    return {**plain(last), **shown(said)}


def shown(said: dict[str, Any]) -> dict[str, Any]:
    """Only what there is, with calls as plain JSON."""
    calls = [call.model_dump() for call in said.get("tool_calls") or ()]
    return {
        "content": said["content"],
        "thinking": said.get("thinking") or "",
        "tool_calls": calls,
    }


def plain(answer: ChatResponse | GenerateResponse) -> dict[str, Any]:
    """All that is said about the answer."""
    return answer.model_dump(exclude={"message", "response", "thinking"}, exclude_none=True)
