"""`POST /v1/messages/count_tokens`: how many tokens a request would have, as an estimate.

The body is that of a message, without `max_tokens`.  Unlike a message it may end in the
middle of a turn: clients count pieces of conversations.
"""

from collections.abc import Callable

from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.dialects.anthropic import decode_request, refuse_threads
from lingma_proxy.jsonio import JsonObject


def count(body: JsonObject, id: str, counted: Callable[[ChatRequest], int]) -> JsonObject:
    """The answer.  Raises InvalidRequest.  Long bodies are better counted in a thread."""
    refuse_threads(body)
    tokens = counted(decode_request(body, id, None, []))
    if body.get("context_management") is None:
        return {"input_tokens": tokens}
    # Nothing is edited here, so the count before and after is one.
    return {"input_tokens": tokens, "context_management": {"original_input_tokens": tokens}}
