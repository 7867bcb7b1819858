"""The official SDK as a judge: it reads bytes as if a server had sent them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import anthropic
import httpx2

from lingma_proxy.jsonio import JsonObject, dumpb

ASK: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="none",
        base_url="http://127.0.0.1:1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )


class Chunks(httpx2.SyncByteStream):
    """A body that arrives in the given pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces


def streaming(*pieces: bytes) -> anthropic.Anthropic:
    headers = {"content-type": "text/event-stream", "request-id": "req_1"}
    return client(lambda _: httpx2.Response(200, headers=headers, stream=Chunks(pieces)))


def answering(body: JsonObject, status: int = 200) -> anthropic.Anthropic:
    headers = {"content-type": "application/json", "request-id": "req_1"}
    return client(lambda _: httpx2.Response(status, headers=headers, content=dumpb(body)))


def folded(*pieces: bytes) -> dict[str, Any]:
    """The message that a stream amounts to."""
    with streaming(*pieces).messages.stream(**ASK) as stream:
        return stream.get_final_message().to_dict()


def folded_beta(*pieces: bytes) -> dict[str, Any]:
    with streaming(*pieces).beta.messages.stream(**ASK) as stream:
        return stream.get_final_message().to_dict()


def read(body: JsonObject) -> dict[str, Any]:
    """The message that an unstreamed answer is."""
    message: anthropic.types.Message = answering(body).messages.create(**ASK)
    return message.to_dict()


def read_beta(body: JsonObject) -> dict[str, Any]:
    message: anthropic.types.beta.BetaMessage = answering(body).beta.messages.create(**ASK)
    return message.to_dict()
