"""OpenAI Responses: `POST /v1/responses`.

Reference: https://platform.openai.com/docs/api-reference/responses-streaming

    response.created response.in_progress
    ( response.output_item.added  …its content…  response.output_item.done )*
    response.completed | response.incomplete | response.failed

with, as the content of

    a message      content_part.added output_text.delta* output_text.done content_part.done
    reasoning      ( reasoning_summary_part.added reasoning_summary_text.delta*
                     reasoning_summary_text.done reasoning_summary_part.done )?
    a function     function_call_arguments.delta* function_call_arguments.done
    a custom tool  custom_tool_call_input.delta* custom_tool_call_input.done
    a search       web_search_call.in_progress web_search_call.searching
                   web_search_call.completed, unless it fails

All are numbered from 0, and there is no `[DONE]`.  A call that was cut off has no
`done` of any kind, for there are clients that run whatever is done; the response at the
end says what there is of it.
"""

from collections.abc import Sequence

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    Head,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.reply import filled
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects import openai_responses_items as items
from lingma_proxy.dialects.openai_custom_tools import InputReader
from lingma_proxy.dialects.openai_responses_request import decode
from lingma_proxy.dialects.openai_shared import error_body
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.wire import sse

HEARTBEAT = sse.comment("keep-alive")
GAP = "\x00the delta\x00"
"""Stands in a template for the text that is still to come."""
GAP_ENCODED = dumpb(GAP)


class ResponsesEncoder:
    """Says one stream.  A template is made once per item; per delta only its text is encoded.

    What ends an item waits for what comes next, for only that tells whether it was cut.
    """

    def __init__(self, asked: Asked, now: int) -> None:
        self._asked = items.our(asked)
        self._now = now
        self._model = asked.request.model
        self._number = 0
        self._begun = False
        self._output: list[JsonObject] = []
        self._head: Head | None = None
        """The part that is being said; None between parts, and while nobody may see it."""
        self._texts: list[str] = []
        self._found: SearchResult | None = None
        """Of the search that is being closed."""
        self._ended = False
        """The part has ended, but its item is not closed."""
        self._input: InputReader | None = None
        """Of a custom tool's call: its input, out of its arguments."""
        self._before = b""
        self._between = b""
        self._after = b""
        """Around the numbers and texts of the deltas; nothing if the item has none."""
        self.response: JsonObject | None = None
        """The response as it ended: completed, incomplete or failed."""

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:  # noqa: ARG002  # there is but one
        if self.response is not None:
            return b""
        said: list[bytes] = []
        for event in events:
            if type(event) is PartDelta:  # by far the most frequent
                if self._head is not None:
                    self._texts.append(event.text)
                    text = event.text if self._input is None else self._input.feed(event.text)
                    if self._before and text:
                        number = b"%d" % self._number
                        said += (self._before, number, self._between, dumpb(text), self._after)
                        self._number += 1
                continue
            match event:
                case PartStarted(_, SearchResult() as found):
                    self._found = found
                    said.append(self._close("completed"))
                    self._found = None
                case PartStarted(_, head):
                    said += (self._close("completed"), self._start(head))
                case PartEnded():
                    self._ended = self._head is not None
                case ReplyStarted(_, model):
                    self._model = model
                    said.append(self._begin())
                case ReplyEnded(reason, usage):
                    said.append(self._end(reason, usage))
        return b"".join(said)

    def end(self) -> bytes:
        return b""

    def fail(self, error: ProxyError) -> bytes:
        if self.response is not None:
            return b""
        begin = b"" if self._begun else self._begin()
        if self._ended:
            closed = self._close("completed")
        elif isinstance(self._head, ToolCall):
            closed = b""  # it never became one
        else:
            closed = self._close("incomplete")
        self.response = items.failed(self._asked, self._now, self._model, self._output, error)
        return begin + closed + self._line("response.failed", {"response": self.response})

    def heartbeat(self) -> bytes:
        return HEARTBEAT

    def _begin(self) -> bytes:
        self._begun = True
        created = items.response(self._asked, self._now, self._model, "in_progress", ())
        return self._line("response.created", {"response": created}) + self._line(
            "response.in_progress", {"response": created}
        )

    def _end(self, reason: FinishReason, usage: Usage | None) -> bytes:
        cut = reason in items.CUT
        closed = self._close("incomplete" if cut else "completed")
        self.response = items.ended(
            self._asked, self._now, self._model, self._output, reason, usage
        )
        kind = "response.incomplete" if cut else "response.completed"
        return closed + self._line(kind, {"response": self.response})

    def _start(self, head: Head) -> bytes:
        asked, index = self._asked, len(self._output)
        self._before = b""
        self._input = None
        self._texts = []
        self._head = head if items.is_said(asked, head) else None
        match self._head:
            case None | SearchResult():
                return b""
            case SearchCall():
                return self._start_search(index, self._head)
            case Text():
                id = items.new_id(asked, index, "message")
                at = {"item_id": id, "output_index": index, "content_index": 0}
                self._template("response.output_text.delta", at, {"logprobs": []})
                part = {**at, "part": items.output_text("")}
                return self._added(items.message(id, [], "in_progress")) + self._line(
                    "response.content_part.added", part
                )
            case Thinking():
                return self._start_thinking(index)
            case ToolCall(id, name, _):
                return self._start_call(index, id, name)

    def _start_thinking(self, index: int) -> bytes:
        id = items.new_id(self._asked, index, "reasoning")
        said = self._added({"id": id, "type": "reasoning", "summary": []})
        if not self._asked.summary:
            return said
        at = {"item_id": id, "output_index": index, "summary_index": 0}
        self._template("response.reasoning_summary_text.delta", at)
        part = {**at, "part": items.summary_text("")}
        return said + self._line("response.reasoning_summary_part.added", part)

    def _start_search(self, index: int, call: SearchCall) -> bytes:
        item = items.search(self._asked, index, call, None, "in_progress")
        at = {"item_id": item["id"], "output_index": index}
        return (
            self._added(item)
            + self._line("response.web_search_call.in_progress", at)
            + self._line("response.web_search_call.searching", at)
        )

    def _start_call(self, index: int, id: str, name: str) -> bytes:
        asked, origin = self._asked, self._asked.offer.origin(name)
        match origin.kind:
            case "custom":
                self._input = InputReader()
                call = items.custom_call(asked, index, id, origin, "", "in_progress")
                kind = "response.custom_tool_call_input.delta"
            case "function":
                call = items.function_call(asked, index, id, origin, "", "in_progress")
                kind = "response.function_call_arguments.delta"
            case "local_shell" | "tool_search":
                return b""  # these have no deltas: they are said when they are complete
        self._template(kind, {"item_id": call["id"], "output_index": index})
        return self._added(call)

    def _close(self, status: str) -> bytes:
        """The end of the item that is open, if one is."""
        head, self._head = self._head, None
        self._ended = False
        if head is None:
            return b""
        text = "".join(self._texts)
        part = filled(head, text)
        item = items.item(self._asked, len(self._output), part, status, self._found)
        said = self._rest(head, item, status)
        self._output.append(item)
        return said

    def _rest(self, head: Head, item: JsonObject, status: str) -> bytes:
        """All of an item that has not been said."""
        at = {"item_id": item["id"], "output_index": len(self._output)}
        match head:
            case Text():
                (part,) = item["content"]
                at |= {"content_index": 0}
                done = {**at, "text": part["text"], "logprobs": []}
                said = self._line("response.output_text.done", done)
                said += self._line("response.content_part.done", {**at, "part": part})
            case Thinking():
                said = b""
                for part in item["summary"]:
                    at |= {"summary_index": 0}
                    done = {**at, "text": part["text"]}
                    said += self._line("response.reasoning_summary_text.done", done)
                    done = {**at, "part": part}
                    said += self._line("response.reasoning_summary_part.done", done)
            case ToolCall():
                said = self._rest_of_call(item, at, complete=status == "completed")
                if status != "completed":
                    return said
            case SearchCall() | SearchResult():
                completed = item["status"] == "completed"
                said = self._line("response.web_search_call.completed", at) if completed else b""
        done = {"output_index": len(self._output), "item": item}
        return said + self._line("response.output_item.done", done)

    def _rest_of_call(self, item: JsonObject, at: JsonObject, *, complete: bool) -> bytes:
        said = b""
        rest = "" if self._input is None else self._input.end()
        if not self._before:  # nothing has been said of it
            if not complete:
                return b""
            begun = {**item, "status": "in_progress"}
            if item["type"] == "function_call":
                begun["arguments"], rest = "", item["arguments"]
            said = self._added(begun)
        match item:
            case {"type": "custom_tool_call", "input": input}:
                kind, done = "response.custom_tool_call_input", {"input": input}
            case {"type": "function_call", "name": name, "arguments": arguments}:
                kind = "response.function_call_arguments"
                done = {"name": name, "arguments": arguments}
            case _:
                return said
        if rest:
            said += self._line(f"{kind}.delta", {**at, "delta": rest})
        return said + (self._line(f"{kind}.done", {**at, **done}) if complete else b"")

    def _added(self, item: JsonObject) -> bytes:
        added = {"output_index": len(self._output), "item": item}
        return self._line("response.output_item.added", added)

    def _template(self, kind: str, at: JsonObject, after: JsonObject | None = None) -> None:
        """What stands around the number and the text of each delta of the item."""
        said = dumpb({"type": kind, "sequence_number": GAP, **at, "delta": GAP, **(after or {})})
        self._before, self._between, self._after = sse.encode(said, kind).split(GAP_ENCODED)

    def _line(self, kind: str, body: JsonObject) -> bytes:
        said = dumpb({"type": kind, "sequence_number": self._number, **body})
        self._number += 1
        return sse.encode(said, kind)


DIALECT = Dialect(
    name="openai_responses",
    paths=("/v1/responses", "/api/v1/responses"),
    media_type="text/event-stream",
    decode=decode,
    encoder=ResponsesEncoder,
    whole=items.whole,
    error=error_body,
)
