"""What a turn may want of the client, and what it may say that is not for the client."""

from collections.abc import Iterator

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.rpc import Asked

OPTIONS: list[JsonObject] = [
    {"optionId": "allow", "name": "Allow", "kind": "allow_once"},
    {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
]
CALL: JsonObject = {
    "toolCallId": "call_1",
    "title": "Run a command",
    "kind": "execute",
    "status": "pending",
    "rawInput": {"command": "touch simulated"},
}


def wishes(session: str, faults: Faults) -> Iterator[tuple[str, JsonObject]]:
    """Methods and params of the requests that the faults ask for."""
    here = {"sessionId": session}
    if "permission" in faults:
        yield "session/request_permission", {**here, "toolCall": CALL, "options": OPTIONS}
    if "fs-read" in faults:
        yield "fs/read_text_file", {**here, "path": "/simulated/notes.txt"}
    if "fs-write" in faults:
        yield "fs/write_text_file", {**here, "path": "/simulated/notes.txt", "content": "Hello."}
    if "terminal" in faults:
        yield "terminal/create", {**here, "command": "touch", "args": ["simulated"], "env": []}
    if "unknown-request" in faults:
        yield "simulated/unknown", {**here, "anything": [1, None, "x"]}


def doings(faults: Faults) -> Iterator[JsonObject]:
    """Updates that tell of its own work, and some that nobody knows."""
    if "tool-calls" in faults:
        plan = {"content": "Look around.", "priority": "medium", "status": "in_progress"}
        done = [{"type": "content", "content": {"type": "text", "text": "hello-from-tool"}}]
        yield {"sessionUpdate": "plan", "entries": [plan]}
        yield {"sessionUpdate": "tool_call", **CALL}
        yield {
            "sessionUpdate": "tool_call_update",
            "toolCallId": CALL["toolCallId"],
            "status": "completed",
            "content": done,
        }
    if "unknown-updates" in faults:
        yield {"sessionUpdate": "simulated_news", "content": {"type": "text", "text": "no"}}
        yield {"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "no"}}
        yield {"sessionUpdate": "agent_message_chunk", "content": None}
        yield {"sessionUpdate": "agent_message_chunk", "content": {"type": "text"}}
        yield {"sessionUpdate": "notification", "type": "simulated", "data": None}
        yield {"sessionUpdate": 7}
        yield {}


def odd_answer(asked: Asked) -> str:
    """What is wrong with the answer to a permission; "" for nothing."""
    if asked.method != "session/request_permission" or asked.error is not None:
        return ""
    match asked.result:
        case {"outcome": {"outcome": "cancelled"}}:
            return ""
        case {"outcome": {"outcome": "selected", "optionId": "allow" | "reject"}}:
            return ""
        case other:
            return f"no answer to a request for permission: {_short(other)}"


def _short(value: Json) -> str:
    return repr(value)[:80]
