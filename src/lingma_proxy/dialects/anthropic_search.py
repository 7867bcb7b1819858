"""The blocks of Anthropic's hosted web search: as they go out, and as they come back.

    server_tool_use {id, name, input: {query}}
    web_search_tool_result {tool_use_id, content: [web_search_result …] or an error}

Reference: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool

What a page says travels in `encrypted_content`, which is for whoever made it to read.  Ours
is no secret and not encrypted: it is the text, wrapped, so that the model sees it again when
a client sends the blocks back.  What others have encrypted stays unread.
"""

from base64 import b64decode, b64encode

from lingma_proxy.conversation.search import Found, SearchCall, SearchResult
from lingma_proxy.jsonio import Json, JsonObject

OURS = b"lingma-proxy: "


def call_block(call: SearchCall) -> JsonObject:
    return {
        "type": "server_tool_use",
        "id": call.id,
        "name": call.name,
        "input": {"query": call.query},
    }


def result_block(result: SearchResult) -> JsonObject:
    content: Json = [
        {
            "type": "web_search_result",
            "url": it.url,
            "title": it.title,
            "encrypted_content": sealed(it.text),
            "page_age": it.page_age or None,
        }
        for it in result.found
    ]
    if result.error is not None:
        content = {"type": "web_search_tool_result_error", "error_code": result.error}
    return {"type": "web_search_tool_result", "tool_use_id": result.call_id, "content": content}


def decode_call(block: JsonObject) -> SearchCall | None:
    """A search that comes back with the conversation; None for what is not one."""
    match block:
        case {
            "type": "server_tool_use",
            "id": str(id),
            "name": "web_search",
            "input": {"query": str(query)},
        } if id:
            return SearchCall(id, "web_search", query)
        case _:
            return None


def decode_result(block: JsonObject) -> SearchResult | None:
    """What a search found, as it comes back; None for what is not that."""
    match block:
        case {"type": "web_search_tool_result", "tool_use_id": str(id), "content": list(content)}:
            return SearchResult(id, tuple(map(_found, filter(_is_found, content))))
        case {"type": "web_search_tool_result", "tool_use_id": str(id), "content": dict()}:
            return SearchResult(id, error="unavailable")
        case _:
            return None


def sealed(text: str) -> str:
    return b64encode(OURS + text.encode("utf-8", "replace")).decode()


def unsealed(content: Json) -> str:
    """The text that we have wrapped; "" for whatever is not ours."""
    if not isinstance(content, str):
        return ""
    try:
        found = b64decode(content, validate=True)
        return found.removeprefix(OURS).decode() if found.startswith(OURS) else ""
    except ValueError:
        return ""


def _is_found(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("url"), str)


def _found(value: Json) -> Found:
    assert isinstance(value, dict)
    title, age = value.get("title"), value.get("page_age")
    return Found(
        str(value["url"]),
        title if isinstance(title, str) else "",
        unsealed(value.get("encrypted_content")),
        age if isinstance(age, str) else "",
    )
