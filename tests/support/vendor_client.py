"""The least that the vendor takes for a client: signs, asks, reads.  For the simulator's
own tests; written from the notes, so it shares nothing with what it tests."""

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientResponse, ClientSession

from lingma_proxy.simulator.home import Login

CHAT = (
    "/algo/api/v2/service/pro/sse/agent_chat_generation"
    "?FetchKeys=llm_model_result&AgentId=agent_common"
)
MODELS = "/algo/api/v2/model/list"

CUSTOM = b"_doRTgHZBKcGVjlvpC,@aFSx#DPuNJme&i*MzLOEn)sUrthbf%Y^w.(kIQyXqWA!$"
STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def encoded(data: bytes) -> bytes:
    text = b64encode(data)
    third = len(text) // 3
    swapped = text[len(text) - third :] + text[third : len(text) - third] + text[:third]
    return swapped.translate(bytes.maketrans(STANDARD, CUSTOM))


def headers(
    login: Login,
    target: str,
    body: bytes = b"",
    *,
    date: int = 1777045062,
    request_id: str = "11111111-2222-4333-8444-555555555555",
) -> dict[str, str]:
    """Everything that a request needs, signed; `target` is a path or a URL."""
    said = {
        "cosyVersion": "2.11.2",
        "ideVersion": "",
        "info": login.info,
        "requestId": request_id,
        "version": "v1",
    }
    payload = b64encode(json.dumps(said, separators=(",", ":")).encode()).decode()
    path = urlsplit(target).path.removeprefix("/algo")
    preimage = "\n".join((payload, login.cosy_key, str(date), body.decode(), path))
    signature = hashlib.md5(preimage.encode()).hexdigest()
    return {
        "Authorization": f"Bearer COSY.{payload}.{signature}",
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Cache-Control": "no-cache",
        "Cosy-Date": str(date),
        "Cosy-Key": login.cosy_key,
        "Cosy-Version": "2.11.2",
        "Cosy-Clienttype": "2",
        "Cosy-Machineid": login.machine_id,
        "Cosy-User": login.uid,
        "Login-Version": "v2",
        "User-Agent": "a test",
    }


def body(*messages: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """A chat's body; a bare text is the user's."""
    return {
        "request_id": "0123456789abcdef0123456789abcdef",
        "model_config": {"key": "org_auto"},
        "messages": [
            {"role": "user", "content": message} if isinstance(message, str) else message
            for message in messages
        ],
        **more,
    }


async def post(
    session: ClientSession,
    base: str,
    login: Login,
    value: dict[str, Any],
    *,
    simulate: str = "",
    encode: bool = False,
    target: str = CHAT,
) -> ClientResponse:
    data = json.dumps(value, ensure_ascii=False).encode()
    if encode:
        target, data = target + "&Encode=1", encoded(data)
    more = {"x-simulate": simulate} if simulate else {}
    return await session.post(base + target, data=data, headers=headers(login, target, data) | more)


async def get(session: ClientSession, base: str, login: Login, target: str) -> ClientResponse:
    answer = await session.get(base + target, headers=headers(login, target))
    await answer.read()
    return answer


@dataclass
class Heard:
    """What a stream amounts to, read as plainly as possible."""

    text: str
    thought: str
    calls: dict[int, dict[str, Any]]
    finish: str | None
    usage: dict[str, int] | None
    done: list[str]
    """The end markers: bare, wrapped."""
    error: dict[str, Any] | None
    """The envelope of an error."""


def hear(raw: bytes) -> Heard:
    heard = Heard("", "", {}, None, None, [], None)
    for line in raw.replace(b"\r\n", b"\n").split(b"\n"):
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            heard.done.append("bare")
            continue
        try:
            event = json.loads(data)
        except ValueError:
            continue
        if event.get("statusCodeValue", 200) >= 400:
            heard.error = event
            continue
        if event.get("body") == "[DONE]":
            heard.done.append("wrapped")
            continue
        chunk = event if "body" not in event else json.loads(event["body"] or "{}")
        heard.usage = chunk.get("usage", heard.usage)
        for choice in chunk.get("choices", []):
            heard.finish = choice["finish_reason"] or heard.finish
            delta = choice["delta"]
            heard.text += delta.get("content") or ""
            heard.thought += delta.get("reasoning_content") or ""
            for piece in delta.get("tool_calls", []):
                call = heard.calls.setdefault(piece["index"], {"id": None, "arguments": ""})
                call["id"] = piece.get("id", call["id"])
                call["name"] = piece["function"].get("name", call.get("name"))
                call["arguments"] += piece["function"].get("arguments", "")
    return heard


PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""
