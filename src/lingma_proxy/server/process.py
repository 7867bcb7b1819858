"""What this process takes of the machine, in the words of Prometheus' own clients.

Read from /proc where there is one; elsewhere only the time that it has computed is known.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lingma_proxy.server.exposition import Family

PROC = Path("/proc/self")
STARTED = time.time()
"""Unix seconds, as good as: this module is loaded at the start."""


def families(proc: Path = PROC) -> Iterator[Family]:
    """Costs a few reads of files that are none."""
    spent = os.times()
    cpu = spent.user + spent.system
    yield gauge("process_start_time_seconds", "When the process began, in Unix seconds.", STARTED)
    yield Family(
        "process_cpu_seconds_total", "counter", "Seconds that it has computed.", [({}, cpu)]
    )
    with suppress(OSError, ValueError, IndexError):
        whole, resident = (proc / "statm").read_text("ascii").split()[:2]
        page = os.sysconf("SC_PAGE_SIZE")
        yield gauge("process_virtual_memory_bytes", "Address space.", int(whole) * page)
        yield gauge("process_resident_memory_bytes", "Memory.", int(resident) * page)
    with suppress(OSError):
        yield gauge("process_open_fds", "Open descriptors.", len(os.listdir(proc / "fd")))  # noqa: PTH208 - names, not paths
    with suppress(OSError, ValueError, IndexError):
        limits = (proc / "limits").read_text("ascii").splitlines()
        [line] = [line for line in limits if line.startswith("Max open files")]
        yield gauge("process_max_fds", "Descriptors that it may open.", float(line.split()[3]))


def gauge(name: str, help: str, value: float) -> Family:
    return Family(name, "gauge", help, [({}, value)])
