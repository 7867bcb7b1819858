"""Search the web for clients that leave it to the server, where a search is set up.

The model is offered a function for it.  What it calls of that is ours to run: the search and
what it found are said to the client as parts of the reply, and given to the model, which is
asked again, until it answers:

    the client hears     … SearchCall SearchResult … SearchCall SearchResult … the answer

*   When the model calls tools of the client's in the same turn, they are the client's to run:
    the searches are made, and the reply ends there.  The client sends all of it back, and the
    model goes on.  So no reply is ever paused.
*   How often it may search is the client's wish (`max_uses`), and bounded in any case.  Beyond
    that a search is an error, which the model is told, and then the function is gone.
*   The tokens of all its turns are added up; `max_tokens` is a limit on all of them together.

Where no search is set up, nothing is faked.  A client with a tool of its own that can search
needs no other; the others are warned, and the model is told not to answer as if it had searched
when to search was all that it could have done.  A search that is demanded is refused.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Protocol

from lingma_proxy.aside import aside
from lingma_proxy.backend import Backend, EventStream, refused
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
    added,
)
from lingma_proxy.conversation.reply import filled
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    NamedTool,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.search import (
    SearchCall,
    SearchFailed,
    SearchResult,
    WebSearch,
    told,
)
from lingma_proxy.errors import BrokenOff, InvalidRequest
from lingma_proxy.jsonio import dumps
from lingma_proxy.policies.base import Policy
from lingma_proxy.tools.web_search import can_search, permitted, query_of, read, search_tool

MOST_SEARCHES = 20
"""In one reply, where the client does not say less."""
MOST_TURNS = 10
"""Of the model, in one reply."""
LONG = 16 * 2**10
"""Bytes of results from which on reading them is worth a thread."""
CUT = {FinishReason.LENGTH, FinishReason.CONTENT_FILTER}

NO_SEARCH = Message(
    "system",
    (
        Text(
            "You cannot search the web here. If the request needs a search, say that none could"
            " be made; do not make up results or sources."
        ),
    ),
)


class Search(Protocol):
    async def __call__(self, query: str, /) -> bytes:
        """What is found, as `tools.web_search.read` reads it.  Raises SearchFailed."""
        ...


class SearchWeb(Policy):
    """`search` is None where none is set up."""

    def __init__(self, inner: Backend, search: Search | None = None) -> None:
        super().__init__(inner)
        self._search = search

    def reply(self, request: ChatRequest) -> EventStream:
        wish = request.web_search
        if wish is None:
            return self.inner.reply(request)
        if request.tool_choice == "none":
            return self.inner.reply(replace(request, web_search=None))
        if self._search is None:
            return self._without(request, wish)
        return self._with(request, wish, self._search)

    def _without(self, request: ChatRequest, wish: WebSearch) -> EventStream:
        asked = replace(request, web_search=None)
        if is_demanded(request, wish):
            return refused(
                InvalidRequest(
                    f"tool_choice: it asks for {wish.name}, and no search of the web is set up"
                    " here (setting web_search).",
                    param="tool_choice",
                )
            )
        if any(map(can_search, request.tools)):
            return self.inner.reply(asked)
        if not request.tools:
            asked = replace(asked, messages=with_note(request.messages))
        return self._warned(
            asked,
            f"The tool {wish.name} was left out: no search of the web is set up here (setting"
            " web_search).",
        )

    async def _warned(self, request: ChatRequest, warning: str) -> EventStream:
        async with aclosing(self.inner.reply(request)) as events:
            async for batch in events:
                match batch:
                    case [ReplyStarted() as started, *rest]:
                        yield [replace(started, warnings=(*started.warnings, warning)), *rest]
                    case _:
                        yield batch

    async def _with(self, request: ChatRequest, wish: WebSearch, search: Search) -> EventStream:
        tool = search_tool(wish, {tool.name for tool in request.tools})
        asked = replace(request, web_search=None, tools=(*request.tools, tool))
        if is_named(request, wish):
            asked = replace(asked, tool_choice=NamedTool(tool.name))
        listener = Listener(tool.name)
        searcher = Searcher(search, wish)
        usage: Usage | None = None
        for turn in range(1, MOST_TURNS + 1):
            async with aclosing(self.inner.reply(asked)) as events:
                async for batch in events:
                    out = listener.hear(batch)
                    if out:
                        yield out
            ended, said = listener.end()
            usage = added(usage, ended.usage)
            pairs: list[tuple[SearchCall, SearchResult]] = []
            if ended.reason not in CUT and ended.stop_sequence is None:
                for call in said.searches:
                    head, failure = searcher.named(call)
                    yield listener.whole(head)
                    result = failure or await searcher.result(head)
                    yield listener.whole(result)
                    pairs.append((head, result))
            if not pairs or said.calls or turn == MOST_TURNS:
                reason = ended.reason
                if reason is FinishReason.TOOL_CALLS and not said.calls:
                    reason = FinishReason.STOP
                counted = usage and replace(usage, searches=searcher.made)
                yield [replace(ended, reason=reason, usage=counted)]
                return
            going_on = searcher.left > 0 and turn + 1 < MOST_TURNS
            asked = replace(
                asked,
                messages=(*asked.messages, *answered(said.parts, pairs, tool.name)),
                tools=asked.tools if going_on else request.tools,
                tool_choice="auto",  # a call that was demanded has been made
                sampling=replace(
                    asked.sampling, max_tokens=remaining(request.sampling.max_tokens, usage)
                ),
            )


class Searcher:
    """Makes the searches of one reply, within its bounds."""

    def __init__(self, search: Search, wish: WebSearch) -> None:
        self._search = search
        self._wish = wish
        self.left = min(wish.max_uses or MOST_SEARCHES, MOST_SEARCHES)
        self.made = 0

    def named(self, call: ToolCall) -> tuple[SearchCall, SearchResult | None]:
        """The search that a call asks for, and why it is not made, if so."""
        id = f"srvtoolu_{token_hex(12)}"
        try:
            head = SearchCall(id, self._wish.name, query_of(call.arguments))
        except SearchFailed as failed:
            return SearchCall(id, self._wish.name, ""), SearchResult(id, error=failed.code)
        if self.left <= 0:
            return head, SearchResult(id, error="max_uses_exceeded")
        self.left -= 1
        return head, None

    async def result(self, call: SearchCall) -> SearchResult:
        try:
            body = await self._search(call.query)
            found = await aside(lambda: read(body)) if len(body) > LONG else read(body)
        except SearchFailed as failed:
            return SearchResult(call.id, error=failed.code)
        self.made += 1
        return SearchResult(call.id, permitted(found, self._wish))


@dataclass
class Said:
    """What the model said in one turn."""

    parts: list[Head]
    """All but the searches."""
    searches: list[ToolCall]
    calls: bool = False
    """Whether it called tools of the client's."""


class Listener:
    """Lets the turns of the model through as one reply, and keeps the searches back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = False
        self._index = 0
        """Of the part that goes out, or of the next one."""
        self._head: Head = Text("")
        self._text: list[str] = []
        self._ours = False
        """Whether the part that is heard is a search."""
        self._ended: ReplyEnded | None = None
        self._said = Said([], [])

    def hear(self, batch: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in batch:
            # By far the most frequent event; `isinstance` is five times as quick as `match`.
            if isinstance(event, PartDelta):
                self._text.append(event.text)
                if not self._ours:
                    moved = event.index != self._index
                    out.append(PartDelta(self._index, event.text) if moved else event)
                continue
            match event:
                case ReplyStarted():
                    if not self._started:
                        out.append(event)
                    self._started = True
                case PartStarted(_, head):
                    self._head, self._text = head, []
                    self._ours = isinstance(head, ToolCall) and head.name == self._name
                    if not self._ours:
                        out.append(PartStarted(self._index, head))
                case PartEnded():
                    out += self._part(filled(self._head, "".join(self._text)))
                case ReplyEnded():
                    self._ended = event
                case _:
                    pass
        return out

    def _part(self, part: Head) -> list[Event]:
        if isinstance(part, ToolCall) and self._ours:
            self._said.searches.append(part)
            return []
        self._said.parts.append(part)
        self._said.calls = self._said.calls or isinstance(part, ToolCall)
        self._index += 1
        return [PartEnded(self._index - 1)]

    def whole(self, head: SearchCall | SearchResult) -> list[Event]:
        """A part of our own."""
        self._index += 1
        return [PartStarted(self._index - 1, head), PartEnded(self._index - 1)]

    def end(self) -> tuple[ReplyEnded, Said]:
        """How the turn ended, and what was said in it; the next one begins."""
        ended, said = self._ended, self._said
        self._ended, self._said = None, Said([], [])
        if ended is None:
            raise BrokenOff("the reply ended before it was complete")
        return ended, said


def is_named(request: ChatRequest, wish: WebSearch) -> bool:
    """Whether the choice is the hosted tool, and not one of the client's by the same name."""
    own = any(tool.name == wish.name for tool in request.tools)
    return request.tool_choice == NamedTool(wish.name) and not own


def is_demanded(request: ChatRequest, wish: WebSearch) -> bool:
    """Whether nothing but a search would do."""
    return is_named(request, wish) or (request.tool_choice == "required" and not request.tools)


def with_note(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages, with NO_SEARCH behind the system messages that lead them."""
    at = next((at for at, it in enumerate(messages) if it.role != "system"), len(messages))
    return (*messages[:at], NO_SEARCH, *messages[at:])


def answered(
    parts: Sequence[Head], pairs: Sequence[tuple[SearchCall, SearchResult]], name: str
) -> tuple[Message, Message]:
    """A turn of the model's as it stands in the conversation, and what its searches found."""
    said: list[Text | Thinking | ToolCall] = [
        part for part in parts if isinstance(part, Text | Thinking)
    ]
    said += [ToolCall(call.id, name, query(call)) for call, _ in pairs]
    results = [
        ToolResult(result.call_id, (Text(told(result)),), is_error=result.error is not None)
        for _, result in pairs
    ]
    return Message("assistant", tuple(said)), Message("user", tuple(results))


def query(call: SearchCall) -> str:
    return dumps({"query": call.query})


def remaining(limit: int | None, usage: Usage | None) -> int | None:
    """What is left of a limit on tokens."""
    return limit if limit is None or usage is None else max(1, limit - usage.output)
