"""What people see of the recording, by the commands as processes beside a server that runs."""

import asyncio
import json
import os
import re
import select
import signal
import stat
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import Any

import pytest

from support.exchanges import exchange
from support.process import DIRECT, PATIENCE, environment, get, run, running, served
from support.recorded import keep

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="it takes a POSIX terminal or signal")
HELLO: Any = [{"role": "user", "content": "exactly one word: pong"}]
TOOLS = [{"name": "Bash", "input_schema": {"type": "object", "properties": {"command": {}}}}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/responses": {"input": "exactly one word: pong"},
    "/v1/messages": {"messages": HELLO, "max_tokens": 100},
    "/api/chat": {"messages": HELLO},
    "/api/generate": {"prompt": "exactly one word: pong"},
}
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m"


def ask(url, path, agent="claude-cli/2.0", **more):
    body = {"model": "kmodel", "stream": False, **ASKED.get(path, {}), **more}
    headers = {"Content-Type": "application/json", "User-Agent": agent}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)
    try:
        with DIRECT.open(request, timeout=PATIENCE) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


def port_of(url):
    return {"LINGMA_PROXY_PORT": url.rpartition(":")[2]}


def requests(home, *words, **more):
    result = run(home, "requests", *words, **more)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A home, and the URL of a server that has answered one request in each API."""
    home = tmp_path_factory.mktemp("home")
    with served(home, "--backend", "simulator") as (_, url):
        for path in ASKED:
            ask(url, path)
        ask(url, "/v1/messages", tools=TOOLS, messages=[{"role": "user", "content": "TOOLTEST"}])
        ask(url, "/v1/messages", model="nobody")
        ask(url, "/v1/chat/completions", messages=[{"role": "user", "content": HOSTILE}])
        get(url + "/v1/models")
        yield home, url


def test_they_are_listed_while_the_server_runs(recorded):
    home, _ = recorded
    header, *lines = requests(home).splitlines()
    rows = [line for line in lines if not line.startswith(" ")]

    assert header.split()[:4] == ["TIME", "ID", "CLIENT", "MODEL"]
    assert len(rows) == 8
    assert all("claude-code" in row for row in rows)
    assert "Bash" in rows[2]
    assert lines[2].startswith('  ModelNotFound: There is no model "nobody".')
    assert len(json.loads(requests(home, "--all", "--json"))) > 8
    assert [each["status"] for each in json.loads(requests(home, "--failed", "--json"))] == [404]


def test_the_debug_routes_tell_the_same(recorded):
    home, url = recorded
    told = get(url + "/api/requests?limit=200")
    listed = json.loads(requests(home, "--all", "--json", "-n", "200"))

    assert [each["id"] for each in told["requests"]] == [each["id"] for each in listed]
    assert told["count"] == len(listed)
    assert all("/api/requests" not in each["path"] for each in listed)
    assert get(url + "/debug/logs?limit=1")["logs"][0]["message"].startswith(
        "GET /v1/models -> 200 ("
    )


def test_one_is_shown_and_sent_again_and_no_terminal_obeys_it(recorded):
    home, url = recorded
    for words in (("requests", "show"), ("replay",)):
        result = run(home, *words, **port_of(url))
        assert result.returncode == 0, result.stderr
        assert r"\x1b]0;owned\x07\x1b[2J\x9b31m" in result.stdout
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", result.stdout)


def test_a_request_is_found_by_what_was_said(recorded):
    home, _ = recorded
    [kept] = json.loads(requests(home, "search", "TOOLTEST", "--json"))
    shown = requests(home, "show", kept["id"][4:12])

    assert kept["tools"] == ["Bash"]
    assert "Attempt 1 of 1: remote kmodel" in shown
    assert "[call Bash]" in shown


@POSIX
def test_an_export_is_for_its_owner_alone(recorded):
    home, _ = recorded
    requests(home, "export", "a.har", "-n", "2")

    assert stat.S_IMODE((home / "a.har").stat().st_mode) == 0o600
    assert len(json.loads((home / "a.har").read_text(encoding="utf-8"))["log"]["entries"]) == 4


@POSIX
def test_a_new_request_is_shown_as_it_ends_also_after_the_server_began_anew(tmp_path):
    with running(tmp_path, "requests", "follow", "--json") as following:
        assert following.complaint().startswith("Nothing has been recorded yet.")
        for agent in ("claude-cli/1", "codex_cli_rs/2"):
            with served(tmp_path, "--backend", "simulator") as (_, url):
                ask(url, "/v1/messages", agent)
                told = json.loads(following.line())
                assert (told["user_agent"], told["status"]) == (agent, 200)
        assert following.stop(signal.SIGINT) == (0, "", "")


@contextmanager
def terminal(home, *words):
    """The command on a terminal of its own, 80 columns wide: the side that people sit at."""
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    program = [sys.executable, "-m", "lingma_proxy", *words]
    with subprocess.Popen(
        program, cwd=home, env=environment(home, TERM="xterm"), stdin=its, stdout=its, stderr=its
    ) as process:
        os.close(its)
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def seen(ours, until=""):
    """What stands on the terminal, up to these words or to the end."""
    text = b""
    while not until or until.encode() not in text:
        if not select.select([ours], [], [], PATIENCE)[0]:
            break
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        text += piece
    return text.decode().replace("\r\n", "\n")


@POSIX
def test_a_terminal_gets_colours_and_lines_that_fit(recorded):
    home, _ = recorded
    with terminal(home, "requests") as (process, ours):
        text = seen(ours)
        assert process.wait(PATIENCE) == 0
    plain = re.sub(r"\x1b\[\d*m", "", text)

    assert "\x1b[31m" in text
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80


@POSIX
def test_to_delete_is_asked_for_on_a_terminal(tmp_path):
    asyncio.run(keep(tmp_path / "data", exchange()))
    where = ("--data-dir", str(tmp_path / "data"))
    for answer, code in (("n", 1), ("y", 0)):
        with terminal(tmp_path, "requests", "clear", *where) as (process, ours):
            assert "Delete 1 request for good? [y/N]: " in seen(ours, "[y/N]: ")
            os.write(ours, f"{answer}\n".encode())
            assert ("Deleted 1 request." in seen(ours)) == (answer == "y")
            assert process.wait(PATIENCE) == code
