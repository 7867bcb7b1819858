"""Settings that change while `serve` runs, as people change them: in the file."""

import sys
import time

import pytest

from support.process import ask, get, post, served, simulated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its signals are of another kind")

CHAT = "/v1/chat/completions"
PROMISED = 1.0
"""Seconds within which a change applies."""
PATIENCE = 20.0
"""Seconds that the test waits for it: the machine may be busy with other tests."""


def names_of_claude(url):
    listed = get(f"{url}/v1/models")["data"]
    return [model["id"] for model in listed if model["id"].startswith("claude-")]


def until(holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_change_applies_without_dropping_a_stream(tmp_path):
    file = tmp_path / "lingma-proxy.json"
    file.write_text("{}", encoding="utf-8")
    slow = [{"role": "user", "content": "SIMULATE: words=40, pace=0.1"}]
    with (
        simulated(tmp_path, "--pace", "0") as (_, variables),
        served(tmp_path, "--log-level", "info", **variables) as (process, url),
        post(url + CHAT, stream=True, messages=slow) as stream,
    ):
        first = stream.readline()
        assert not names_of_claude(url)
        file.write_text('{"claude_names": true, "host": "::1"}', encoding="utf-8")
        until(lambda: names_of_claude(url))
        file.write_text('{"claude_names": tr', encoding="utf-8")
        rest = stream.read()
        assert names_of_claude(url), "the last good settings stay"
        file.write_text('{"log_format": "json"}', encoding="utf-8")
        until(lambda: not names_of_claude(url))
        status, body = ask(url + CHAT)
        process.process.terminate()
        _, _, log = process.ended()

    assert first.startswith(b"data: ")
    assert rest.endswith(b"data: [DONE]\n\n")
    assert rest.count(b"content") >= 39
    assert status == 200, body
    assert '"message":"log_format is now json (lingma-proxy.json)."' in log
    assert "claude_names is now true (lingma-proxy.json)." in log
    assert "host: ::1 takes effect at the next start." in log
    assert "The settings stay as they were. lingma-proxy.json is not JSON" in log
