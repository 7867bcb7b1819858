"""The ways in which the agent breaks on demand.

They are asked for

*   by `--fault NAME` of the agent's command line, for every time,
*   by a line `SIMULATE: …` in the text of a prompt, for that turn.
"""

from typing import Literal, TypeAlias

from lingma_proxy.simulator.fault_table import Fault, Table
from lingma_proxy.simulator.turn_faults import TURN, at_steps

Step: TypeAlias = Literal["initialize", "authenticate", "new", "model", "prompt", "close"]
STEPS: tuple[Step, ...] = ("initialize", "authenticate", "new", "model", "prompt", "close")
"""`model` is session/set_config_option or session/set_model.  Where a connection would end,
the process does."""

TABLE = Table(
    {
        # The process.
        "exit-at-start": Fault("ends at once, with a complaint on standard error"),
        "exit-idle": Fault("ends after each turn"),
        "noise": Fault("lines that are no JSON on standard output, at the start and mid-turn"),
        "stderr": Fault("that many KiB on standard error at the start", "number", "1024"),
        "ignore-sigterm": Fault("goes on when it is told to end"),
        "ignore-eof": Fault("goes on when its standard input ends"),
        "grandchild": Fault("has a child of its own, which holds on to its output"),
        # The protocol.
        **at_steps(STEPS),
        "version": Fault("answers initialize with that protocolVersion", "number", "2"),
        "needs-login": Fault("no session before `authenticate`"),
        "no-login-methods": Fault("and says nothing of how to log in"),
        "bare-login-error": Fault("and says of how to log in only what initialize has said"),
        "no-models": Fault("models cannot be chosen"),
        "old-models": Fault("models are chosen by session/set_model, as older agents want it"),
        "grouped-models": Fault("the list of models has groups"),
        "no-close": Fault("sessions cannot be closed"),
        "no-pictures": Fault("takes no pictures"),
        "stop-reason": Fault(
            "why the turn ends (`none`: it does not say)",
            "word",
            "refusal",
            (
                "end_turn",
                "max_tokens",
                "max_turn_requests",
                "refusal",
                "cancelled",
                "nonsense",
                "none",
            ),
        ),
        **TURN,
    }
)
FAULTS = TABLE.faults
NONE = TABLE.none
