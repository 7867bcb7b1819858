"""Ask a gateway one question over HTTP, in OpenAI's words, and hear the answer."""

from collections.abc import AsyncGenerator
from typing import Any

from lingma_proxy.cli.reach import Reached
from lingma_proxy.errors import BackendError, ProtocolError
from lingma_proxy.jsonio import loads
from lingma_proxy.wire.sse import SseDecoder

PATH = "/v1/chat/completions"


async def answer(
    reached: Reached, model: str, question: str, *, stream: bool
) -> AsyncGenerator[str, None]:
    """The text of the answer, piece by piece.  Raises ProxyError when it breaks off."""
    body = {
        "model": model,
        "stream": stream,
        "messages": [{"role": "user", "content": question}],
    }
    async with reached.asking("POST", PATH, body) as response:
        if not stream:
            yield _whole(loads(await response.read()))
            return
        decoder = SseDecoder()
        async for chunk in response.content.iter_any():
            for event in decoder.feed(chunk):
                if event.data == b"[DONE]":
                    return
                if text := _piece(loads(event.data)):
                    yield text
    raise ProtocolError("The answer broke off before its end.")


def _piece(chunk: Any) -> str:
    match chunk:
        case {"error": {"message": str(message)}}:
            raise BackendError(message)
        case {"choices": [{"delta": {"content": str(text)}}, *_]}:
            return text
        case _:
            return ""


def _whole(body: Any) -> str:
    match body:
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
        case _:
            raise ProtocolError("The gateway's answer holds no text.")
