"""A canary: what signs for the person is on no way out, whatever goes wrong."""

import asyncio
import json
import logging
import signal
import traceback
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from lingma_proxy.errors import ProxyError
from lingma_proxy.simulator.faults import FAULTS
from lingma_proxy.simulator.home import Login, new_login, write_home
from lingma_proxy.simulator.remote import Simulator
from support.backends import ask, heard
from support.process import run, running
from support.raw import client, post
from support.served import CHAT, MESSAGES, Served
from support.simulated import simulated

KEY = "sk-canary-of-the-proxy"
WORDS = {
    "uid": "canary-uid-4711",
    "name": "Canary Person",
    "security_oauth_token": "pt-canary-token",
    "refresh_token": "rt-canary-token",
    "organization_id": "canary-organization",
}


def a_login() -> Login:
    return replace(new_login(), **WORDS)  # type: ignore[arg-type]  # all of them are words


def secrets(login: Login) -> list[str]:
    sealed = [login.cosy_key, login.info, login.machine_id, login.temp_key]
    return [KEY, *WORDS.values(), *sealed, login.cosy_key[:30], login.info[:30]]


def leaked(login: Login, text: str) -> list[str]:
    return [secret for secret in secrets(login) if secret in text]


@asynccontextmanager
async def an_echo(status: bytes, kind: bytes):
    """A server that answers with the request itself, as some that help to debug do."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = sorted(head.splitlines(), key=lambda line: b"cosy" not in line.lower())
        said = json.dumps({"code": "X", "message": b" ".join(lines).decode()}).encode()
        if kind == b"text/event-stream":
            said = b"data: " + json.dumps({"body": said.decode(), "statusCodeValue": 500}).encode()
            said += b"\n\n"
        start = b"HTTP/1.1 %b X\r\nContent-Type: %b\r\nConnection: close\r\n\r\n" % (status, kind)
        writer.write(start + said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def everything_said(served: Served) -> str:
    """Heads and bodies of both dialects, whole and streamed, and of every page."""
    said = []
    for path, body in {"/v1/messages": MESSAGES, "/v1/chat/completions": CHAT}.items():
        for more in ({}, {"stream": True}, {"model": "nobody"}, {"messages": 7}):
            answer, data = await served.post(path, {**body, **more}, Authorization=f"Bearer {KEY}")
            said.append(f"{answer.headers} {data.decode()}")
    for path in ("/", "/v1/models", "/health", "/readyz", "/version", "/capabilities", "/props"):
        for key in (KEY, "wrong"):
            answer, data = await served.get(path, **{"x-api-key": key})
            said.append(f"{answer.headers} {data.decode()}")
    async with client(served.port) as asking:  # a head that is spelled wrong, with the key in it
        await asking.say(post("/", {}).replace(b"Host:", f"Authorization {KEY}\r\nHost:".encode()))
        said.append((await asking.hear()).decode())
    return "\n".join(said)


SILENT = {"hang", "hang-first", "stall", "slow", "pace", "words", "long-line", "dribble"}
"""Faults that say nothing new, and take their time."""


async def test_no_error_answer_or_log_line_has_a_secret_in_it(caplog):
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)  # asyncio then logs more, too
    login = a_login()
    async with simulated(Simulator(login=login), api_key=KEY, log_level="debug") as (
        served,
        simulator,
    ):
        said = [await everything_said(served)]
        for fault in sorted(set(FAULTS) - SILENT):
            simulator.always(fault)
            said.append(await everything_said(served))
            _, error = await heard(served.gateway.backend, ask())
            if error is not None:
                assert isinstance(error, ProxyError), fault
                said.append("".join(traceback.format_exception(error)))
        said += [repr(served.gateway), repr(vars(served.gateway.behind.backend))]

    assert len(said) > 40
    assert leaked(login, "\n".join(said)) == []
    assert leaked(login, caplog.text) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (b"200", b"text/plain"),
        (b"200", b"application/json"),
        (b"400", b"application/json"),
        (b"500", b"application/json"),
    ],
)
async def test_who_repeats_what_we_send_is_not_quoted_with_it(status, kind, caplog):
    caplog.set_level(logging.DEBUG)
    login = a_login()
    async with an_echo(status, kind) as url:
        async with simulated(Simulator(login=login), remote_base_url=url, api_key=KEY) as (
            served,
            _,
        ):
            said = await everything_said(served)

    assert "[…]" in said  # it would have been there
    assert leaked(login, said) == []
    assert leaked(login, caplog.text) == []


def test_no_command_tells_a_secret(tmp_path):
    login = a_login()
    write_home(tmp_path / ".lingma", login)
    here = {"LINGMA_PROXY_API_KEY": KEY, "LINGMA_REMOTE_BASE_URL": "http://127.0.0.1:1"}

    for words in (["doctor", "--json"], ["doctor"], ["settings", "--json"], ["settings"],
                  ["models"], ["ask", "hi"], ["login", "show", "--json"], ["serve", "--port", "x"]):  # fmt: skip
        done = run(tmp_path, *words, **here)
        assert done.stdout + done.stderr
        assert leaked(login, done.stdout + done.stderr) == [], words

    with running(tmp_path, "serve", "--port", "0", "--log-level", "debug", **here) as program:
        first = program.line()
        _, output, errors = program.stop(signal.SIGTERM)
    assert leaked(login, first + output + errors) == []
