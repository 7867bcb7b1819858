"""What can be done on each path, in the words of OpenAPI: the table of operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.openapi.answers import answer, stream
from lingma_proxy.server.openapi.shapes import named, text, whole, word

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Operation:
    """`gives`: what a success holds, by its media type.  `fails`: the shape of every failure."""

    about: str
    tag: str
    gives: JsonObject
    takes: str = ""
    """The name of the schema of its body; "": it has none."""
    query: Sequence[JsonObject] = ()
    fails: str = "OpenAIError"
    never: bool = False
    """It is there to say that it cannot be done."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Other statuses that are no failures, and the shapes of their bodies."""
    leads_to: Sequence[str] = ()
    """The ids of the operations that take the `id` of its answer."""


def parameter(name: str, about: str, shape: JsonObject) -> JsonObject:
    return {"name": name, "in": "query", "description": about, "schema": shape}


AFTER = parameter("after", "The id of the last one of the page before.", text())
PAGE = (
    parameter("limit", "How many, up to 1000.", whole(least=1, most=1000)),
    parameter("after_id", "The id of the last one of the page before.", text()),
    parameter("before_id", "The id of the first one of the page after.", text()),
)
ITEMS = (
    parameter("limit", "How many.", whole(least=1, most=100)),
    parameter("order", "Which come first.", word("asc", "desc")),
    AFTER,
)

CHAT = Operation(
    "Answer a conversation, as OpenAI's Chat Completions.",
    "OpenAI",
    answer("ChatCompletion") | stream(SSE),
    takes="ChatRequest",
)
MESSAGES = Operation(
    "Answer a conversation, as Anthropic's Messages.",
    "Anthropic",
    answer("Message") | stream(SSE),
    takes="MessagesRequest",
    fails="AnthropicError",
)
COUNT = Operation(
    "Estimate how many tokens a conversation has, as Anthropic's count_tokens.",
    "Anthropic",
    answer("InputTokens"),
    takes="MessagesCountRequest",
    fails="AnthropicError",
)
RESPONSES = Operation(
    "Answer a conversation, as OpenAI's Responses.",
    "OpenAI",
    answer("Response") | stream(SSE),
    takes="ResponsesRequest",
    leads_to=(
        "get_v1_responses_id",
        "get_v1_responses_id_input_items",
        "post_v1_responses_id_cancel",
        "delete_v1_responses_id",
    ),
)
SOCKET = Operation(
    "Responses over a WebSocket; without an upgrade it is refused with 426.",
    "OpenAI",
    {},
    never=True,
)
INPUT_TOKENS = Operation(
    "Estimate how many tokens a conversation has, with all that it goes on from.",
    "OpenAI",
    answer("InputTokens"),
    takes="ResponsesCountRequest",
)
COMPACT = Operation("Compacting is refused in words.", "OpenAI", {}, never=True)
RETRIEVE = Operation("Look up a response that is kept.", "OpenAI", answer("Response"))
FORGET = Operation("Delete a response that is kept.", "OpenAI", answer("Deleted"))
GIVEN = Operation("List what a response answers.", "OpenAI", answer("InputItems"), query=ITEMS)
CANCEL = Operation("Stop a response in the background.", "OpenAI", answer("Response"))

MODELS = Operation(
    "List the models; in Anthropic's shape with the header `anthropic-version`.",
    "Models",
    answer("Models"),
    query=PAGE,
)
MODEL = Operation("One model, by its key, name or alias.", "Models", answer("Model"))
HEALTH = Operation("That the program runs, and who answers.", "Program", answer("Health"))
PROPS = Operation("What llama.cpp's clients ask of a server.", "Models", answer("Anything"))
CAPABILITIES = Operation("What can be asked here.", "Program", answer("Capabilities"))
EMBEDDINGS = Operation(
    "Embeddings are refused in words.", "Ollama", {}, never=True, fails="OllamaError"
)
NOT_OURS = Operation(
    "Models are the vendor's: refused in words.", "Ollama", {}, never=True, fails="OllamaError"
)


def ollama(about: str, shape: str, takes: str = "", *, streams: bool = False) -> Operation:
    gives = answer(shape) | (stream(NDJSON) if streams else {})
    return Operation(about, "Ollama", gives, takes=takes, fails="OllamaError")


BELOW_RESPONSES: dict[tuple[str, str], Operation] = {
    ("", "POST"): RESPONSES,
    ("", "GET"): SOCKET,
    ("/input_tokens", "POST"): INPUT_TOKENS,
    ("/compact", "POST"): COMPACT,
    ("/{id}", "GET"): RETRIEVE,
    ("/{id}", "DELETE"): FORGET,
    ("/{id}/input_items", "GET"): GIVEN,
    ("/{id}/cancel", "POST"): CANCEL,
}
STATS = Operation(
    "What the replies of the last days add up to.",
    "Program",
    answer("Stats"),
    query=(
        parameter("days", "Today and the days before it, in all.", whole(least=1, most=400)),
        parameter("model", "Only replies of this model.", text()),
        parameter("client", "Only those to this client.", text()),
        parameter("dialect", "Only those in this API.", text()),
    ),
)
LIMIT = parameter("limit", "How many, 1 to 200; what is no number counts as 50.", text())
LATELY = Operation(
    "What was asked and answered lately, with bodies, the newest first.",
    "Program",
    answer("Requests"),
    query=(LIMIT,),
)
LOGS = Operation(
    "The lines of the access log, or of the program's own log, the newest first.",
    "Program",
    answer("Logs"),
    query=(LIMIT, parameter("kind", "`http` (the usual) or `app`.", word("http", "app"))),
)
OPERATIONS: dict[tuple[str, str], Operation] = {
    **{
        (root + path, method): operation
        for root in ("/v1/responses", "/api/v1/responses")
        for (path, method), operation in BELOW_RESPONSES.items()
    },
    ("/v1/chat/completions", "POST"): CHAT,
    ("/api/v1/chat/completions", "POST"): CHAT,
    ("/api/v0/chat/completions", "POST"): CHAT,
    ("/v1/messages", "POST"): MESSAGES,
    ("/v1/messages/count_tokens", "POST"): COUNT,
    ("/api/chat", "POST"): ollama(
        "Answer a conversation.", "OllamaReply", "OllamaChatRequest", streams=True
    ),
    ("/api/generate", "POST"): ollama(
        "Answer one prompt.", "OllamaReply", "OllamaGenerateRequest", streams=True
    ),
    ("/v1/models", "GET"): MODELS,
    ("/v1/models/{model}", "GET"): MODEL,
    ("/api/v0/models", "GET"): Operation(
        "The models, as LM Studio 0 lists them.", "Models", answer("Models")
    ),
    ("/api/v0/models/{model}", "GET"): MODEL,
    ("/api/v1/models", "GET"): Operation(
        "The models, as LM Studio 1 lists them.", "Models", answer("LmStudioModels")
    ),
    ("/lmstudio-greeting", "GET"): Operation("LM Studio's greeting.", "Models", answer("Anything")),
    ("/api/tags", "GET"): ollama("The models.", "OllamaModels"),
    ("/api/ps", "GET"): ollama("The models that are ready: all.", "OllamaModels"),
    ("/api/version", "GET"): ollama("The version of Ollama's API.", "Version"),
    ("/api/show", "POST"): ollama("What a model can do.", "Anything", "OllamaModelRequest"),
    ("/api/pull", "POST"): ollama(
        "Make sure that a model is there.", "Anything", "OllamaModelRequest", streams=True
    ),
    ("/api/embed", "POST"): EMBEDDINGS,
    ("/api/embeddings", "POST"): EMBEDDINGS,
    ("/api/create", "POST"): NOT_OURS,
    ("/api/copy", "POST"): NOT_OURS,
    ("/api/push", "POST"): NOT_OURS,
    ("/api/delete", "DELETE"): NOT_OURS,
    ("/props", "GET"): PROPS,
    ("/v1/props", "GET"): PROPS,
    ("/", "GET"): HEALTH,
    ("/health", "GET"): HEALTH,
    ("/livez", "GET"): Operation("That the program runs.", "Program", answer("Live")),
    ("/readyz", "GET"): Operation(
        "Whether requests would be answered now.",
        "Program",
        answer("Ready"),
        also={"503": "Ready"},
    ),
    ("/metrics", "GET"): Operation(
        "How it goes, as numbers for Prometheus.", "Program", {"text/plain": {"schema": text()}}
    ),
    ("/stats", "GET"): STATS,
    ("/debug/requests", "GET"): LATELY,
    ("/api/requests", "GET"): LATELY,
    ("/debug/access-logs", "GET"): LOGS,
    ("/api/access-logs", "GET"): LOGS,
    ("/debug/logs", "GET"): LOGS,
    ("/api/logs", "GET"): LOGS,
    ("/version", "GET"): Operation("The program's version.", "Program", answer("Version")),
    ("/capabilities", "GET"): CAPABILITIES,
    ("/v1/capabilities", "GET"): CAPABILITIES,
    ("/openapi.json", "GET"): Operation("This document.", "Program", answer("Anything")),
}
"""By path, with names in braces for what varies, and method."""


def request_body(operation: Operation) -> JsonObject:
    schema = named(operation.takes)
    return {"required": True, "content": {"application/json": {"schema": schema}}}
