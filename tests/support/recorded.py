"""Exchanges as they are kept, made up: small ones with what a test names, and drawn ones."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange, Summary
from lingma_proxy.recording.recording import Recording
from lingma_proxy.recording.retention import Retention
from support.strategies import texts, usages

BEGAN = 1795438756.25
"""2026-11-23T12:59:16.250Z"""
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
"""What a terminal would obey: its title, its screen, a colour, the direction of text."""
ASKED = dumps({"model": "kmodel", "messages": [{"role": "user", "content": "Hi"}]})
SAID = dumps({"id": "1", "model": "kmodel", "choices": [{"message": {"content": "Hello!"}}]})


def summary(**fields: Any) -> Summary:
    usual: dict[str, Any] = {
        "row": 1,
        "id": "req_0123456789abcdef01234567",
        "began": BEGAN,
        "method": "POST",
        "path": "/v1/chat/completions",
        "client": "openai-python",
        "user_agent": "OpenAI/Python 2.0",
        "dialect": "openai_chat",
        "streamed": False,
        "asked_model": "kmodel",
        "model": "kmodel",
        "status": 200,
        "accepted": BEGAN + 0.125,
        "first": BEGAN + 0.25,
        "ended": BEGAN + 1.5,
        "queued": 0.0,
        "reason": "stop",
        "usage": Usage(1200, 34),
        "tools": (),
        "warnings": (),
        "error": "",
        "error_kind": "",
        "attempts": 1,
    }
    return Summary(**usual | fields)


def attempt(**fields: Any) -> KeptAttempt:
    usual: dict[str, Any] = {
        "number": 1,
        "backend": "remote",
        "model": "kmodel",
        "url": "https://lingma.example/chat",
        "began": BEGAN + 0.0625,
        "accepted": BEGAN + 0.125,
        "first": BEGAN + 0.25,
        "ended": BEGAN + 1.5,
        "reason": "stop",
        "usage": Usage(1200, 34),
        "warnings": (),
        "error": "",
        "error_kind": "",
        "request": body('{"asked":"so"}'),
        "reply": body('data: {"choices":[{"delta":{"content":"Hello!"}}]}\n\n'),
        "events": body(""),
    }
    return KeptAttempt(**usual | fields)


def body(text: str, gone: str = "", size: int | None = None) -> KeptBody:
    return KeptBody(text, len(text.encode()) if size is None else size, gone)


def exchange(
    *,
    request: KeptBody | str = ASKED,
    response: KeptBody | str = SAID,
    media_type: str = "application/json",
    attempts: tuple[KeptAttempt, ...] | None = None,
    **fields: Any,
) -> KeptExchange:
    """`fields` are the summary's."""
    tries = (attempt(),) if attempts is None else attempts
    return KeptExchange(
        summary(**{"attempts": len(tries), **fields}),
        body(request) if isinstance(request, str) else request,
        body(response) if isinstance(response, str) else response,
        media_type,
        tries,
    )


times = st.floats(0, 4e9, allow_nan=False)
perhaps = st.none() | times
bodies = st.builds(KeptBody, texts, st.integers(0, 2**40), texts)
attempts = st.builds(
    KeptAttempt,
    number=st.integers(1, 5),
    backend=texts,
    model=texts,
    url=st.sampled_from(["", "https://a.example/x?y=1&z", "ipc", "C:\\pipe"]) | texts,
    began=times,
    accepted=perhaps,
    first=perhaps,
    ended=perhaps,
    reason=texts,
    usage=usages | st.none(),
    warnings=st.lists(texts, max_size=2).map(tuple),
    error=texts,
    error_kind=texts,
    request=bodies,
    reply=bodies,
    events=bodies,
)
summaries = st.builds(
    Summary,
    row=st.integers(1, 2**40),
    id=texts,
    began=times,
    method=st.sampled_from(["GET", "POST", "HEAD", "DELETE", "PATCH; rm"]),
    path=texts.map(lambda text: "/" + text),
    client=texts,
    user_agent=texts,
    dialect=texts,
    streamed=st.booleans(),
    asked_model=texts,
    model=texts,
    status=st.sampled_from([0, 200, 404, 429, 502, 529, 999]),
    accepted=perhaps,
    first=perhaps,
    ended=perhaps,
    queued=st.floats(0, 4e9),
    reason=texts,
    usage=usages | st.none(),
    tools=st.lists(texts, max_size=3).map(tuple),
    warnings=st.lists(texts, max_size=2).map(tuple),
    error=texts,
    error_kind=texts,
    attempts=st.integers(0, 5),
)
exchanges = st.builds(
    KeptExchange,
    summary=summaries,
    request=bodies,
    response=bodies,
    media_type=st.sampled_from(
        ["", "application/json", "text/event-stream", "application/x-ndjson"]
    ),
    attempts=st.lists(attempts, max_size=3).map(tuple),
)


async def keep(folder: Path, *notes: ExchangeNotes) -> None:
    """Write these to the recording in a folder, as a server does."""
    recording = Recording(folder, Retention(36500))
    for each in notes:
        recording.exchanges.keep(each)
    await recording.aclose()
