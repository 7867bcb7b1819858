import pytest
from hypothesis import given

from lingma_proxy.conversation.search import Found, SearchCall, SearchResult
from lingma_proxy.dialects.anthropic_search import (
    call_block,
    decode_call,
    decode_result,
    result_block,
    sealed,
    unsealed,
)
from support.strategies import texts

TEA = Found("https://tea.test", "Tea", "“Hot” \u2028", "May 2026")


def test_a_search_comes_back_as_it_went_out() -> None:
    call = SearchCall("srvtoolu_1", "web_search", 'tea "green"')

    assert decode_call(call_block(call)) == call


def test_what_was_found_comes_back_as_it_went_out() -> None:
    result = SearchResult("srvtoolu_1", (TEA, Found("https://b.test", "", "")))

    assert decode_result(result_block(result)) == result


def test_a_failure_is_an_object_with_the_official_code() -> None:
    block = result_block(SearchResult("srvtoolu_1", error="max_uses_exceeded"))

    assert block["content"] == {
        "type": "web_search_tool_result_error",
        "error_code": "max_uses_exceeded",
    }
    assert decode_result(block) == SearchResult("srvtoolu_1", error="unavailable")


@given(texts)
def test_what_we_have_wrapped_we_read_again(text: str) -> None:
    assert unsealed(sealed(text)) == text


@pytest.mark.parametrize(
    "content", ["", "EqgfCioIARgBIiQ3YTAw", "é", "=", None, 1, "bGluZ21hLXByb3h5OiD/"]
)
def test_what_others_have_encrypted_stays_unread(content: object) -> None:
    assert unsealed(content) == ""


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"type": "server_tool_use", "id": "", "name": "web_search", "input": {"query": "x"}},
        {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {"query": "x"}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": "x"},
        {"type": "web_search_tool_result", "content": []},
    ],
)
def test_what_is_no_search_is_none(block: dict[str, object]) -> None:
    assert decode_call(block) is None
    assert decode_result(block) is None


def test_pages_without_an_address_are_left_out() -> None:
    block = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{}, 1, {"url": "u"}]}

    assert decode_result(block) == SearchResult("s", (Found("u", "", ""),))
