"""Searching the web for a client that leaves it to the server: the wish, and what comes of it.

    ChatRequest.web_search     WebSearch
    a reply                    … SearchCall … SearchResult …      the result has the call's id

Both are parts of a reply that are not said in pieces: the head is all of it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

SearchErrorCode: TypeAlias = Literal[
    "invalid_tool_input",
    "unavailable",
    "max_uses_exceeded",
    "too_many_requests",
    "query_too_long",
    "request_too_large",
]
"""Why a search found nothing, in the words of Anthropic's API."""


@dataclass(frozen=True, slots=True)
class WebSearch:
    """The client wants the model to be able to search."""

    name: str = "web_search"
    """What the model calls it."""
    max_uses: int | None = None
    """How often in one reply."""
    allowed_domains: tuple[str, ...] = ()
    """Only these, with those below them; a path may follow (`example.com/blog`)."""
    blocked_domains: tuple[str, ...] = ()
    location: str = ""
    """About where the user is, for people to read."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page that a search has found."""

    url: str
    title: str
    text: str
    """What the search shows of it."""
    page_age: str = ""
    """When it was written or changed, as the search says it."""


@dataclass(frozen=True, slots=True)
class SearchCall:
    id: str
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    call_id: str
    found: tuple[Found, ...] = ()
    error: SearchErrorCode | None = None


def told(result: SearchResult) -> str:
    """What a search found, for a model to read."""
    if result.error is not None:
        return WHY[result.error]
    if not result.found:
        return "Nothing was found."
    return "\n\n".join(
        "\n".join(filter(None, (f"[{number}] {it.title}", it.url, it.page_age, it.text)))
        for number, it in enumerate(result.found, 1)
    )


WHY: dict[SearchErrorCode, str] = {
    "invalid_tool_input": "The search was not made: it needs a query, which is a text.",
    "unavailable": "The search could not be made: the search is out of reach just now.",
    "max_uses_exceeded": "The search was not made: no more searches are allowed in this answer.",
    "too_many_requests": "The search was refused: too many have been made in a short time.",
    "query_too_long": "The search was not made: the query is too long.",
    "request_too_large": "The search was refused: it is too large.",
}


class SearchFailed(Exception):
    """A search that was not, or could not be made.  It is told to the model, and no error of a reply."""

    def __init__(self, code: SearchErrorCode) -> None:
        super().__init__(code)
        self.code: SearchErrorCode = code
