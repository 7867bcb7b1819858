import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.cli.replaying import Show, again, replay
from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    PartStarted,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.errors import (
    BackendError,
    BackendUnavailable,
    InvalidRequest,
    NotAllowed,
    NotFound,
    RateLimited,
)
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.exports.terminal import harmless
from lingma_proxy.settings import resolve
from support.recorded import ESCAPE, body, exchange
from support.served import DIALECTS, HELLO, scripted
from support.talk import talking

ANOTHER = Reply("r2", "qwen", (Thinking("hm"), Text("Bye!")), FinishReason.STOP, Usage(7, 1234))
CALLS = Reply(
    "r", "kmodel", (ToolCall("c", "look", '{"at":"x"}'),), FinishReason.TOOL_CALLS, Usage(3, 2)
)
BROKEN = [
    [ReplyStarted("r", "kmodel"), PartStarted(0, Text("")), PartDelta(0, "Hel")],
    RateLimited("No."),
]


@asynccontextmanager
async def recording(tmp_path, *scripts, **settings):
    """A server that records, and the settings of a command for it."""
    async with scripted(*scripts, recording="on", data_dir=str(tmp_path), **settings) as served:
        key = {"api_key": settings["api_key"]} if "api_key" in settings else {}
        flags = {"data_dir": str(tmp_path), "port": str(served.port), **key}
        yield served, resolve(None, {}, flags)


async def ask(served, path, body=None, **headers):
    """One request, until it is recorded."""
    answer, _ = await served.post(path, body or DIALECTS[path], **headers)
    await until_recorded(served, answer.headers["x-request-id"])


async def until_recorded(served, id):
    while await served.gateway.recording.exchanges.find(id) is None:
        await asyncio.sleep(0.005)


async def replayed(resolved, id="last", **how):
    usual = {"model": "", "url": "", "raw": False, "dry_run": False}
    await replay(resolved, id, **{**usual, **how})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_the_same_is_asked_again_in_every_api(tmp_path, capsys, path, stream):
    async with recording(tmp_path, HELLO, HELLO) as (served, resolved):
        more = {"stream_options": {"include_usage": True}} if stream and "chat/c" in path else {}
        await ask(served, path, {**DIALECTS[path], "stream": stream, "stop": ["“x"], **more})
        await replayed(resolved)
        first, second = served.backend.requests
    out, err = capsys.readouterr()
    header, then, now = err.splitlines()

    assert out == "Hello!\n"
    assert header.split() == ["HTTP", "MODEL", "FIRST", "TOTAL", "TOKENS"]
    assert then.split()[:3] == ["recorded", "200", "kmodel"]
    assert now.split()[:3] == ["now", "200", "kmodel"]
    assert then.split()[-1] == now.split()[-1] == "3→2"
    assert first.messages == second.messages
    assert first.sampling == second.sampling


async def test_a_turn_on_a_websocket_is_asked_again_over_http(tmp_path, capsys):
    async with recording(tmp_path, HELLO, HELLO) as (served, resolved):
        async with talking(served) as talk:
            await talk.asked()
            await until_recorded(served, "last")
        await replayed(resolved)
        first, second = served.backend.requests

    assert capsys.readouterr().out == "Hello!\n"
    assert first.messages == second.messages


async def test_another_model_may_be_asked(tmp_path, capsys):
    async with recording(tmp_path, HELLO, ANOTHER) as (served, resolved):
        asked = {**DIALECTS["/v1/chat/completions"], "seed": 12345678901234567890}
        await ask(served, "/v1/chat/completions", asked)
        await replayed(resolved, model="dashscope_qwen3_coder")
        assert served.backend.requests[1].model == "dashscope_qwen3_coder"
    out, err = capsys.readouterr()

    assert out == "[thinking]\nhm\n[text]\nBye!\n"
    assert err.splitlines()[-1].split()[2:] == [
        "qwen", *err.splitlines()[-1].split()[3:5], "7→1.2k",
    ]  # fmt: skip


async def test_a_call_is_shown(tmp_path, capsys):
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    async with recording(tmp_path, CALLS, CALLS) as (served, resolved):
        chat = DIALECTS["/v1/chat/completions"]
        await ask(served, "/v1/chat/completions", {**chat, "tools": tools, "stream": True})
        await replayed(resolved)

    assert capsys.readouterr().out == '[call look]\n{"at":"x"}\n'


async def test_raw_is_as_it_comes(tmp_path, capsys):
    async with recording(tmp_path, HELLO, HELLO) as (served, resolved):
        await ask(
            served, "/v1/chat/completions", DIALECTS["/v1/chat/completions"] | {"stream": True}
        )
        await replayed(resolved, raw=True)

    assert capsys.readouterr().out.endswith("data: [DONE]\n\n")


async def test_the_key_of_the_settings_opens_it_and_is_not_shown(tmp_path, capsys):
    async with recording(tmp_path, HELLO, HELLO, api_key="secret") as (served, resolved):
        path = "/v1/chat/completions"
        await ask(served, path, DIALECTS[path], Authorization="Bearer secret")
        await replayed(resolved)
        await replayed(resolved, dry_run=True)
        keyless = resolve(None, {}, {"data_dir": str(tmp_path), "port": str(served.port)})
        with pytest.raises(NotAllowed, match="another key"):
            await replayed(keyless)
    out, _ = capsys.readouterr()

    assert out.startswith(f"Hello!\ncurl http://127.0.0.1:{served.port}/v1/chat/completions")
    assert "secret" not in out


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_that_fails_is_a_failure_in_its_own_words(tmp_path, capsys, stream):
    scripts = (HELLO, BROKEN) if stream else (HELLO, RateLimited("No."))
    async with recording(tmp_path, *scripts) as (served, resolved):
        path = "/v1/chat/completions"
        await ask(served, path, DIALECTS[path] | {"stream": stream})
        with pytest.raises(BackendError, match=r"^No\."):
            await replayed(resolved)
    out, err = capsys.readouterr()

    assert out == ("Hel\n" if stream else "")
    assert err.splitlines()[-1].split()[:2] == ["now", "200" if stream else "429"]


async def test_where_nobody_answers_that_is_said(tmp_path):
    async with recording(tmp_path, HELLO) as (served, resolved):
        await ask(served, "/v1/chat/completions", DIALECTS["/v1/chat/completions"])
    with pytest.raises(BackendUnavailable, match=r"No Lingma Proxy answers on .*--url"):
        await replayed(resolved)
    with pytest.raises(NotFound, match="no request `req_9`"):
        await replayed(resolved, "req_9")
    nowhere = resolve(None, {}, {"data_dir": str(tmp_path / "nowhere")})
    with pytest.raises(NotFound, match="recorded"):
        await replayed(nowhere)


async def test_a_stranger_is_sent_nothing(tmp_path):
    async def stranger(reader, writer):
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    heard: list[bytes] = []
    async with recording(tmp_path, HELLO) as (served, resolved):
        await ask(served, "/v1/chat/completions", DIALECTS["/v1/chat/completions"])
    async with await asyncio.start_server(stranger, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(BackendUnavailable):
            await replayed(resolved, url=f"http://127.0.0.1:{port}/")

    assert [head.split()[:2] for head in heard] == [[b"GET", b"/version"]]


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (exchange(dialect="", method="GET", path="/v1/models"), r"no request for a reply \(GET /v1"),
        (exchange(request=body("{", "only the first 1 KB are kept", 9000)), "only the first 1 KB"),
        (exchange(request=body("", "the setting `recording_bodies` is off", 9)), "is off"),
        (exchange(request=body("")), "its body was empty"),
        (exchange(request='{"x":"[image/png, 34.5 KB]"}'), r"stands \[image/png, 34.5 KB\]"),
        (exchange(request='{"x":"[redacted: api key] [base64, 1.2 MB]"}'), "redacted: api key"),
        (exchange(request="[1]", method="WEBSOCKET"), "no JSON object"),
    ],
    ids=["no-reply", "cut", "dropped", "empty", "picture", "secret", "no-object"],
)  # fmt: skip
def test_what_would_be_another_request_is_not_sent(kept, words):
    with pytest.raises(InvalidRequest, match=words):
        again(kept, "")


def test_what_the_client_wrote_itself_can_be_sent_all_the_same():
    text = '{"x":"[redacted: api key]"}'

    assert again(exchange(request=text), "", anyway=True) == text


def test_the_body_is_sent_to_the_letter_unless_the_model_changes():
    text = '{ "model":"a", "n": 1.50, "big": 12345678901234567890, "t": "\\u00e9“" }'
    changed = again(exchange(request=text), "b")

    assert again(exchange(request=text), "") == text
    assert json.loads(changed) == {**json.loads(text), "model": "b"}
    assert "12345678901234567890" in changed
    with pytest.raises(InvalidRequest, match="no JSON object"):
        again(exchange(request="{"), "b")


@pytest.mark.parametrize("raw", [False, True], ids=["told", "raw"])
@pytest.mark.parametrize("form", ["text/event-stream", "application/x-ndjson", "application/json"])
def test_no_terminal_obeys_what_is_answered(capsys, raw, form):
    show = Show(form, raw=raw)
    chunk = {"choices": [{"delta": {"content": ESCAPE}}]}
    for data in (f"data: {dumps(chunk)}\n\n", ESCAPE):
        for byte in data.encode():
            show.feed(bytes([byte]))
    show.end()

    assert harmless(capsys.readouterr().out)


def test_characters_that_are_cut_arrive_whole(capsys):
    show = Show("text/plain", raw=True)
    for byte in "“你好”👩".encode():
        show.feed(bytes([byte]))
    show.end()

    assert capsys.readouterr().out == "“你好”👩\n"
