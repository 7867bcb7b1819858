"""Searches of the web, by a model on a list and a search on another."""

import asyncio
import json
from dataclasses import replace

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, PartStarted, Usage
from lingma_proxy.conversation.history import check
from lingma_proxy.conversation.request import (
    Message,
    NamedTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.search import (
    Found,
    SearchCall,
    SearchFailed,
    SearchResult,
    WebSearch,
)
from lingma_proxy.errors import BackendTimeout, InvalidRequest
from lingma_proxy.policies.search_web import MOST_SEARCHES, MOST_TURNS, NO_SEARCH, SearchWeb
from support.backends import (
    answer,
    ask,
    drain,
    hands_on,
    hear,
    heard,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)

TOOL_CALLS = FinishReason.TOOL_CALLS
TEA = Found("https://tea.test", "Tea", "It is hot.")
SHELL = Tool("shell", "Run it.", {"type": "object"})
OWN = Tool("WebSearch", "Search.", {"type": "object"})


class Searches:
    """Finds tea, or does as it is told."""

    def __init__(self, *does):
        self.does = list(does)
        self.queries = []

    async def __call__(self, query):
        self.queries.append(query)
        does = self.does.pop(0) if self.does else None
        if isinstance(does, Exception):
            raise does
        if does is not None:
            return does
        return json.dumps([{"url": TEA.url, "title": TEA.title, "text": TEA.text}]).encode()


def wishing(*messages, **more):
    wish = more.pop("wish", WebSearch())
    choice = more.pop("tool_choice", "auto")
    return replace(ask(*messages, **more), web_search=wish, tool_choice=choice)


def search(query="tea", id="call_1"):
    return ToolCall(id, "web_search", json.dumps({"query": query}))


def calling(*parts, **more):
    return answer(*parts, reason=TOOL_CALLS, **more)


def kinds(reply):
    return [type(part).__name__ for part in reply.parts]


# Where a search is set up.


async def test_what_the_model_searches_is_searched_and_it_answers_with_what_is_found():
    searches, inner = Searches(), Scripted([calling("Let me see.", search()), answer("Hot.")])
    reply = await hear(SearchWeb(inner, searches), wishing("Tea?"))

    said, call, result, last = reply.parts
    assert (said, last) == (Text("Let me see."), Text("Hot."))
    assert isinstance(call, SearchCall)
    assert call.id.startswith("srvtoolu_")
    assert (call.name, call.query) == ("web_search", "tea")
    assert result == SearchResult(call.id, (TEA,))
    assert reply.reason is FinishReason.STOP
    assert searches.queries == ["tea"]

    first, second = inner.requests
    assert [tool.name for tool in first.tools] == ["web_search"]
    assert first.web_search is second.web_search is None
    assert second.messages[1:] == (
        Message(
            "assistant",
            (Text("Let me see."), ToolCall(call.id, "web_search", '{"query":"tea"}')),
        ),
        Message("user", (ToolResult(call.id, (Text("[1] Tea\nhttps://tea.test\nIt is hot."),)),)),
    )


async def test_who_wishes_for_no_search_costs_nothing():
    assert await hands_on(lambda inner: SearchWeb(inner, Searches()), ask())
    assert await hands_on(SearchWeb, wishing(tool_choice="none"))


async def test_it_does_not_matter_how_the_model_is_cut():
    whole = [calling(Thinking("hm"), "See:", search()), answer("Hot", Thinking("!"), "er")]
    expected = await hear(SearchWeb(Scripted(whole), Searches()), wishing())
    pieces = [in_pieces(reply, range(60), range(100)) for reply in whole]
    reply = await hear(SearchWeb(Scripted(pieces), Searches()), wishing())

    assert kinds(reply) == kinds(expected)
    assert [it for it in reply.parts if isinstance(it, Text | Thinking)] == [
        it for it in expected.parts if isinstance(it, Text | Thinking)
    ]


async def test_text_goes_out_while_it_is_said():
    batches = await drain(
        SearchWeb(Scripted([one_by_one(answer("a", "b"))]), Searches()), wishing()
    )

    assert len(batches) == len(one_by_one(answer("a", "b")))


async def test_the_search_is_told_before_what_it_finds():
    released = asyncio.Event()

    class Slow(Searches):
        async def __call__(self, query):
            await released.wait()
            return await super().__call__(query)

    stream = SearchWeb(Scripted([calling(search()), answer("Hot.")]), Slow()).reply(wishing())
    async for batch in stream:
        if any(isinstance(it, PartStarted) and isinstance(it.head, SearchCall) for it in batch):
            break
    assert not released.is_set()
    await stream.aclose()


async def test_several_searches_are_made_in_their_order():
    searches = Searches()
    inner = Scripted([calling(search("a", "1"), search("b", "2")), calling(search("c")), answer()])
    reply = await hear(SearchWeb(inner, searches), wishing())

    assert kinds(reply) == ["SearchCall", "SearchResult"] * 3
    assert searches.queries == ["a", "b", "c"]
    check(inner.requests[-1].messages)


async def test_the_tokens_of_all_turns_and_the_searches_are_counted():
    inner = Scripted(
        [calling(search(), usage=Usage(10, 3)), answer("Hot.", usage=Usage(20, 4, cached=8))]
    )
    reply = await hear(SearchWeb(inner, Searches()), wishing())

    assert reply.usage == Usage(30, 7, cached=8, searches=1)


async def test_a_limit_on_tokens_is_one_on_all_turns():
    inner = Scripted([calling(search(), usage=Usage(10, 30)), answer("Hot.")])
    await hear(SearchWeb(inner, Searches()), wishing(max_tokens=100))

    assert [it.sampling.max_tokens for it in inner.requests] == [100, 70]


async def test_calls_of_the_clients_tools_end_the_reply_after_the_searches():
    own = ToolCall("call_9", "shell", "{}")
    inner = Scripted([calling(search(), own)])
    reply = await hear(SearchWeb(inner, Searches()), wishing(tools=(SHELL,)))

    assert kinds(reply) == ["ToolCall", "SearchCall", "SearchResult"]
    assert reply.reason is TOOL_CALLS
    assert len(inner.requests) == 1


async def test_a_demanded_search_is_demanded_once():
    inner = Scripted([calling(search()), answer("Hot.")])
    demanded = wishing(tools=(SHELL,), tool_choice=NamedTool("web_search"))
    await hear(SearchWeb(inner, Searches()), demanded)

    assert [it.tool_choice for it in inner.requests] == [NamedTool("web_search"), "auto"]


async def test_a_tool_of_the_clients_by_the_same_name_is_the_clients():
    own = replace(SHELL, name="web_search")
    inner = Scripted([calling(search())])
    reply = await hear(SearchWeb(inner, Searches()), wishing(tools=(own,)))

    assert reply.parts == (search(),)
    assert [tool.name for tool in inner.requests[0].tools] == ["web_search", "web_search_"]


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
async def test_a_search_that_was_cut_is_not_made(reason):
    searches = Searches()
    cut = answer("See:", ToolCall("1", "web_search", '{"query": "te'), reason=reason)
    reply = await hear(SearchWeb(Scripted([cut]), searches), wishing())

    assert (reply.parts, reply.reason) == ((Text("See:"),), reason)
    assert searches.queries == []


# What goes wrong with a search is told to the model.


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (SearchFailed("too_many_requests"), "too_many_requests"),
        (SearchFailed("unavailable"), "unavailable"),
        (b"<html>", "unavailable"),
    ],
)
async def test_a_search_that_fails_is_told_and_is_no_failure_of_the_reply(does, code):
    inner = Scripted([calling(search()), answer("I could not.", usage=Usage(1, 1))])
    reply = await hear(SearchWeb(inner, Searches(does)), wishing())

    (call, result, last) = reply.parts
    assert isinstance(call, SearchCall)
    assert result == SearchResult(call.id, error=code)
    assert last == Text("I could not.")
    assert reply.usage == Usage(1, 1)
    (told,) = inner.requests[1].messages[-1].parts
    assert isinstance(told, ToolResult)
    assert told.is_error


async def test_a_call_without_a_query_is_told_so():
    inner = Scripted([calling(ToolCall("1", "web_search", "{nonsense")), answer("Sorry.")])
    reply = await hear(SearchWeb(inner, Searches()), wishing())

    assert isinstance(reply.parts[1], SearchResult)
    assert reply.parts[1].error == "invalid_tool_input"
    check(inner.requests[1].messages)


async def test_no_more_searches_are_made_than_the_client_allows():
    searches = Searches()
    inner = Scripted([calling(search("a", "1"), search("b", "2")), answer("Hot.")])
    reply = await hear(SearchWeb(inner, searches), wishing(wish=WebSearch(max_uses=1)))

    assert searches.queries == ["a"]
    assert isinstance(reply.parts[3], SearchResult)
    assert reply.parts[3].error == "max_uses_exceeded"
    assert inner.requests[1].tools == ()


async def test_a_model_that_searches_for_ever_is_stopped():
    searches = Searches()
    inner = Scripted([calling(*(search(id=str(at)) for at in range(5)))] * (MOST_TURNS + 1))
    reply = await hear(SearchWeb(inner, searches), wishing(wish=WebSearch(max_uses=1000)))

    assert len(searches.queries) == MOST_SEARCHES
    assert len(inner.requests) == MOST_TURNS
    assert reply.reason is FinishReason.STOP


async def test_pages_of_other_domains_are_not_told():
    inner = Scripted([calling(search()), answer("None.")])
    wish = WebSearch(blocked_domains=("tea.test",))
    reply = await hear(SearchWeb(inner, Searches()), wishing(wish=wish))

    assert isinstance(reply.parts[1], SearchResult)
    assert (reply.parts[1].found, reply.parts[1].error) == ((), None)


async def test_many_results_are_read():
    pages = [{"url": f"https://{at}.test", "title": "x" * 200} for at in range(2_000)]
    inner = Scripted([calling(search()), answer("Hot.")])
    reply = await hear(SearchWeb(inner, Searches(json.dumps(pages).encode())), wishing())

    assert isinstance(reply.parts[1], SearchResult)
    assert len(reply.parts[1].found) == 10


async def test_a_failure_in_a_later_turn_is_the_replys():
    inner = Scripted([calling(search()), BackendTimeout("silence")])
    events, error = await heard(SearchWeb(inner, Searches()), wishing())

    assert events
    assert isinstance(error, BackendTimeout)


async def test_who_leaves_during_a_search_ends_it():
    ended = asyncio.Event()

    class Endless(Searches):
        async def __call__(self, query):
            self.queries.append(query)
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return b""

    searches = Endless()
    inner = Scripted([calling(search())])
    hearing = asyncio.create_task(heard(SearchWeb(inner, searches), wishing()))
    while not searches.queries:  # a list, no event
        await asyncio.sleep(0)
    hearing.cancel()
    await asyncio.wait([hearing])

    assert ended.is_set()
    assert inner.speaking == 0


async def test_hanging_up_at_every_point_closes_what_is_inside():
    await leaves_nothing_behind(
        lambda inner: SearchWeb(inner, Searches()),
        wishing(),
        one_by_one(calling("See:", search())),
        one_by_one(answer("Hot.")),
    )


# Where none is set up.


async def test_a_search_that_is_not_there_is_left_out_with_a_warning():
    inner = Scripted([answer("No.")])
    reply = await hear(SearchWeb(inner), wishing(tools=(SHELL,)))

    (warning,) = reply.warnings
    assert "web_search was left out" in warning
    assert inner.requests == [ask(tools=(SHELL,))]


async def test_a_client_with_a_search_of_its_own_needs_no_warning():
    inner = Scripted([answer("Let me.")])
    reply = await hear(SearchWeb(inner), wishing(tools=(SHELL, OWN)))

    assert reply.warnings == ()
    assert inner.requests == [ask(tools=(SHELL, OWN))]


async def test_where_to_search_was_all_there_was_to_do_the_model_is_told_not_to_pretend():
    inner = Scripted([answer("No.")])
    system = Message("system", (Text("Be brief."),))
    reply = await hear(SearchWeb(inner), wishing(system, "Search for tea"))

    assert reply.warnings
    assert inner.requests == [ask(system, NO_SEARCH, "Search for tea")]


@pytest.mark.parametrize("choice", ["required", NamedTool("web_search")])
async def test_a_search_that_is_demanded_and_not_there_is_refused(choice):
    inner = Scripted([])
    events, error = await heard(SearchWeb(inner), wishing(tool_choice=choice))

    assert events == []
    assert isinstance(error, InvalidRequest)
    assert error.param == "tool_choice"
    assert inner.requests == []


async def test_any_tool_may_be_demanded_where_there_is_another():
    inner = Scripted([answer("x")])
    await hear(SearchWeb(inner), wishing(tools=(SHELL,), tool_choice="required"))

    assert inner.requests[0].tool_choice == "required"
