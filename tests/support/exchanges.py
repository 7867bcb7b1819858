"""Exchanges as they are noted, made up."""

from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.notes import AttemptNotes, Body, ExchangeNotes
from lingma_proxy.conversation.request import Text

BEGAN = 1_790_000_000.0
REQUEST = b'{"model":"kmodel","messages":[{"role":"user","content":"Hi"}]}'
RESPONSE = b'{"content":"Hello!"}'


def body(data: bytes, most: int = 2**20) -> Body:
    found = Body(most)
    found.add(data)
    return found


def attempt(**more: object) -> AttemptNotes:
    """One that went well; `more` are fields of it."""
    events = [
        (BEGAN + 1.5, [ReplyStarted("reply-1", "kmodel"), PartStarted(0, Text(""))]),
        (BEGAN + 1.75, [PartDelta(0, "Hel"), PartDelta(0, "lo!")]),
        (BEGAN + 2, [PartEnded(0), ReplyEnded(FinishReason.STOP, Usage(3, 2))]),
    ]
    fields = {
        "backend": "remote",
        "url": "https://vendor.example/chat",
        "accepted": BEGAN + 1.25,
        "first": BEGAN + 1.5,
        "ended": BEGAN + 2,
        "request": body(b'{"key":"kmodel"}'),
        "reply": body(b"data: Hello!\n\n"),
        "events": events,
        "reason": FinishReason.STOP,
        "usage": Usage(3, 2),
        "warnings": ("top_k is not sent.",),
        **more,
    }
    return AttemptNotes("kmodel", BEGAN + 1, **fields)  # type: ignore[arg-type]  # the test's word


def exchange(id: str = "req_1", **more: object) -> ExchangeNotes:
    """One request for a reply that went well; `more` are fields of it."""
    fields = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "began": BEGAN,
        "client": "claude-code",
        "user_agent": "claude-cli/2.0",
        "dialect": "openai_chat",
        "streamed": True,
        "asked_model": "kimi",
        "model": "kmodel",
        "accepted": BEGAN + 1.25,
        "first": BEGAN + 1.5,
        "ended": BEGAN + 2.25,
        "status": 200,
        "request": body(REQUEST),
        "response": body(RESPONSE),
        "media_type": "text/event-stream",
        "reason": FinishReason.STOP,
        "usage": Usage(3, 2, estimated=True),
        "tools": ["read_file"],
        "warnings": ("top_k is not sent.",),
        "queued": 0.5,
        "attempts": [attempt()],
        **more,
    }
    return ExchangeNotes(id, **fields)  # type: ignore[arg-type]  # the test's word
