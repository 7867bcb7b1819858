"""The legal order of Anthropic's stream events, as a table, and a walk over it.

Written from the API's documentation, without the encoder that it judges.
"""

import json
from typing import Any

TRANSITIONS: dict[str, dict[str, str]] = {
    "silent": {"message_start": "between"},
    "between": {
        "start text": "text",
        "start thinking": "thinking",
        "start tool_use": "tool_use",
        "start server_tool_use": "tool_use",
        "start web_search_tool_result": "result",
        "message_delta": "ending",
    },
    "text": {"delta text_delta": "text", "stop": "between"},
    "thinking": {
        "delta thinking_delta": "thinking",
        "delta signature_delta": "signed",
        "stop": "broken off",
    },
    "signed": {"stop": "between"},
    "result": {"stop": "between"},  # whole at its start
    "tool_use": {"delta input_json_delta": "tool_use", "stop": "between"},
    "broken off": {},  # thinking without its signature: only an error may follow
    "ending": {"message_stop": "done"},
    "done": {},
}
for state in TRANSITIONS.keys() - {
    "done",
    "ending",
    "text",
    "tool_use",
    "thinking",
    "signed",
    "result",
}:
    TRANSITIONS[state]["error"] = "done"  # open blocks are closed first


def events(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream, whose `event:` lines must agree with their data."""
    assert stream == b"" or stream.endswith(b"\n\n")
    found = []
    for block in stream.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def walk(stream: bytes) -> str:
    """The state after the whole stream.  AssertionError where an event may not come."""
    state, index = "silent", 0
    searches: set[str] = set()
    for event in events(stream):
        match event:
            case {"type": "ping"}:
                assert state != "done"
                continue
            case {"type": "content_block_start", "content_block": block}:
                assert event["index"] == index
                step = f"start {block['type']}"
                if step == "start server_tool_use":
                    assert block["id"].startswith("srvtoolu_")
                    assert block["input"] == {}
                    searches.add(block["id"])
                elif step == "start web_search_tool_result":
                    searches.remove(block["tool_use_id"])
            case {"type": "content_block_delta", "delta": delta}:
                assert event["index"] == index
                step = f"delta {delta['type']}"
            case {"type": "content_block_stop"}:
                assert event["index"] == index
                index += 1
                step = "stop"
            case _:
                step = event["type"]
        assert step in TRANSITIONS[state], f"{step} may not come in {state}"
        state = TRANSITIONS[state][step]
    assert state != "done" or not searches, "a search has no result"
    return state
