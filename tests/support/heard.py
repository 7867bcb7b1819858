"""What a client of each dialect makes of a streamed answer: words, errors and ends."""

from dataclasses import dataclass

from lingma_proxy.jsonio import loads
from lingma_proxy.wire.ndjson import NdjsonDecoder
from lingma_proxy.wire.sse import SseDecoder

RESPONSE_ENDS = ("response.completed", "response.incomplete", "response.failed")


@dataclass
class Heard:
    """What a client made of an answer."""

    status: int
    text: str
    errors: int
    ended: int
    """Ends that the dialect knows: `[DONE]`, `message_stop`, `done`, or an error that ends."""


def heard(path: str, status: int, data: bytes) -> Heard:
    if status != 200:
        return Heard(status, "", int("error" in loads(data)), 1)
    text, errors, ended = "", 0, 0
    for said in pieces(path, data):
        if said == b"[DONE]":
            ended += 1
            continue
        body = loads(said)
        if "error" in body:
            errors += 1
            ended += path != "/v1/chat/completions"
        ended += body.get("type") in {"message_stop", *RESPONSE_ENDS} or body.get("done") is True
        errors += body.get("type") == "response.failed"
        if path == "/api/chat":
            text += body.get("message", {}).get("content", "")
        for choice in body.get("choices", []):
            text += choice["delta"].get("content") or ""
        match body.get("delta"):
            case {"text": str(more)} | str(more):
                text += more
    return Heard(status, text, errors, ended)


def pieces(path: str, data: bytes) -> list[bytes]:
    """The events or lines of a stream."""
    if path == "/api/chat":
        lines = NdjsonDecoder()
        return lines.feed(data) + lines.end()
    events = SseDecoder()
    return [event.data for event in events.feed(data) + events.end()]
