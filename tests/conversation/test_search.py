from typing import get_args

from lingma_proxy.conversation.search import WHY, Found, SearchErrorCode, SearchResult, told


def test_what_was_found_is_told_with_where_it_stands() -> None:
    found = (
        Found("https://a.test", "A", "About a.", "May 2026"),
        Found("https://b.test", "B", ""),
    )

    assert told(SearchResult("s", found)) == (
        "[1] A\nhttps://a.test\nMay 2026\nAbout a.\n\n[2] B\nhttps://b.test"
    )


def test_it_is_told_that_nothing_was_found() -> None:
    assert told(SearchResult("s")) == "Nothing was found."


def test_every_failure_is_told_in_a_sentence() -> None:
    assert set(WHY) == set(get_args(SearchErrorCode))
    for code in WHY:
        assert told(SearchResult("s", error=code)).endswith(".")
