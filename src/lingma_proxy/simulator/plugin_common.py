"""What the plugin answers in both of its protocols."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.plugin_state import Session, State
from lingma_proxy.simulator.rpc import INVALID_PARAMS, Call, RpcError

Handler: TypeAlias = Callable[[Call, Faults], Awaitable[Json]]
"""Raises RpcError."""


def common(state: State) -> dict[str, Handler]:
    """Method → its handler."""

    async def models(_: Call, faults: Faults) -> Json:
        return state.models if state.logged_in and "logged-out" not in faults else {}

    async def status(_: Call, __: Faults) -> Json:
        if not state.logged_in:
            return {"status": 1, "name": "", "id": "", "token": ""}
        return {
            "status": 2,
            "name": "Simulated Person",
            "id": "9000000000000001",
            "accountId": "9000000000000001",
            "token": "pt-simulated",
            "refreshToken": "rt-simulated",
            "expireTime": 1893456000000,
            "userType": "personal_standard",
        }

    async def ping(_: Call, __: Faults) -> Json:
        return {}

    async def sessions(_: Call, __: Faults) -> Json:
        return [shown(session) for session in state.sessions.values()]

    async def session(call: Call, _: Faults) -> Json:
        return shown(state.session(call.params.get("sessionId")))

    async def stop(call: Call, _: Faults) -> Json:
        state.cancel(state.session(call.params.get("sessionId")))
        return None

    async def delete(call: Call, faults: Faults) -> Json:
        name = "sessionId" if "sessionId" in call.params else "id"
        if name == "sessionId" and "id-only-delete" in faults:
            raise RpcError(INVALID_PARAMS, "id is required")
        state.delete(state.session(call.params.get(name)))
        return None

    return {
        "config/queryModels": models,
        "auth/status": status,
        "ping": ping,
        "chat/listAllSessions": sessions,
        "chat/getSessionById": session,
        "chat/stopSession": stop,
        "chat/deleteSessionById": delete,
    }


def shown(session: Session) -> JsonObject:
    return {"sessionId": session.id, "sessionTitle": session.title}
