"""An agent that speaks the Agent Client Protocol on its standard streams.

    python -m lingma_proxy.simulator.agent [--fault NAME[=VALUE]]… [--pace SECONDS]
                                           [--say FILE] [--record FILE]

*   `--fault` breaks it, as `agent_faults` has them; several times, or with commas.
*   `--say` is a file of JSON, what to say in the first turns, to the letter:
    `[{"deltas": ["text", {"reasoning_content": "…"}], "finish": "stop", "used": 9,
    "usage": {…}, "error": {"code", "message", "data"}}, …]`.  Only `deltas` must be there;
    `finish` null ends the process instead, an error is the response instead.
*   `--record` is a file, or a FIFO, to which it writes what it hears, a JSON object a line:
    `{"heard": METHOD, "params"}`, `{"asked": METHOD, "params"}`, `{"answered": METHOD,
    "result" or "error"}`, `{"ended": SESSION, "cancelled"}`, `{"complaint": SENTENCE}`.

It ends when its standard input does.
"""

import asyncio
import signal
import subprocess
import sys
import traceback
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from lingma_proxy.jsonio import Json, JsonObject, an_object, dumpb, loads
from lingma_proxy.simulator.agent_faults import TABLE
from lingma_proxy.simulator.agent_sessions import Agent, Note
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.stdio import Stdio, end
from lingma_proxy.simulator.turn_steps import Words

SLEEP = "import time; time.sleep(600)"
"""What a grandchild does, if nobody ends it before."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(
        prog="python -m lingma_proxy.simulator.agent",
        description=__doc__,
        epilog=TABLE.describe(),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE]")
    parser.add_argument("--pace", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--say", type=Path, metavar="FILE")
    parser.add_argument("--record", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        faults = TABLE.parse(",".join(options.fault))
        words = said(loads(options.say.read_bytes())) if options.say else []
    except Refusal as refusal:
        parser.error(refusal.message)
    except (OSError, ValueError) as error:
        parser.error(f"--say: {error}")
    asyncio.run(work(options, faults, words))


async def work(options: Namespace, faults: Faults, words: list[Words]) -> None:
    """Be an agent until the end.  Does not return."""
    about = misbehave(faults)
    stdio = Stdio()
    agent = Agent(
        stdio,
        faults,
        pace=options.pace,
        words=words,
        note=recorder(options.record),
        about={"simulator": about},
        idle=(lambda: end(0)) if "exit-idle" in faults else (lambda: None),
    )
    try:
        await agent.run(stdio.chunks())
        if "ignore-eof" in faults:
            print("simulated-agent: I stay", file=sys.stderr, flush=True)  # noqa: T201 — for a test
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        end(130)  # Ctrl-C
    except Exception:  # noqa: BLE001 — the end of the process, too
        traceback.print_exc()
        end(1)
    end(0)


def misbehave(faults: Faults) -> JsonObject:
    """What goes wrong with the process itself.  What initialize may tell of it."""
    about: JsonObject = {}
    if "stderr" in faults:
        line = "a warning that nobody reads ".ljust(1023, ".")
        for _ in range(faults.number("stderr") or 0):
            print(line, file=sys.stderr)  # noqa: T201 — that is what was asked for
    if "exit-at-start" in faults:
        print("simulated-agent: the configuration is broken", file=sys.stderr)  # noqa: T201 — see above
        end(3)
    if "ignore-sigterm" in faults:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "grandchild" in faults:
        command = [sys.executable, "-c", SLEEP]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 — it is ours
        about["grandchild"] = child.pid
    return about


def recorder(path: Path | None) -> Note:
    if path is None:
        return lambda _: None
    file = path.open("ab", buffering=0)

    def note(what: JsonObject) -> None:
        file.write(dumpb(what) + b"\n")

    return note


def said(value: Json) -> list[Words]:
    """What a file for `--say` holds.  Raises ValueError."""
    match value:
        case [*turns]:
            return [_words(turn) for turn in turns]
        case _:
            raise ValueError("the file holds no list")


def _words(turn: Json) -> Words:
    told = an_object(turn)
    match told.get("deltas"):
        case [*deltas]:
            exact = tuple({"content": each} if isinstance(each, str) else each for each in deltas)
        case _:
            raise ValueError("a turn has no list of deltas")
    match told.get("error"):
        case None:
            error = None
        case {"code": int(code), "message": str(message), **rest}:
            error = RpcError(code, message, rest.get("data"))
        case _:
            raise ValueError("an error has a code and a message")
    return Words(exact, told.get("finish", "stop"), error, told.get("used"), told.get("usage"))


if __name__ == "__main__":
    main()
