"""`lingma-proxy` as a process, as people run it: an empty home, a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE = 30.0


def environment(home, **more):
    """What a fresh machine would have, and nothing of this one's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "SYSTEMROOT", "PYTHONPATH", "TMPDIR", "TEMP", "TMP"}
    }
    return kept | {"HOME": str(home), "USERPROFILE": str(home), **more}


def run(home, *words, stdin="", **more):
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "lingma_proxy", *words],
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
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.complaint()
        return line.rstrip("\n")

    def complaint(self) -> str:
        """What it says next on standard error; waits for it."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().rstrip("\n")

    def stop(self, number: int) -> tuple[int, str, str]:
        """Its exit code after a signal, and what it had not said yet on either output."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output, errors


@contextmanager
def running(home, *words, **more) -> Iterator[Program]:
    """The command while it runs; killed at the end if it has not ended by itself."""
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
            if process.poll() is None:
                process.kill()
