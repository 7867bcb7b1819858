"""A session of an agent's, and what can be chosen in it.

The standard's way is a list of options, `configOptions`; older agents list `models` and
have a method for them alone.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.catalogue import ROWS
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.memory import Memory
from lingma_proxy.simulator.rpc import INVALID_PARAMS, RpcError

MODELS = {row.key: row for row in ROWS if row.enable}
DEFAULT_MODEL = "org_auto"
MODES = ("ask", "code")


@dataclass(slots=True, eq=False)
class Session:
    id: str
    model: str = DEFAULT_MODEL
    mode: str = MODES[0]
    memory: Memory = field(default_factory=Memory)
    cancelled: asyncio.Event | None = None
    """To be set, while a prompt is being answered, to take it back."""


def offer(session: Session, faults: Faults) -> JsonObject:
    """What can be chosen in a session, and what is."""
    if "no-models" in faults:
        return {}
    if "old-models" in faults:
        listed = [{"modelId": row.key, "name": row.display_name} for row in MODELS.values()]
        return {"models": {"availableModels": listed, "currentModelId": session.model}}
    options = [{"value": row.key, "name": row.display_name} for row in MODELS.values()]
    grouped = [
        {"group": "simulated", "name": "Simulated", "options": options[:3]},
        {"group": "others", "name": "Others", "options": options[3:]},
    ]
    shown = grouped if "grouped-models" in faults else options
    modes = [{"value": mode, "name": mode.title()} for mode in MODES]
    return {
        "configOptions": [
            _option("mode", session.mode, modes),
            _option("model", session.model, shown),
        ]
    }


def choose(session: Session, option: str, value: str) -> None:
    """Raises RpcError when there is no such option, or no such choice."""
    match option:
        case "model":
            session.model = _known(value, MODELS)
        case "mode":
            session.mode = _known(value, MODES)
        case _:
            raise RpcError(INVALID_PARAMS, "configId is none of configOptions")


def _option(name: str, value: str, options: list[JsonObject]) -> JsonObject:
    return {
        "id": name,
        "name": name.title(),
        "category": name,
        "type": "select",
        "currentValue": value,
        "options": options,
    }


def _known(value: str, values: Iterable[str]) -> str:
    if value not in values:
        raise RpcError(INVALID_PARAMS, f"no such choice: {value[:80]!r}")
    return value
