"""`lingma-proxy` as a process, as people run it: an empty home, a folder of its own.

What it says is waited for, never slept for, and never for longer than PATIENCE: a process
that keeps silent is killed, and the test fails with what it complained of.
"""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

PATIENCE = 60.0
"""Seconds; a slow machine that runs many tests at once starts a process in five."""
LISTENS = re.compile(r"Lingma Proxy \S+ listens on (http://127\.0\.0\.1:\d+)")
LEADS = re.compile(r"LINGMA_CACHE_DIR=(\S+) LINGMA_REMOTE_BASE_URL=(http://127\.0\.0\.1:\d+)")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxy this machine has, what is asked here stays on it."""
ASKED = [{"role": "user", "content": "exactly one word: pong"}]


def environment(home, **more):
    """What a fresh machine would have, and nothing of this one's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"SYSTEMROOT", "PYTHONPATH", "TMPDIR", "TEMP", "TMP"}
    }
    # Agents that are installed here are no business of the tests.
    own = {"PATH": os.defpath, "HOME": str(home), "USERPROFILE": str(home)}
    return kept | own | more


def run(home, *words, stdin="", program=("-m", "lingma_proxy"), **more):
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, *program, *words],
        cwd=home,
        env=environment(home, **more),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


@dataclass(frozen=True)
class Program:
    """The command while it runs."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """What it says next on standard output; waits for it."""
        line = self._next(self.process.stdout)
        assert line, self.complaint()
        return line.rstrip("\n")

    def complaint(self) -> str:
        """What it says next on standard error; waits for it."""
        return self._next(self.process.stderr).rstrip("\n")

    def stop(self, number: int) -> tuple[int, str, str]:
        """Its exit code after a signal, and what it had not said yet on either output."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Its exit code when it has ended by itself, and what it had not said yet."""
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output, errors

    def _next(self, stream) -> str:
        watchdog = Timer(PATIENCE, self.process.kill)
        watchdog.start()
        try:
            line: str = stream.readline()
        finally:
            watchdog.cancel()
        return line


@contextmanager
def running(home, *words, **more) -> Iterator[Program]:
    """The command while it runs; it is told to stop at the end, if it has not stopped yet."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "lingma_proxy", *words],
        cwd=home,
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Program(process)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@contextmanager
def served(home, *words, **more) -> Iterator[tuple[Program, str]]:
    """`serve` on a free port, and its URL."""
    with running(home, "serve", "--port", "0", *words, **more) as process:
        line = process.line()
        found = LISTENS.fullmatch(line)
        assert found, line
        yield process, found[1]


@contextmanager
def simulated(home, *words) -> Iterator[tuple[Program, dict[str, str]]]:
    """`simulate` on a free port, and the variables that lead to it."""
    with running(home, "simulate", "--port", "0", *words) as process:
        line = process.line()
        found = LEADS.fullmatch(line)
        assert found, line
        yield process, {"LINGMA_CACHE_DIR": found[1], "LINGMA_REMOTE_BASE_URL": found[2]}


@contextmanager
def playing(home, *words) -> Iterator[dict[str, str]]:
    """`simulate --plugin` on a free port, and the variable that leads to it."""
    with running(home, "simulate", "--plugin", "--port", "0", *words) as process:
        name, _, file = process.line().partition("=")
        assert name == "LINGMA_SHARED_CLIENT_INFO"
        yield {name: file}


def post(url, **body):
    """The answer as it comes; reads like a file."""
    body = {"model": "kmodel", "messages": ASKED, **body}
    headers = {"Content-Type": "application/json"}
    return DIRECT.open(
        urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=PATIENCE
    )


def ask(url, **body):
    """The status and the whole answer."""
    try:
        with post(url, **body) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def get(url):
    with DIRECT.open(url, timeout=PATIENCE) as answer:
        return json.load(answer)
