"""Models in Anthropic's shape: `GET /v1/models` and `GET /v1/models/{id}`.

A list comes in pages: `limit` models after `after_id`, or before `before_id`.
"""

from collections.abc import Mapping, Sequence

from lingma_proxy.backend import Model
from lingma_proxy.dialects.catalogue import SINCE_TEXT, find, offered
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import JsonObject

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000


def listing(models: Sequence[Model], query: Mapping[str, str]) -> JsonObject:
    """One page.  `query` is the URL's.  Raises InvalidRequest."""
    choice = offered(models) if wants_active(query) else []
    keys = [model.key for model in choice]
    limit = limit_of(query)
    first, last = 0, len(choice)
    match query.get("after_id"), query.get("before_id"):
        case str(), str():
            raise InvalidRequest("after_id and before_id exclude each other.", param="after_id")
        case str(after), None:
            first = place(keys, after, "after_id") + 1
            more = last - first > limit
            last = min(last, first + limit)
        case None, str(before):
            last = place(keys, before, "before_id")
            more = last > limit
            first = max(0, last - limit)
        case _:
            more = last > limit
            last = min(last, limit)
    page = [entry(model) for model in choice[first:last]]
    return {
        "data": page,
        "has_more": more,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }


def one(models: Sequence[Model], id: str) -> JsonObject:
    """Raises ModelNotFound."""
    return entry(find(models, id))


def entry(model: Model) -> JsonObject:
    return {
        "type": "model",
        "id": model.key,
        "display_name": model.name,
        "created_at": SINCE_TEXT,
        "max_input_tokens": model.context_window,
        "max_tokens": model.output_limit,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "capabilities": None,
    }


def limit_of(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise InvalidRequest(f"limit is a whole number from 1 to {MAX_LIMIT}.", param="limit")


def wants_active(query: Mapping[str, str]) -> bool:
    """Whether the filter `lifecycle` lets active models through: ours all are.

    It may be repeated (the pairs of a URL's query are all seen), or joined with commas.
    """
    asked = [value for name, value in query.items() if name in {"lifecycle", "lifecycle[]"}]
    return not asked or "active" in ",".join(asked).split(",")


def place(keys: Sequence[str], key: str, param: str) -> int:
    try:
        return keys.index(key)
    except ValueError:
        raise InvalidRequest(f"{param} is not the id of a model.", param=param) from None
