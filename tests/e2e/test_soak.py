"""The soak, for a moment: that it runs, finds nothing, says so, and would say if it did."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soak.watching import GROWTH, SPARE, Sample, grown

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc"),
    pytest.mark.timeout(300),
]
PATIENCE = 240
"""Seconds; five processes on a machine that is busy with tests."""

SOAK = (sys.executable, "-u", "-m", "soak.run")
HERE = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


def test_for_a_moment_all_is_where_it_was():
    done = subprocess.run(
        [*SOAK, "0.03", "--clients", "3"],
        env=HERE,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All is where it was.\n")
    assert "remote: " in done.stdout
    assert "ipc: " in done.stdout
    assert "a fault, streamed" in done.stdout


def test_stopped_early_it_leaves_nothing_running(tmp_path):
    with subprocess.Popen(
        [*SOAK, "10"], env={**HERE, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    ) as soak:
        try:
            while len(children(soak.pid)) < 4:
                assert soak.poll() is None
                time.sleep(0.05)
            begun = children(soak.pid)
            soak.send_signal(signal.SIGINT)
            said, _ = soak.communicate(timeout=PATIENCE)
        finally:
            soak.kill()

    assert soak.returncode == 130
    assert "has ended" in said
    assert [pid for pid in begun if Path(f"/proc/{pid}").exists()] == []
    assert [*tmp_path.iterdir()] == []


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def seen(at: float, memory: float = 100, descriptors: int = 20, threads: int = 8) -> Sample:
    return Sample(at, memory, descriptors, threads, recorded=1)


CALM = (seen(20), seen(100))


def test_what_breathes_has_not_grown():
    samples = [seen(at, memory=100 + at % 20) for at in range(100)]

    assert grown(samples, 20, CALM) == []


def test_what_grew_while_warming_up_has_not_grown():
    samples = [seen(at, memory=min(at, 20) * 10) for at in range(100)]

    assert grown(samples, 20, CALM) == []


def test_what_grows_on_and_on_is_told():
    samples = [seen(at, memory=100 + at / 80 * GROWTH * 1.5) for at in range(100)]

    assert "memory grew" in "".join(grown(samples, 20, CALM))


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_what_is_not_given_back_is_told(what):
    last = seen(100, **{what: getattr(CALM[0], what) + SPARE + 1})

    assert f"{what} grew" in "".join(grown([seen(at) for at in range(100)], 20, (CALM[0], last)))
