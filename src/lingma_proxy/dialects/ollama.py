"""Ollama: `POST /api/chat` for conversations, `POST /api/generate` for single questions.

Reference: https://docs.ollama.com/api

They differ in what a question looks like (`ollama_request`) and where in a line of the answer
the words stand (`ollama_encode`); all else is the same.
"""

from functools import partial

from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects.ollama_encode import (
    OllamaEncoder,
    error_body,
    in_chat,
    in_generate,
    whole,
)
from lingma_proxy.dialects.ollama_request import decode_chat, decode_generate

PAGES = frozenset(
    {
        "/api/tags",
        "/api/ps",
        "/api/version",
        "/api/show",
        "/api/pull",
        "/api/embed",
        "/api/embeddings",
        "/api/create",
        "/api/copy",
        "/api/push",
        "/api/delete",
    }
)
"""What Ollama's clients ask for besides; there, too, an error is said in Ollama's words."""
MEDIA_TYPE = "application/x-ndjson"

CHAT = Dialect(
    name="ollama_chat",
    paths=("/api/chat",),
    media_type=MEDIA_TYPE,
    decode=decode_chat,
    encoder=partial(OllamaEncoder, in_chat),
    whole=partial(whole, in_chat),
    error=error_body,
)
GENERATE = Dialect(
    name="ollama_generate",
    paths=("/api/generate",),
    media_type=MEDIA_TYPE,
    decode=decode_generate,
    encoder=partial(OllamaEncoder, in_generate),
    whole=partial(whole, in_generate),
    error=error_body,
)
