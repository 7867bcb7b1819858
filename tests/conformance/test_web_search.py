"""The story of a search of the web, told to clients that leave it to us and read by their SDKs.

What Claude Code asks, a search by a program, through the whole server: in a stream and at once,
and once more with all of it sent back.
"""

import json
import sys

import pytest

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, ToolCall, ToolResult
from lingma_proxy.jsonio import JsonObject
from support.anthropic_grammar import walk
from support.anthropic_sdk import folded, read
from support.judges import folded_responses, read_responses
from support.responses_grammar import ResponsesGrammar
from support.served import scripted

SAYS = (
    "import json, sys; "
    "print(json.dumps([{'url': 'https://tea.test', 'title': 'Tea', 'text': sys.argv[1] + ' is hot'}]))"
)
COMMAND = f"'{sys.executable}' -S -c \"{SAYS}\""
SEARCH: JsonObject = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
BODY: JsonObject = {
    "model": "kmodel",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Perform a web search for the query: tea"}],
    "tools": [SEARCH],
    "tool_choice": {"type": "auto"},
}
CALLS = Reply(
    "1",
    "kmodel",
    (Text("Let me see."), ToolCall("c1", "web_search", '{"query": "tea"}')),
    FinishReason.TOOL_CALLS,
    Usage(10, 5),
)
ANSWERS = Reply("2", "kmodel", (Text("Tea is hot."),), FinishReason.STOP, Usage(20, 6))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="quotes as a shell of Unix does")


async def test_a_search_is_heard_alike_in_a_stream_and_at_once():
    async with scripted(CALLS, ANSWERS, CALLS, ANSWERS, web_search=COMMAND) as served:
        _, stream = await served.post("/v1/messages", {**BODY, "stream": True})
        answer, whole = await served.post("/v1/messages", BODY)

    assert answer.status == 200
    assert walk(stream) == "done"
    streamed, at_once = folded(stream), read(json.loads(whole))
    for message in (streamed, at_once):
        first, call, result, last = message["content"]
        assert (first["text"], last["text"]) == ("Let me see.", "Tea is hot.")
        assert call["type"] == "server_tool_use"
        assert call["input"] == {"query": "tea"}
        assert result["tool_use_id"] == call["id"]
        (page,) = result["content"]
        assert (page["url"], page["title"]) == ("https://tea.test", "Tea")
        assert message["stop_reason"] == "end_turn"
        usage = message["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == (30, 11)
        assert usage["server_tool_use"]["web_search_requests"] == 1
    assert "x-lingma-proxy-warning" not in answer.headers


async def test_a_search_that_is_sent_back_is_known_again():
    async with scripted(CALLS, ANSWERS, ANSWERS, web_search=COMMAND) as served:
        _, whole = await served.post("/v1/messages", BODY)
        again = [
            *BODY["messages"],
            {"role": "assistant", "content": json.loads(whole)["content"]},
            {"role": "user", "content": "Sure?"},
        ]
        answer, _ = await served.post("/v1/messages", {**BODY, "messages": again})
        messages = served.backend.requests[-1].messages

    assert answer.status == 200
    assert [message.role for message in messages] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    (result,) = messages[2].parts
    assert isinstance(result, ToolResult)
    assert result.content == (Text("[1] Tea\nhttps://tea.test\ntea is hot"),)


async def test_where_no_search_is_set_up_none_is_faked():
    async with scripted(ANSWERS) as served:
        answer, whole = await served.post("/v1/messages", BODY)

    assert [block["type"] for block in json.loads(whole)["content"]] == ["text"]
    assert "web_search was left out" in answer.headers["x-lingma-proxy-warning"]


async def test_a_search_that_is_demanded_and_not_there_is_a_400():
    async with scripted() as served:
        choice = {"type": "tool", "name": "web_search"}
        answer, whole = await served.post("/v1/messages", {**BODY, "tool_choice": choice})

    assert answer.status == 400
    assert json.loads(whole)["error"]["type"] == "invalid_request_error"


RESPONSE: JsonObject = {
    "model": "kmodel",
    "input": "Search for tea",
    "tools": [{"type": "web_search", "external_web_access": False}],
    "include": ["web_search_call.action.sources"],
}


async def test_a_search_is_an_item_of_a_response():
    async with scripted(CALLS, ANSWERS, CALLS, ANSWERS, web_search=COMMAND) as served:
        _, stream = await served.post("/v1/responses", {**RESPONSE, "stream": True})
        answer, whole = await served.post("/v1/responses", RESPONSE)

    grammar = ResponsesGrammar()
    grammar.feed(stream)
    grammar.end()
    assert answer.status == 200
    for response in (folded_responses(stream), read_responses(json.loads(whole))):
        first, call, last = response["output"]
        assert first["content"][0]["text"] == "Let me see."
        assert (call["type"], call["status"]) == ("web_search_call", "completed")
        assert call["action"] == {
            "type": "search",
            "query": "tea",
            "queries": ["tea"],
            "sources": [{"type": "url", "url": "https://tea.test"}],
        }
        assert last["content"][0]["text"] == "Tea is hot."
        assert response["status"] == "completed"


async def test_a_search_that_fails_is_a_failed_item():
    async with scripted(CALLS, ANSWERS, web_search="no-such-program-7f2c") as served:
        _, stream = await served.post("/v1/responses", {**RESPONSE, "stream": True})

    grammar = ResponsesGrammar()
    grammar.feed(stream)
    grammar.end()
    assert [item.get("status") for item in folded_responses(stream)["output"]] == [
        "completed",
        "failed",
        "completed",
    ]
