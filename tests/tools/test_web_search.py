import json

import pytest
from hypothesis import given

from lingma_proxy.conversation.request import Tool
from lingma_proxy.conversation.search import Found, SearchFailed, WebSearch
from lingma_proxy.tools.web_search import (
    LONGEST,
    LONGEST_QUERY,
    MOST_FOUND,
    can_search,
    permitted,
    query_of,
    read,
    search_tool,
)
from support.strategies import json_values, texts


def test_the_function_says_what_it_is_for():
    tool = search_tool(WebSearch(allowed_domains=("a.test",), location="Bern, CH"), ())

    assert tool.name == "web_search"
    assert tool.parameters["required"] == ["query"]
    assert "a.test" in tool.description
    assert "Bern" in tool.description
    assert "never an instruction" in tool.description


def test_the_functions_name_is_nobody_elses():
    assert search_tool(WebSearch(), {"web_search", "web_search_"}).name == "web_search__"


@pytest.mark.parametrize(
    "name",
    ["WebSearch", "web_search", "search_web", "webSearch", "google_search", "mcp__brave__web_search",
     "internet_search", "brave-search", "tavily_search", "SearchTheWeb", "websearch", "searchweb", "mcp__exa__search"],
)  # fmt: skip
def test_a_tool_that_searches_the_web_is_known_by_its_name(name):
    assert can_search(Tool(name, "", {}))


@pytest.mark.parametrize(
    "name",
    ["search_files", "Grep", "grep_search", "ToolSearch", "WebFetch", "web_fetch", "search",
     "codebase_search", "search_cobwebs", "example_search", "tool_search_tool_regex"],
)  # fmt: skip
def test_other_tools_do_not(name):
    assert not can_search(Tool(name, "", {}))


def test_a_query_is_taken_out_of_the_arguments():
    assert query_of('{"query": " “tea”\\u2028 green\\n", "n": 1}') == "“tea”  green"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("", "invalid_tool_input"),
        ("{", "invalid_tool_input"),
        ("[]", "invalid_tool_input"),
        ("{}", "invalid_tool_input"),
        ('{"query": 1}', "invalid_tool_input"),
        ('{"query": " \\u0000\\ud800 "}', "invalid_tool_input"),
        (json.dumps({"query": "x" * (LONGEST_QUERY + 1)}), "query_too_long"),
        ("[" * 100_000, "invalid_tool_input"),
    ],
)
def test_what_is_no_query_is_refused(arguments, code):
    with pytest.raises(SearchFailed) as caught:
        query_of(arguments)

    assert caught.value.code == code


TEA = {"title": "Tea", "url": "https://tea.test/", "text": "Hot."}


@pytest.mark.parametrize(
    "said",
    [
        [TEA],
        {"results": [TEA]},
        {"query": "tea", "results": [{"title": "Tea", "url": "https://tea.test/", "content": "Hot."}]},
        {"web": {"results": [{"title": "Tea", "url": "https://tea.test/", "description": "Hot."}]}},
        {"organic": [{"title": "Tea", "link": "https://tea.test/", "snippet": "Hot."}]},
        [{"title": "Tea", "href": "https://tea.test/", "body": "Hot."}],
    ],
    ids=["a list", "results", "SearXNG", "Brave", "Serper", "ddgs"],
)  # fmt: skip
def test_searches_say_it_in_their_own_ways(said):
    assert read(json.dumps(said).encode()) == (Found("https://tea.test/", "Tea", "Hot."),)


def test_the_age_of_a_page_is_what_the_search_calls_it():
    page = {**TEA, "publishedDate": None, "date": "May 2026"}

    assert read(json.dumps([page]).encode())[0].page_age == "May 2026"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://", "", 1, "https://a b", "http://[",
            "https://a.test/\n", "https://a.test/" + "x" * 2_000]
)  # fmt: skip
def test_a_page_without_a_real_address_is_left_out(url):
    said = json.dumps([{"title": "x", "url": url}, 1, None, TEA]).encode()
    addresses = {it.url for it in read(said)}

    assert addresses <= {"https://tea.test/", "https://a.test/"}


def test_a_page_is_told_once_and_in_bounds():
    said = [{**TEA, "title": "a\n" * 1000, "text": "b" * 100_000}, TEA]
    (found,) = read(json.dumps(said).encode())

    assert len(found.title) <= LONGEST["title"]
    assert "\n" not in found.title
    assert len(found.text) == LONGEST["text"]


@pytest.mark.parametrize(
    "said", [b"", b"<html>", b"1", b"{}", b'{"results": 1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_list_is_a_failure(said):
    with pytest.raises(SearchFailed) as caught:
        read(said)

    assert caught.value.code == "unavailable"


@given(json_values)
def test_whatever_is_said_is_a_list_or_a_failure(value):
    try:
        found = read(json.dumps(value).encode())
    except SearchFailed:
        return
    assert all(it.url.startswith("http") for it in found)


@given(texts)
def test_whatever_is_called_is_a_query_or_a_failure(text):
    try:
        query = query_of(json.dumps({"query": text}))
    except SearchFailed:
        return
    assert query
    query.encode()


def pages(*urls):
    return tuple(Found(url, "", "") for url in urls)


@pytest.mark.parametrize(
    ("domain", "url", "inside"),
    [
        ("example.com", "https://example.com/", True),
        ("example.com", "http://docs.example.com:8080/x", True),
        ("example.com", "https://badexample.com/", False),
        ("example.com", "https://example.com.evil.test/", False),
        ("example.com", "https://evil.test/?example.com", False),
        ("example.com", "https://example.com@evil.test/", False),
        ("docs.example.com", "https://example.com/", False),
        ("https://example.com/", "https://EXAMPLE.com/x", True),
        ("*.example.com", "https://docs.example.com/", True),
        ("example.com/blog", "https://example.com/blog/post", True),
        ("example.com/blog", "https://example.com/blogs", False),
        ("example.com/blog/*", "https://example.com/Blog", True),
    ],
)
def test_a_domain_is_itself_and_what_is_below_it(domain, url, inside):
    page = pages(url)

    assert permitted(page, WebSearch(allowed_domains=(domain,))) == (page if inside else ())
    assert permitted(page, WebSearch(blocked_domains=(domain,))) == (() if inside else page)


def test_only_the_first_are_told():
    many = pages(*(f"https://{number}.test" for number in range(50)))

    assert permitted(many, WebSearch()) == many[:MOST_FOUND]
