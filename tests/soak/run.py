"""`make soak`: `lingma-proxy serve` under load and faults, for minutes or for hours.

    python -m soak.run [MINUTES]        3 by default; 0.2 is enough to see that it runs

    clients ──▶ serve --backend remote ──▶ soak.sides remote
    clients ──▶ serve --backend ipc    ──▶ soak.sides plugin

Each is a process with an empty home, on loopback; everything is recorded, and thrown away
at the end.  Clients ask all that `asking` knows in all the ways of `clients`; meanwhile
the person logs in anew, settings change, lists of models fail, the other sides begin anew.  A table
says what became of it.  Exit status 1 if an answer was wrong, something has grown, or a
server said that it had an error of its own.  It needs Linux, for its view of processes.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random

from aiohttp import ClientSession

from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.transports.websocket import HANDSHAKE
from soak.asking import Way
from soak.clients import Crowd, on_a_websocket
from soak.watching import Sample, Watch, edges, grown, quantile
from support.process import LISTENS, environment

SETTINGS: JsonObject = {
    "log_level": "error",
    "max_concurrent": 16,
    "max_queue": 200,
    "max_body_mb": 1,
    "recording_mb": 20,
    "first_byte_timeout": 4,
    "idle_timeout": 4,
    "heartbeat": 0.5,
    "setup_timeout": 10,
    "models_lifetime": 5,
    "shutdown_grace": 3,
}
CHANGES: Sequence[JsonObject] = (
    {},
    {"heartbeat": 1, "fallback_attempts": 2},
    {"max_concurrent": 12},
    {"connect_timeout": 9},  # who answers is made anew
    {"recording_mb": 10},  # and so is the recording
)
"""What somebody may change while the server runs."""
FILE = "lingma-proxy.json"
REST = 2.0
"""Seconds without a request before a calm look."""
STARTING = 60.0
ENDING = 20.0
"""Seconds that a process may take for it."""


class Side:
    """`sides`, from here."""

    def __init__(self, process: Process, leads: dict[str, str]) -> None:
        self._process = process
        self.leads = leads
        """The variables that lead to it."""

    async def do(self, *words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{' '.join(words)}\n".encode())
        assert await said(self._process) == "done"


async def said(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(STARTING):
        line = await process.stdout.readline()
    assert line, f"process {process.pid} has ended"
    return line.decode().rstrip("\n")


@asynccontextmanager
async def started(home: Path, log: Path, *words: str, **variables: str) -> AsyncIterator[Process]:
    """A process; it is ended in the end, whatever happens, and Ctrl-C is not for it."""
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-m", *words,
            cwd=home, env=environment(home, **variables),
            stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(ENDING):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def side(folder: Path, kind: str) -> AsyncIterator[Side]:
    home = folder / kind
    home.mkdir()
    here = str(Path(__file__).parent.parent)
    words = ("soak.sides", kind, str(home))
    async with started(folder, folder / f"{kind}.log", *words, PYTHONPATH=here) as process:
        pairs = (word.partition("=") for word in (await said(process)).split())
        yield Side(process, {name: value for name, _, value in pairs})


@asynccontextmanager
async def server(folder: Path, way: Way, **variables: str) -> AsyncIterator[tuple[Watch, Process]]:
    home = folder / f"home of {way}"
    home.mkdir()
    data = home / "data"
    change(folder, {})
    words = ["lingma_proxy", "serve", "--port", "0", "--backend", way, "--data-dir", str(data)]
    words += ["--config", str(folder / FILE)]
    log = folder / f"serve {way}.log"
    async with started(home, log, *words, **variables) as process:
        found = LISTENS.fullmatch(await said(process))
        assert found, log.read_text()
        yield Watch(process.pid, found[1], data), process


def change(folder: Path, changes: JsonObject) -> None:
    """The settings, written in one go."""
    new = folder / f"new {FILE}"
    new.write_bytes(dumpb({**SETTINGS, **changes}))
    new.replace(folder / FILE)


async def trouble(crowd: Crowd, side: Side, folder: Path, every: float) -> None:
    """What befalls both sides from time to time.  Never ends by itself."""
    async with ClientSession() as session:
        while True:
            await asyncio.sleep(every * (0.5 + crowd.dice.random()))
            match crowd.way, crowd.dice.randrange(7):
                case "remote", 0 | 1:
                    await side.do("renew")
                case "remote", 2:
                    await side.do(
                        "next", "models", crowd.dice.choice(["status=500", "html", "cut=100"])
                    )
                case "remote", 3:
                    await side.do("next", "upload", "slow=0.5")
                case "ipc", 0:
                    await side.do(
                        "next", "any", crowd.dice.choice(["error-delete", "hang-delete=1"])
                    )
                case "ipc", 1 | 2:
                    await side.do("next", "any", "error-models")
                case _, 5:
                    change(folder, crowd.dice.choice(CHANGES))
                case _, 4:
                    with crowd.weather.bad():
                        await side.do("restart")
                        # Who was let in as the door closed waits so long for a greeting, and
                        # all who came since wait with it.
                        await asyncio.sleep(HANDSHAKE + 1)
                case _:
                    await on_a_websocket(crowd, session)


async def rest(watch: Watch) -> Sample:
    """Nobody asks; what was begun has ended, and what it held should be given back."""
    await asyncio.sleep(REST)
    return watch.look()


async def soaked(
    folder: Path, way: Way, seconds: float, clients: int, dice: Random
) -> tuple[list[str], list[str]]:
    """The table of one server, and what may not be."""
    warm = min(seconds * 0.25, 300)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(
            side(folder, "remote" if way == "remote" else "plugin")
        )
        serve = stack.enter_async_context(server(folder, way, **other.leads))
        watch, process = await serve
        crowd = Crowd(way, watch.url, dice)
        every = min(10, max(0.5, seconds / 100))
        beside = [
            asyncio.create_task(watch.keep_looking(every)),
            asyncio.create_task(trouble(crowd, other, folder, min(10, seconds / 10))),
        ]
        try:
            await asked(crowd, clients, warm)
            first = await rest(watch)
            await asked(crowd, clients, seconds - warm)
        finally:
            for task in beside:
                task.cancel()
            ends = await asyncio.gather(*beside, return_exceptions=True)
        last = await rest(watch)
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING):
                await process.wait()

    complaints = grown(watch.samples, warm, (first, last))
    complaints += [repr(end) for end in ends if isinstance(end, Exception)]
    if process.returncode != 0:
        complaints.append(f"told to stop, it ended with {process.returncode}")
    if logged := (folder / f"serve {way}.log").read_text().partition("Stopping")[0].strip():
        complaints.append(f"it logged errors: {logged[-2000:]}")
    if crowd.tally.unexpected:
        complaints.append(f"{crowd.tally.unexpected} answers that may not be, such as:")
        complaints += crowd.tally.examples
    return table(crowd, watch, warm, (first, last)), complaints


async def asked(crowd: Crowd, clients: int, seconds: float) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await crowd.ask(clients, over)


def table(crowd: Crowd, watch: Watch, warm: float, calm: tuple[Sample, Sample]) -> list[str]:
    tally = crowd.tally
    early, late = edges(watch.samples, warm)
    hours = (watch.samples[-1].at - warm) / 3600
    begun, (before, after) = watch.samples[0], calm
    lines = [
        f"{crowd.way}: {tally.requests} requests in {watch.samples[-1].at:.0f} s",
        "",
        f"  {'asked':<32}{'became':<28}{'times':>8}",
    ]
    for (kind, became, allowed), times in sorted(tally.outcomes.items()):
        lines.append(f"  {kind:<32}{became:<28}{times:>8}{'' if allowed else '   UNEXPECTED'}")
    descriptors = [each.descriptors for each in watch.samples]
    numbers = {
        "memory, MB": f"start {begun.memory:.1f}   after warm-up {early:.1f}   end {late:.1f}",
        "": f"slope {(late - early) / hours:+.1f} an hour   calm {before.memory:.1f} → {after.memory:.1f}",
        "descriptors": f"calm {before.descriptors} → {after.descriptors}   most {max(descriptors)}",
        "threads": f"calm {before.threads} → {after.threads}",
        "recording, MB": f"{before.recorded:.1f} → {after.recorded:.1f}",
        "/livez, ms": in_ms(watch.lag),
        "a question, ms": in_ms(tally.seconds),
    }
    lines += ["", *(f"  {name:<17}{value}" for name, value in numbers.items()), ""]
    return lines


def in_ms(seconds: Sequence[float]) -> str:
    """Half of them, nearly all, and the longest."""
    half, most = (1000 * quantile(seconds, share) for share in (0.5, 0.99))
    return f"p50 {half:.1f}   p99 {most:.1f}   most {1000 * max(seconds, default=0):.1f}"


async def soaking(seconds: float, ways: Sequence[Way], clients: int, seed: int) -> int:
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    assert me is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, me.cancel)
    with tempfile.TemporaryDirectory(prefix="lp-soak-") as name:
        folders = [Path(name, way) for way in ways]
        for folder in folders:
            folder.mkdir()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(soaked(folder, way, seconds, clients, Random(f"{seed} {way}")))
                for folder, way in zip(folders, ways, strict=True)
            ]
    failed = False
    for lines, complaints in (task.result() for task in tasks):
        print("\n".join(lines + [f"  WRONG: {each}" for each in complaints]))
        failed = failed or bool(complaints)
    print("Something is wrong: see above." if failed else "All is where it was.")
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("minutes", nargs="?", type=float, default=3.0)
    parser.add_argument("--only", choices=("remote", "ipc"), help="one of the two servers")
    parser.add_argument("--clients", type=int, default=8, help="of each server, at a time")
    parser.add_argument("--seed", type=int, default=1, help="of the dice")
    options = parser.parse_args()
    ways: tuple[Way, ...] = (options.only,) if options.only else ("remote", "ipc")
    try:
        return asyncio.run(soaking(options.minutes * 60, ways, options.clients, options.seed))
    except asyncio.CancelledError:
        print("Stopped before its time; everything that it had started has ended.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
