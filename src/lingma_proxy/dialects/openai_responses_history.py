"""What a request of OpenAI Responses goes on from, put into its `input`.

    previous_response_id    ▸ the items of the conversation so far, before the new ones
    item_reference          ▸ the item itself, where the reference stands

`instructions` of earlier requests are not carried over: OpenAI does not, either.
Works on the JSON, before it is decoded.
"""

from collections.abc import Iterable, Mapping, Sequence

from lingma_proxy.dialects.openai_responses_input import as_list
from lingma_proxy.dialects.openai_shared import refused, string
from lingma_proxy.errors import InvalidRequest, NotFound
from lingma_proxy.jsonio import Json, JsonObject

PREVIOUS = "previous_response_id"
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call", "tool_search_call"})


def previous_id(body: JsonObject) -> str | None:
    """Raises InvalidRequest."""
    id = string(body, PREVIOUS)
    if id and body.get("conversation") is not None:
        raise refused(PREVIOUS, "and conversation exclude each other.")
    return id or None


def not_found(id: str, asked_for: str, why: str = "") -> InvalidRequest:
    """`id` is not kept; `asked_for`, which the client has named, goes back to it."""
    sentence = f"Previous response with id '{asked_for[:100]}' not found."
    if id != asked_for:
        sentence = (
            f"Previous response with id '{asked_for[:100]}' goes on from one that is not kept"
            f" any more ('{id[:100]}')."
        )
    return InvalidRequest(
        f"{sentence} {why}".rstrip(), param=PREVIOUS, code="previous_response_not_found"
    )


def said_then(given: Iterable[JsonObject], output: Iterable[JsonObject]) -> list[JsonObject]:
    """The items of an earlier turn.  A call that was cut off is none, and nobody answers it."""
    return [
        *given,
        *(
            item
            for item in output
            if not (item.get("type") in CALLS and item.get("status") == "incomplete")
        ),
    ]


def referred(body: JsonObject) -> list[str]:
    """The ids of the items that the input only refers to."""
    return [id for item in as_list(body.get("input")) if (id := reference(item)) is not None]


def reference(item: Json) -> str | None:
    """The id of the item that this one stands for; its type may be left out."""
    match item:
        case {"type": "item_reference" | None, "id": str(id)} if "role" not in item:
            return id
        case {"id": str(id)} if len(item) == 1:
            return id
        case _:
            return None


def resolved(body: JsonObject, found: Mapping[str, JsonObject], why: str = "") -> JsonObject:
    """The body with the items that were referred to.  Raises NotFound for one that is not there."""
    items = []
    for item in as_list(body.get("input")):
        id = reference(item)
        if id is not None and id not in found:
            raise NotFound(
                f"Item with id '{id[:100]}' not found. Items are not kept when `store` is false:"
                f" send the item itself, or leave it out. {why}".rstrip(),
                param="input",
            )
        items.append(item if id is None else found[id])
    return {**body, "input": items}


def gone_on(body: JsonObject, earlier: Sequence[JsonObject]) -> JsonObject:
    """The body with all that was said before its own input."""
    return {**body, "input": [*earlier, *as_list(body.get("input"))]} if earlier else body
