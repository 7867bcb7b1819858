"""The public APIs that we speak.  Adding one is adding a line to the table."""

from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import anthropic, lmstudio_chat, ollama, openai_chat, openai_responses

DIALECTS: tuple[Dialect, ...] = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    anthropic.DIALECT,
    ollama.CHAT,
    ollama.GENERATE,
    lmstudio_chat.DIALECT,
)
