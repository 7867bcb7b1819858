"""`make bench`: what a request and a chunk cost, beside a relay of bytes in the same run.

    load.py ──▶ lingma-proxy serve ──▶ fake_vendor.py
    load.py ──▶ relay.py           ──▶ fake_vendor.py

So is what the recording costs, beside the product without it.  All are measured in turns, several rounds of them; a figure is the median
over the rounds, and a ratio is the median of the rounds' ratios, so that what else the
machine is doing weighs on both.  It needs Linux, for its clocks of processes.

    python bench/run.py              writes bench/results.md, in under five minutes
    python bench/run.py --quick      prints it only, in well under one
"""

import argparse
import base64
import contextlib
import http.client
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
RESULTS = HERE / "results.md"
BUSY = 0.5
"""Load above which something else takes the caches, of which the product has more to lose."""
PATIENCE = 20.0
"""Seconds that the product has to open its port before we give up."""


@dataclass(frozen=True)
class Load:
    """What the clients do (see load.py)."""

    model: str
    shape: str = "openai"
    prompt: int = 0
    clients: int = 1
    requests: int = 1
    spread: float = 0


LOADS = {
    "request": Load("bench-1", requests=300),
    "anthropic": Load("bench-1", "anthropic", requests=200),
    "whole": Load("bench-1", "openai-whole", requests=200),
    "request at 4": Load("bench-1", clients=4, requests=60),
    "request at 16": Load("bench-1", clients=16, requests=40),
    "request at 64": Load("bench-1", clients=64, requests=10),
    "burst": Load("bench-200", clients=4, requests=20),
    "burst anthropic": Load("bench-200", "anthropic", clients=4, requests=20),
    "one of tools": Load("bench-1", "openai-tools", clients=4, requests=40),
    "burst of tools": Load("bench-200", "openai-tools", clients=4, requests=20),
    "paced 4": Load("bench-100-10ms", clients=4, spread=0.01),
    "paced 64": Load("bench-100-20ms", clients=64, spread=0.02),
    "200 KB": Load("bench-1", prompt=200_000, requests=20),
    "1 MB": Load("bench-1", prompt=1_000_000, requests=8),
}
ONLY_PRODUCT = {"anthropic", "whole", "burst anthropic", "one of tools", "burst of tools"}
"""To a relay one API is like another: these are compared with its figure for OpenAI's."""
UNRECORDED = {"request", "request at 4", "request at 64", "burst", "paced 4", "paced 64"}
"""What is measured without a recording, too."""


@dataclass(frozen=True)
class Outcome:
    """What load.py found."""

    cpu: float
    seconds: float
    first: list[float]
    latency: list[float]
    memory: int


Round = dict[str, Outcome]
Figure = Callable[[Round], float]


@dataclass(frozen=True)
class Row:
    """A line of the table: one figure of the product, and its like of the relay."""

    what: str
    unit: str
    of_product: Figure
    of_relay: Figure
    aim: float | None = None
    """In relays; at most."""


def cpu(load: str) -> Figure:
    return lambda outcomes: outcomes[load].cpu


def cpu_per_chunk(load: str, single: str) -> Figure:
    """What one more chunk costs, beyond a reply of one chunk to as many clients."""
    more = int(LOADS[load].model.split("-")[1]) - 1
    return lambda outcomes: (outcomes[load].cpu - outcomes[single].cpu) / more


def first_content(load: str) -> Figure:
    return lambda outcomes: median(outcomes[load].first)


def latency(load: str, share: float) -> Figure:
    return lambda outcomes: quantile(outcomes[load].latency, share)


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def both(what: str, unit: str, figure: Figure, aim: float | None = None) -> Row:
    return Row(what, unit, figure, figure, aim)


CHUNK_OF_BURST = cpu_per_chunk("burst", "request at 4")
TABLE = (
    both("CPU per small request, streamed", "µs", cpu("request"), aim=11),
    Row("the same, Anthropic", "µs", cpu("anthropic"), cpu("request"), aim=11),
    Row("the same, not streamed", "µs", cpu("whole"), cpu("request"), aim=11),
    both("CPU per small request, 16 clients", "µs", cpu("request at 16")),
    both("CPU per chunk, bursts at 4 streams", "µs", CHUNK_OF_BURST, aim=4),
    Row(
        "the same, Anthropic",
        "µs",
        cpu_per_chunk("burst anthropic", "request at 4"),
        CHUNK_OF_BURST,
        aim=4,
    ),
    Row(
        "the same, OpenAI, read for calls of tools",
        "µs",
        cpu_per_chunk("burst of tools", "one of tools"),
        CHUNK_OF_BURST,
    ),
    both("CPU per chunk, 4 streams of 100/s", "µs", cpu_per_chunk("paced 4", "request at 4")),
    both(
        "CPU per chunk, 64 streams of 50/s",
        "µs",
        cpu_per_chunk("paced 64", "request at 64"),
        aim=3,
    ),
    both("First content, 1 client, p50", "ms", first_content("request"), aim=6),
    both("First content, 16 clients, p50", "ms", first_content("request at 16")),
    both("Chunk latency, 64 streams, p50", "ms", latency("paced 64", 0.5)),
    both("Chunk latency, 64 streams, p99", "ms", latency("paced 64", 0.99)),
    both("CPU per request, prompt of 200 KB", "µs", cpu("200 KB")),
    both("First content, prompt of 200 KB, p50", "ms", first_content("200 KB")),
    both("CPU per request, prompt of 1 MB", "µs", cpu("1 MB")),
    both("First content, prompt of 1 MB, p50", "ms", first_content("1 MB")),
)

OF_RECORDING = (
    both("CPU per chunk, bursts at 4 streams", "µs", CHUNK_OF_BURST, aim=1.1),
    both("CPU per chunk, 4 streams of 100/s", "µs", cpu_per_chunk("paced 4", "request at 4")),
    both(
        "CPU per chunk, 64 streams of 50/s",
        "µs",
        cpu_per_chunk("paced 64", "request at 64"),
        aim=1.1,
    ),
    both("CPU per small request, streamed", "µs", cpu("request")),
)


@dataclass(frozen=True)
class Alone:
    """A figure that has no like in the relay."""

    what: str
    value: float
    unit: str
    aim: float | None = None


class Loader:
    """The load generator, as a process that takes jobs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, HERE / "load.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, load: Load, port: int, pid: int) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = asdict(load) | {"port": port, "pid": pid}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"The load generator gave up at {job}; its reason is above.")
        return Outcome(**json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def process(script: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """A helper that prints its port: (port, pid)."""
    with subprocess.Popen(
        [sys.executable, HERE / script, *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline()), child.pid
        finally:
            child.terminate()


@dataclass(frozen=True)
class Product:
    port: int
    pid: int
    ready_after: float
    """Seconds from the start of its process to its first 200 on /livez."""


@contextlib.contextmanager
def product(vendor_port: int, home: Path, *more: str) -> Iterator[Product]:
    """`lingma-proxy serve`, in front of the fake vendor, with more options."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "lingma_proxy", "serve", "--port", str(port)),
        *("--remote-base-url", f"http://127.0.0.1:{vendor_port}"),
        *("--remote-auth-file", str(credentials(home)), "--max-concurrent", "64"),
        *("--emulate-tools", "always"),  # heeded only where a request has tools
        *more,
    ]
    log = home / "serve.log"
    begun = time.monotonic()
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment(home)
        ) as child,
    ):
        try:
            while not alive(port):
                if child.poll() is not None or time.monotonic() - begun > PATIENCE:
                    sys.exit(f"The product did not start:\n{log.read_text()}")
                time.sleep(0.002)
            yield Product(port, child.pid, time.monotonic() - begun)
        finally:
            child.terminate()


def alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(home: Path) -> dict[str, str]:
    """Nobody's settings and nobody's login."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LANG": "C.UTF-8"}


def credentials(home: Path) -> Path:
    """A login that is made up; the fake vendor does not look at it."""
    path = home / "credentials.json"
    auth = {
        "cosy_key": base64.b64encode(b"k" * 128).decode(),
        "encrypt_user_info": base64.b64encode(b"u" * 256).decode(),
        "user_id": "9000000000000001",
        "machine_id": "0f1e2d3c-4b5a-4968-8778-695a4b3c2d1e",
    }
    whole = {"source": "bench", "token_expire_time": "4102444800000", "auth": auth}
    path.write_text(json.dumps(whole))
    path.chmod(0o600)
    return path


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def help_takes(home: Path) -> float:
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "lingma_proxy", "--help"],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment(home),
    )
    return time.monotonic() - begun


def measure(rounds: int, home: Path) -> tuple[list[tuple[Round, Round, Round]], list[Alone]]:
    """Rounds of (product, relay, product without recording), and what the product does alone."""
    with process("fake_vendor.py") as (vendor_port, _):
        starts = []
        for _ in range(max(3, rounds)):
            with product(vendor_port, home) as started:
                starts.append(started.ready_after)
        helps = [help_takes(home) for _ in range(max(3, rounds))]
        with (
            product(vendor_port, home) as ours,
            product(vendor_port, home, "--recording", "off") as bare,
            process("relay.py", str(vendor_port)) as (relay_port, relay_pid),
            contextlib.closing(Loader()) as loader,
        ):
            idle = resident(ours.pid)

            def one_round(number: int) -> tuple[Round, Round, Round]:
                of_product: Round = {}
                of_relay: Round = {}
                of_bare: Round = {}

                def ask_product(name: str, load: Load) -> None:
                    of_product[name] = loader.run(load, ours.port, ours.pid)

                def ask_relay(name: str, load: Load) -> None:
                    if name not in ONLY_PRODUCT:
                        of_relay[name] = loader.run(
                            replace(load, shape="vendor"), relay_port, relay_pid
                        )

                def ask_bare(name: str, load: Load) -> None:
                    if name in UNRECORDED:
                        of_bare[name] = loader.run(load, bare.port, bare.pid)

                for at, (name, load) in enumerate(LOADS.items()):
                    # Neither is always the one that finds the machine warm.
                    turns = [ask_bare, ask_product, ask_relay]
                    for ask in turns if (number + at) % 2 else reversed(turns):
                        ask(name, load)
                print(f"round {number} of {rounds}", file=sys.stderr)
                return of_product, of_relay, of_bare

            done = [one_round(number) for number in range(1, rounds + 1)]
            alone = [
                Alone("Memory, idle", idle / 2**20, "MB", aim=50),
                Alone(
                    "Memory, with 64 streams",
                    max(ours["paced 64"].memory for ours, *_ in done) / 2**20,
                    "MB",
                ),
                Alone(
                    "Memory, at the end (all of the above, prompts of 1 MB too)",
                    resident(ours.pid) / 2**20,
                    "MB",
                ),
                Alone("Start to first 200 on /livez", median(starts), "s", aim=0.5),
                Alone("`--help`", median(helps) * 1000, "ms", aim=100),
            ]
            return done, alone


def report(rounds: list[tuple[Round, Round, Round]], alone: list[Alone]) -> str:
    lines = [
        "| | product | relay | ratio | aim: at most |",
        "| --- | ---: | ---: | ---: | ---: |",
        *compared(TABLE, [(product, relay) for product, relay, _ in rounds]),
    ]
    lines += [
        f"| {each.what} | {short(each.value)} {each.unit} | | |"
        f" {aim(each.aim, each.unit, met=each.value)} |"
        for each in alone
    ]
    lines += [
        "",
        "| | recording | without | ratio | aim: at most |",
        "| --- | ---: | ---: | ---: | ---: |",
        *compared(OF_RECORDING, [(product, bare) for product, _, bare in rounds]),
    ]
    return "\n".join(lines)


def compared(rows: Sequence[Row], rounds: Sequence[tuple[Round, Round]]) -> Iterator[str]:
    for row in rows:
        ours = [row.of_product(one) for one, _ in rounds]
        theirs = [row.of_relay(other) for _, other in rounds]
        ratio = median(one / other for one, other in zip(ours, theirs, strict=True))
        yield (
            f"| {row.what} | {short(median(ours))} {row.unit} | {short(median(theirs))} {row.unit}"
            f" | {short(ratio)} × | {aim(row.aim, '×', met=ratio)} |"
        )


def aim(value: float | None, unit: str, *, met: float) -> str:
    if value is None:
        return ""
    return f"{value:g} {unit}{'' if met <= value else ' (missed)'}"


def short(value: float) -> str:
    """Three digits at most, for more of them mean nothing here."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def heading(rounds: int, took: float, load: float) -> str:
    busy = " **The machine was busy with other things, so the figures are too high.**"
    return f"""\
# What it costs

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {rounds} rounds, {took:.0f} s.
The load of the machine before was {load:.1f}.{busy if load > BUSY else ""}
{os.cpu_count()} × {processor()}, {platform.system()} {platform.release()}, \
Python {platform.python_version()}.

The relay (`bench/relay.py`) only passes bytes on; it stands in front of the same fake vendor
and is measured in turns with the product.  A ratio is the median of the rounds' ratios, and
what carries from one machine to another.  CPU is the product's own process, both user and
system.  A chunk is about five characters of text; in a burst the vendor flushes each of 200
as fast as it can, and the cost of a chunk is what 199 more of them cost than one.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the product beside a relay of bytes.")
    parser.add_argument("--quick", action="store_true", help="two rounds; prints, writes nothing")
    parser.add_argument("--rounds", type=int, default=7, help="how many (default: 7)")
    options = parser.parse_args()
    if platform.system() != "Linux":
        sys.exit("The bench needs Linux: it reads the clocks of other processes.")
    begun, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="lingma-bench-") as home:
        rounds, alone = measure(2 if options.quick else options.rounds, Path(home))
    text = f"{heading(len(rounds), time.monotonic() - begun, load)}\n{report(rounds, alone)}\n"
    print(text)
    if not options.quick:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
