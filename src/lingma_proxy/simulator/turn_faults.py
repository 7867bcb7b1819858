"""The ways in which a turn can break, whatever the protocol.

Some break a step before the turn; their names end in the step: `hang-new`, `drop-connect`.
"""

from collections.abc import Iterable

from lingma_proxy.simulator.fault_table import Fault

TURN: dict[str, Fault] = {
    # Silence.
    "slow": Fault("the first word takes that long", "seconds", "2"),
    "stall": Fault("silence after the first word", "seconds"),
    "pace": Fault("that long between two words", "seconds", "0.05"),
    # Ends.
    "drop-after": Fault("the connection ends after that many words", "number", "1"),
    "error-after": Fault("an error is the response, after that many words", "number", "1"),
    "cut": Fault("the connection ends after that many bytes of the turn", "number", "0"),
    "deaf": Fault("a cancelled turn goes on as if nothing had been said"),
    # What is said.
    "empty": Fault("not a word"),
    "words": Fault("that many words instead of the answer", "number", "200"),
    "thoughts": Fault("thinks first, whatever the model"),
    "no-usage": Fault("not told how many tokens were used"),
    "unknown-updates": Fault("updates of unknown kinds, and known ones in odd shapes"),
    "foreign-session": Fault("words of another session between the words"),
    "tool-calls": Fault("tells of a plan and of a tool that it runs by itself"),
    "garbage": Fault("a message that is no JSON after the first word"),
    # What it wants of the client, after the first word.
    "permission": Fault("asks for permission, and waits for the answer for ever"),
    "fs-read": Fault("wants to read a file of the client's"),
    "fs-write": Fault("wants to write one"),
    "terminal": Fault("wants to run a command"),
    "unknown-request": Fault("asks for something that nobody knows"),
    # How it travels.
    "string-ids": Fault("its own requests have strings as ids"),
    "joined": Fault("several messages at once"),
    "split": Fault("messages are cut, also inside what frames them and inside characters"),
    "dribble": Fault("byte by byte"),
}

TRAVEL = frozenset({"string-ids", "joined", "split", "dribble", "binary"})
"""They concern every message."""


def at_steps(steps: Iterable[str]) -> dict[str, Fault]:
    """What can happen to each step of a connection's life instead of an answer."""
    faults: dict[str, Fault] = {}
    for step in steps:
        faults[f"hang-{step}"] = Fault(f"{step}: no answer, for that long or for ever", "seconds")
        faults[f"drop-{step}"] = Fault(f"{step}: the connection ends instead of an answer")
        faults[f"error-{step}"] = Fault(
            f"{step}: an error, with minus that number as its code", "number", "32603"
        )
    return faults


def step_of(name: str, steps: Iterable[str]) -> str:
    """Which step a fault breaks: `new` for `hang-new`; all others break a prompt."""
    what, _, step = name.partition("-")
    return step if what in {"hang", "drop", "error"} and step in set(steps) else "prompt"
