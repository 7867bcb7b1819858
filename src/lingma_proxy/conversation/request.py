"""What was asked.  Frozen, comparable, complete.

    ChatRequest
      messages: Message(role, parts)      Text · Thinking · ToolCall            (assistant)
                                          Text · Image · ImageLink · Document · DocumentLink
                                            · ToolResult                        (user)
                                          Text                                  (system)
      tools, tool_choice, parallel_tool_calls
      sampling, reasoning, response_format

Every dialect decodes into this, every backend reads from it.  Text is kept as it came:
nothing is trimmed, joined or moved.  Whether the client wants a stream is not part of
what was asked: backends always stream.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lingma_proxy.conversation.notes import AttemptNotes, ExchangeNotes
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.jsonio import JsonObject


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought before it spoke; `signature` is whatever vouches for it."""

    text: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model made.  `arguments` is JSON text, verbatim."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: its media type (`image/png`) and its bytes."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImageLink:
    """A picture that lies elsewhere: an http(s) or file URL, or a path."""

    url: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be read: a PDF, a text.  `PrepareDocuments` makes it text."""

    media_type: str
    """As the client called it, in lower case; "" if it did not say."""
    data: bytes = field(repr=False)
    title: str = ""
    """Its name or title, "" for none."""
    context: str = ""
    """What the client says about it."""


@dataclass(frozen=True, slots=True)
class DocumentLink:
    """A document that lies elsewhere."""

    url: str
    title: str = ""
    context: str = ""


Shown: TypeAlias = Text | Image | ImageLink | Document | DocumentLink
"""What a user, or the result of a tool, may show."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call.  The content may be empty, and may hold images and documents."""

    call_id: str
    content: tuple[Shown, ...]
    is_error: bool = False


Part: TypeAlias = (
    Text | Thinking | ToolCall | Image | ImageLink | Document | DocumentLink | ToolResult
)
Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.  Results of tools are the user's; the order of the parts is kept."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: JsonObject
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The choice of exactly one tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "none", "required"] | NamedTool
Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the answer is drawn and where it ends.  None means: not said, so not sent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Whether and how hard the model is to think, and whether the client wants to see it.

    `wanted` is None when the client said nothing: the model's own habit stands.
    """

    wanted: bool | None = None
    effort: Effort | None = None
    budget_tokens: int | None = None
    shown: bool = True


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """JSON is wanted: any object (`schema` None), or one that fits a JSON Schema."""

    schema: JsonObject | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    id: str
    """Ours: one per exchange, said back to the client in a header."""
    model: str
    """As the client spelled it; "" when it named none.  `ChooseModel` makes it a key."""
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    sampling: Sampling = Sampling()
    reasoning: Reasoning = Reasoning()
    response_format: ResponseFormat | None = None
    usage_first: bool = False
    """Whether the client is told at the start how much it asked (Anthropic's message_start)."""
    web_search: WebSearch | None = None
    """Whether the model is to be able to search the web, by a tool that the server runs."""
    conversation: str = ""
    """The client's own name for the conversation, where it gives one.  A backend that keeps
    conversations may go by it; no answer depends on it."""
    client: str = ""
    """Who asks, in a word, as far as it tells: "claude-code".  Nobody is trusted by it."""
    heard_whole: bool = False
    """Whether nobody hears anything of the reply before it is whole."""
    notes: ExchangeNotes | None = field(default=None, compare=False, repr=False)
    """What is noted of the exchange; None: nobody takes notes."""
    attempt: AttemptNotes | None = field(default=None, compare=False, repr=False)
    """What is noted of this try at a model, for whoever answers it."""
    alive: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    """For whoever answers it: tells that the other side is at work, though it says nothing."""
