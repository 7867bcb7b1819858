"""`lingma-proxy serve` as a process: as it is started, asked, and told to stop."""

import json
import signal
import sys
from contextlib import closing
from http.client import HTTPConnection

import pytest

from support.process import PATIENCE, ask, get, post, served, simulated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its signals are of another kind")

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
SIMULATOR = ("--backend", "simulator")
ENDS = {CHAT: b"data: [DONE]\n\n", MESSAGES: b'data: {"type":"message_stop"}\n\n'}
"""How each dialect ends a stream that has gone well."""


def slowly(words, pace):
    """A question that is answered with so many words, so many seconds apart."""
    return [{"role": "user", "content": f"SIMULATE: words={words}, pace={pace}"}]


def read_until(answer, mark):
    """What an answer brings up to the line that holds `mark`, at the latest at its end."""
    lines = []
    while (line := answer.readline()) and mark not in line:
        lines.append(line)
    assert line, b"".join(lines)
    return b"".join([*lines, line])


@pytest.mark.parametrize("path", ENDS)
def test_a_simulator_and_a_gateway_in_two_processes(tmp_path, path):
    with (
        simulated(tmp_path, "--pace", "0") as (_, variables),
        served(tmp_path, **variables) as (process, url),
    ):
        assert "Lingma, with the login of" in process.line()
        with post(url + path, stream=True, max_tokens=100) as answer:
            data = answer.read()

    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert b"pong" in data
    assert data.endswith(ENDS[path])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ENDS)
def test_without_a_login_each_dialect_says_401_and_what_to_do(tmp_path, path, stream):
    with served(tmp_path) as (_, url):
        status, body = ask(url + path, max_tokens=100, stream=stream)

    assert (status, body["error"]["type"]) == (401, "authentication_error")
    assert "Log in to Lingma" in body["error"]["message"]
    assert str(tmp_path) not in json.dumps(body)


def test_without_a_login_the_simulator_answers_whom_it_may_and_says_why(tmp_path):
    with served(tmp_path, "--simulate-without-login") as (process, _):
        said = [process.line() for _ in range(3)]

    assert "simulator" in said[0]
    assert "made up" in said[0]
    assert "No Lingma login was found" in said[1]


def test_a_login_is_preferred_to_the_simulator(tmp_path):
    with (
        simulated(tmp_path) as (_, variables),
        served(tmp_path, "--simulate-without-login", **variables) as (process, _),
    ):
        assert "Lingma, with the login of" in process.line()


@pytest.mark.parametrize("path", ENDS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_says_a_reply_to_its_end(tmp_path, path, number):
    with served(tmp_path, *SIMULATOR) as (process, url):
        asked = {"messages": slowly(40, 0.02), "stream": True, "max_tokens": 100}
        with post(url + path, **asked) as answer:
            begun = read_until(answer, b"delta")
            process.process.send_signal(number)
            assert process.complaint().startswith("Stopping:")
            data = begun + answer.read()
        assert process.ended()[0] == 0

    assert data.endswith(ENDS[path])
    assert b'"error"' not in data


@pytest.mark.parametrize("path", ENDS)
def test_told_to_stop_it_says_a_whole_reply_too(tmp_path, path):
    with served(tmp_path, *SIMULATOR) as (process, url):
        # 3 s: longer than connections without a stream are left open once told to stop.
        asked = {"model": "kmodel", "messages": slowly(75, 0.04), "max_tokens": 200}
        client = HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
        with closing(client):
            client.request("POST", path, json.dumps(asked))
            while get(url + "/health")["state"]["running"] == 0:
                pass  # it has not been read yet
            process.process.send_signal(signal.SIGTERM)
            answer = client.getresponse()
            body = json.load(answer)
        assert process.ended()[0] == 0

    assert (answer.status, "error" in body) == (200, False)


@pytest.mark.parametrize("path", ENDS)
def test_a_reply_that_outlasts_the_grace_ends_with_an_error(tmp_path, path):
    with served(tmp_path, *SIMULATOR, "--shutdown-grace", "0.2") as (process, url):
        stalled = [{"role": "user", "content": "SIMULATE: stall"}]
        with post(url + path, messages=stalled, stream=True, max_tokens=100) as answer:
            begun = read_until(answer, b"delta")
            process.process.send_signal(signal.SIGTERM)
            data = begun + answer.read()
        assert process.ended()[0] == 0

    assert b"Lingma Proxy is shutting down" in data
    assert b"message_stop" not in data
