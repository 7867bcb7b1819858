"""The ways in which the plugin's side breaks on demand.

They are asked for

*   by a line `SIMULATE: …` in the text of a prompt, for that turn,
*   by `Plugin.next(…)` for the next time that something can break so,
*   by `Plugin.always(…)` for every time.
"""

from typing import Literal, TypeAlias

from lingma_proxy.simulator.fault_table import Fault, Table
from lingma_proxy.simulator.turn_faults import TRAVEL, TURN, at_steps, step_of

Step: TypeAlias = Literal["connect", "initialize", "models", "new", "model", "prompt", "delete"]
STEPS: tuple[Step, ...] = (
    "connect",
    "initialize",
    "models",
    "new",
    "model",
    "prompt",
    "delete",
)
"""`connect` is the WebSocket's handshake, or the first byte on a socket; `model` is
session/set_model; `prompt` is chat/ask, too."""

TABLE = Table(
    {
        **at_steps(STEPS),
        "no-sessions": Fault("session/new is not there, as in VS Code's extension alone"),
        "id-only-delete": Fault("chat/deleteSessionById takes `id` and not `sessionId`"),
        "logged-out": Fault("no models: nobody is logged in"),
        **TURN,
        "ack-limit": Fault(
            "our requests must be answered within that time, or the turn fails; without a"
            " time it waits for ever",
            "seconds",
        ),
        "foreign-request": Fault("words of another request id between the words"),
        "bare-updates": Fault("updates do not say to which request they belong"),
        "early-response": Fault("the response to the prompt comes before the first word"),
        "late-finish": Fault("chat_finish comes that long after the response", "seconds", "0"),
        "no-finish": Fault("there is no chat_finish"),
        "no-response": Fault("the prompt has no response"),
        "reason": Fault(
            "the reason in chat_finish (`none`: there is none; `number`: it is one)",
            "word",
            "error",
            (
                "success",
                "stop",
                "none",
                "number",
                "error",
                "length",
                "content_filter",
                "max_tokens",
                "timeout",
                "cancelled",
            ),
        ),
        "stop-reason": Fault(
            "the response has a stopReason, as newer builds may",
            "word",
            "end_turn",
            ("end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled", "nonsense"),
        ),
        "status": Fault("the statusCode in chat/finish", "number", "500"),
        "full-answer": Fault("chat_finish repeats the answer"),
        "overwrite": Fault("chat/answer brings the whole text so far, to replace the old one"),
        "big-header": Fault("a frame says that it has a million million bytes"),
        "binary": Fault("messages of the WebSocket are binary"),
    }
)
FAULTS = TABLE.faults
NONE = TABLE.none


OWN_STEPS: dict[str, Step] = {
    "no-sessions": "new",
    "id-only-delete": "delete",
    "logged-out": "models",
}
"""Those whose names do not say it."""


def names_at(step: str) -> frozenset[str]:
    """What can break a step."""
    own = {name for name in FAULTS if (OWN_STEPS.get(name) or step_of(name, STEPS)) == step}
    return frozenset(own | TRAVEL)
