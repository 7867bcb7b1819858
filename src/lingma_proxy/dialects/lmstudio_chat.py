"""LM Studio's own chat, `POST /api/v0/chat/completions`: OpenAI Chat, and how long it took.

Reference: https://lmstudio.ai/docs/developer/rest/endpoints

The stream is OpenAI's.  An unstreamed answer has besides: `stats`, with seconds as we measured
them, and `model_info` and `runtime`, with the little there is to say of a model elsewhere.
"""

from collections.abc import Sequence
from dataclasses import replace

from lingma_proxy import __version__
from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects import openai_chat
from lingma_proxy.dialects.catalogue import OWNER
from lingma_proxy.jsonio import JsonObject

RUNTIME: JsonObject = {"name": "lingma-proxy", "version": __version__, "supported_formats": []}
REASONS = {
    FinishReason.STOP: "eosFound",
    FinishReason.LENGTH: "maxPredictedTokensReached",
    FinishReason.TOOL_CALLS: "toolCalls",
    FinishReason.CONTENT_FILTER: "failed",
}


def whole(asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:
    return {
        **openai_chat.whole(asked, replies, now),
        "stats": stats(asked, replies),
        "model_info": {"arch": OWNER, "quant": "", "format": ""},
        "runtime": RUNTIME,
    }


def stats(asked: Asked, replies: Sequence[Reply]) -> JsonObject:
    """What came all at once was being made from the beginning to the end."""
    total, first = asked.watch.elapsed(), asked.watch.first
    making = total - (first or 0)
    tokens = sum((reply.usage or Usage()).output for reply in replies)
    last = replies[0]
    return {
        "tokens_per_second": tokens * 1e9 / making if making else 0.0,
        "time_to_first_token": (total if first is None else first) / 1e9,
        "generation_time": making / 1e9,
        "stop_reason": "stopStringFound" if last.stop_sequence else REASONS[last.reason],
    }


DIALECT = replace(
    openai_chat.DIALECT,
    name="lmstudio_chat",
    paths=("/api/v0/chat/completions",),
    whole=whole,
)
