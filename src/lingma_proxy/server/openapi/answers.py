"""What clients get: the fields that are always there.  Each API's own reference has the rest."""

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.openapi.shapes import (
    a_list,
    a_map,
    an_object,
    named,
    or_null,
    switch,
    text,
    whole,
    word,
)

ANYTHING: JsonObject = {}
SERVICE = word("lingma-proxy")

OPENAI_ERROR = an_object(
    "What went wrong, as OpenAI says it.",
    needs=["error"],
    error=an_object(
        needs=["message", "type", "code", "param"],
        message=text("What happened, and what to do."),
        type=text(),
        code=or_null(text()),
        param=or_null(text()),
    ),
)
ANTHROPIC_ERROR = an_object(
    "What went wrong, as Anthropic says it.",
    needs=["type", "error", "request_id"],
    type=word("error"),
    error=an_object(needs=["type", "message"], type=text(), message=text()),
    request_id=text(),
)
OLLAMA_ERROR = an_object("What went wrong, as Ollama says it.", needs=["error"], error=text())

CHAT = an_object(
    needs=["id", "object", "created", "model", "choices", "usage"],
    id=text(),
    object=word("chat.completion"),
    created=whole(),
    model=text("The model that answered."),
    choices=a_list(
        an_object(
            needs=["index", "message", "finish_reason"],
            index=whole(least=0),
            message=an_object(
                needs=["role", "content"], role=word("assistant"), content=or_null(text())
            ),
            finish_reason=text(),
        ),
        least=1,
    ),
    usage=an_object(
        needs=["prompt_tokens", "completion_tokens", "total_tokens"],
        prompt_tokens=whole(least=0),
        completion_tokens=whole(least=0),
        total_tokens=whole(least=0),
    ),
)
MESSAGE = an_object(
    needs=["id", "type", "role", "model", "content", "stop_reason", "usage"],
    id=text(),
    type=word("message"),
    role=word("assistant"),
    model=text("The model that answered."),
    content=a_list(an_object(needs=["type"], type=text())),
    stop_reason=or_null(text()),
    usage=an_object(
        needs=["input_tokens", "output_tokens"],
        input_tokens=whole(least=0),
        output_tokens=whole(least=0),
    ),
)
RESPONSE = an_object(
    needs=["id", "object", "created_at", "status", "model", "output"],
    id=text(),
    object=word("response"),
    created_at=whole(),
    status=word("completed", "incomplete", "failed", "in_progress", "queued", "cancelled"),
    model=text("The model that answered."),
    output=a_list(an_object(needs=["type"], type=text())),
)
OLLAMA_REPLY = an_object(
    needs=["model", "created_at", "done"], model=text(), created_at=text(), done=switch()
)
OPENAI_MODEL = an_object(needs=["id"], id=text(), object=text(), type=text())
LISTED = an_object(needs=["data"], data=a_list(OPENAI_MODEL))

GROUPS = ("by_day", "by_model", "by_client", "by_dialect")
SUMS = an_object(
    needs=["requests", "succeeded", "failed", "left", "errors", "tokens"],
    requests=whole(least=0),
    succeeded=whole(least=0),
    failed=whole(least=0),
    left=whole(least=0),
    errors=a_map(whole(least=1)),
    tokens=an_object(
        needs=["input", "output", "cached", "reasoning", "estimated_requests"],
        input=whole(least=0),
        output=whole(least=0),
    ),
)

LINE = an_object(
    needs=["time", "level", "message"],
    time=text("RFC 3339, in UTC."),
    level=word("debug", "info", "warn", "error"),
    message=text(),
)
LATELY = an_object(
    needs=["time", "method", "path", "statusCode", "durationMs", "id"],
    time=text("RFC 3339, in UTC."),
    method=text(),
    path=text(),
    statusCode=whole(least=0),
    durationMs=whole(least=0),
    id=text(),
    request=text("Its body, without secrets and pictures."),
    response=text("The same of what it was answered."),
)

ANSWERS: dict[str, JsonObject] = {
    "OpenAIError": OPENAI_ERROR,
    "AnthropicError": ANTHROPIC_ERROR,
    "OllamaError": OLLAMA_ERROR,
    "ChatCompletion": CHAT,
    "Message": MESSAGE,
    "Response": RESPONSE,
    "OllamaReply": OLLAMA_REPLY,
    "Model": OPENAI_MODEL,
    "Models": LISTED,
    "LmStudioModels": an_object(
        needs=["models"], models=a_list(an_object(needs=["id"], id=text()))
    ),
    "OllamaModels": an_object(
        needs=["models"], models=a_list(an_object(needs=["name"], name=text()))
    ),
    "InputTokens": an_object(needs=["input_tokens"], input_tokens=whole(least=0)),
    "InputItems": an_object(
        needs=["object", "data", "has_more"],
        object=word("list"),
        data=a_list(an_object(needs=["type"], type=text())),
        has_more=switch(),
    ),
    "Deleted": an_object(needs=["id", "deleted"], id=text(), deleted=switch()),
    "Health": an_object(
        needs=["ok", "service", "state"], ok=switch(), service=SERVICE, state=an_object()
    ),
    "Live": an_object(needs=["live"], live=switch()),
    "Stats": an_object(
        "What the replies of the last days add up to.",
        needs=["days", "from", "to", "time_zone", "complete", "totals", *GROUPS],
        days=whole(least=1),
        since=or_null(text("The first day of which anything is known.")),
        complete=switch(),
        note=text("Why it is not all, if it is not."),
        totals=SUMS,
        **{name: a_list(SUMS) for name in GROUPS},
    ),
    "Requests": an_object(
        needs=["ok", "service", "count", "requests", "state"],
        ok=switch(),
        service=SERVICE,
        count=whole(least=0),
        requests=a_list(LATELY),
        note=text("Why it is not all, if it is not."),
        state=an_object(),
    ),
    "Logs": an_object(
        needs=["ok", "service", "kind", "count", "logs", "state"],
        ok=switch(),
        service=SERVICE,
        kind=word("http_access_logs", "app_logs"),
        count=whole(least=0),
        logs=a_list(LINE),
        note=text("Why it is not all, if it is not."),
        state=an_object(),
    ),
    "Ready": an_object(
        needs=["ready", "backend", "why"],
        ready=switch(),
        backend=text("Who answers: remote, ipc, acp."),
        why=text("Why it is this one."),
        reason=text("Why requests would fail now; only if it is not ready."),
    ),
    "Version": an_object(needs=["version"], version=text()),
    "Capabilities": an_object(
        needs=["service", "protocols", "features"],
        service=SERVICE,
        protocols=a_list(text()),
        features=a_map(ANYTHING),
    ),
    "Anything": {"type": "object"},
}


def answer(name: str) -> JsonObject:
    """A body of JSON, of the shape of that name."""
    assert name in ANSWERS, name
    return {"application/json": {"schema": named(name)}}


def stream(media_type: str) -> JsonObject:
    """OpenAPI 3.1 has no words for what is in a stream: a schema would be of the whole."""
    return {media_type: {}}
