"""The legal order of the events of an OpenAI Responses stream, as a table, and a walker.

Written from the API's reference, not from the encoder.  What the table cannot say (numbers,
indices, ids, and that the deltas of an item amount to it) is in `ResponsesGrammar`.  Each
event must be what the official SDK's own type demands.
"""

import json
from typing import Any, get_args

from openai import BaseModel
from openai.types.responses import ResponseStreamEvent

from lingma_proxy.wire.sse import SseDecoder

ENDS = {
    "response.completed": "over",
    "response.incomplete": "over",
    "response.failed": "over",
}
ADDED = {
    f"response.output_item.added {kind}": kind
    for kind in ("message", "reasoning", "function_call", "custom_tool_call", "web_search_call")
} | {
    f"response.output_item.added {kind}": "said"
    for kind in ("local_shell_call", "tool_search_call")
}
DONE = {"response.output_item.done": "between"}
CUT = {"response.incomplete": "over", "response.failed": "over"}
"""What may come in the middle of a call, which has then no end of its own."""

TABLE: dict[str, dict[str, str]] = {
    "silent": {"response.created": "created"},
    "created": {"response.in_progress": "between"},
    "between": {**ADDED, **ENDS},
    "message": {"response.content_part.added": "text"},
    "text": {
        "response.output_text.delta": "text",
        "response.output_text.done": "text done",
    },
    "text done": {"response.content_part.done": "said"},
    "reasoning": {"response.reasoning_summary_part.added": "summary", **DONE},
    "summary": {
        "response.reasoning_summary_text.delta": "summary",
        "response.reasoning_summary_text.done": "summary done",
    },
    "summary done": {"response.reasoning_summary_part.done": "said"},
    "function_call": {
        "response.function_call_arguments.delta": "function_call",
        "response.function_call_arguments.done": "said",
        **CUT,
    },
    "custom_tool_call": {
        "response.custom_tool_call_input.delta": "custom_tool_call",
        "response.custom_tool_call_input.done": "said",
        **CUT,
    },
    "web_search_call": {"response.web_search_call.in_progress": "search begun"},
    "search begun": {"response.web_search_call.searching": "searching"},
    "searching": {"response.web_search_call.completed": "said", **DONE},
    "said": DONE,
    "over": {},
}
TEXT_OF_DONE = {
    "response.output_text.done": "text",
    "response.reasoning_summary_text.done": "text",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
}


def by_type() -> dict[str, type[BaseModel]]:
    (union, *_) = get_args(ResponseStreamEvent)
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(union)}


EVENTS = by_type()


class ResponsesGrammar:
    """Fed the bytes of a stream; fails with a sentence at the first illegal event."""

    def __init__(self) -> None:
        self.state = "silent"
        self.response: dict[str, Any] = {}
        """As the last event had it that has one."""
        self._decoder = SseDecoder()
        self._number = 0
        self._done: list[dict[str, Any]] = []
        self._item: dict[str, Any] = {}
        self._text = ""

    def feed(self, data: bytes) -> None:
        for sent in self._decoder.feed(data):
            event = json.loads(sent.data)
            kind = event["type"]
            assert sent.event == kind, "an event is named twice alike"
            EVENTS[kind].model_validate_json(sent.data, strict=True)
            assert event["sequence_number"] == self._number, "events are numbered"
            self._number += 1
            word = f"{kind} {event['item']['type']}" if kind.endswith("item.added") else kind
            assert word in TABLE[self.state], f"{word!r} may not come while {self.state}"
            self.state = TABLE[self.state][word]
            self._look(kind, event)

    def end(self) -> None:
        assert self._decoder.end() == []
        assert self.state == "over", f"the stream ended while {self.state}"

    def _look(self, kind: str, event: dict[str, Any]) -> None:
        if "response" in event:
            self._whole(kind, event["response"])
            return
        assert event["output_index"] == len(self._done), "items come one after another"
        match event:
            case {"type": "response.output_item.added", "item": item}:
                self._item, self._text = item, ""
            case {"type": "response.output_item.done", "item": item}:
                assert item["id"] == self._item["id"]
                assert item["type"] == self._item["type"]
                assert text_of(item) in (None, self._text), "an item is what its deltas said"
                self._done.append(item)
            case {"delta": delta}:
                assert delta, "a delta says something"
                self._text += delta
        if "item_id" in event:
            assert event["item_id"] == self._item["id"]
        if kind in TEXT_OF_DONE:
            assert event[TEXT_OF_DONE[kind]] == self._text, "what is done is what was said"

    def _whole(self, kind: str, response: dict[str, Any]) -> None:
        constant = ("id", "object", "created_at", "tools", "instructions", "store", "metadata")
        for name in constant if self.response else ():
            assert response[name] == self.response[name], f"{name} stays what it was"
        self.response = response
        status = kind.removeprefix("response.")
        assert response["status"] == ("in_progress" if status == "created" else status)
        assert (response["error"] is not None) == (status == "failed")
        assert (response["incomplete_details"] is not None) == (status == "incomplete")
        if kind not in ENDS:
            assert response["output"] == []
            return
        count = len(self._done)
        assert response["output"][:count] == self._done, "the end says what was said"
        cut = response["output"][count:]
        assert len(cut) <= 1
        assert all(item["status"] == "incomplete" for item in cut), "it was cut off"


def text_of(item: dict[str, Any]) -> str | None:
    """All that the deltas of an item say; None if it has none."""
    match item:
        case {"type": "message", "content": parts}:
            return "".join(part["text"] for part in parts)
        case {"type": "reasoning", "summary": parts}:
            return "".join(part["text"] for part in parts)
        case {"type": "function_call", "arguments": arguments}:
            return str(arguments)
        case {"type": "custom_tool_call", "input": input}:
            return str(input)
        case _:
            return None
