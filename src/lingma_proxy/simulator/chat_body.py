"""The body of a chat request, as strict as a backend may be that speaks OpenAI's words.

Only three fields must be there: `request_id`, `model_config.key` and `messages`.  All
that is known must have its type, and the messages must follow the rules: every call is
answered once, before anything else is said, and no answer comes without its call.
"""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.refusal import bad_request

Name = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
Something = Annotated[str, Meta(min_length=1)]


class TextPart(Struct, tag_field="type", tag="text"):
    text: str


class Link(Struct):
    url: Something
    detail: Literal["auto", "low", "high"] = "auto"


class PicturePart(Struct, tag_field="type", tag="image_url"):
    image_url: Link


Content: TypeAlias = str | list[TextPart | PicturePart] | None


class CalledFunction(Struct):
    name: Name
    arguments: str


class Call(Struct):
    id: Something
    function: CalledFunction
    type: Literal["function"] = "function"
    index: int = 0


class TokenCounts(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class ResponseMeta(Struct):
    id: str = ""
    usage: TokenCounts | None = None


class Message(Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: Content = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    parts: list[TextPart | PicturePart] | None = None
    reasoning_content: str | None = None
    reasoning_content_signature: str | None = None
    response_meta: ResponseMeta | None = None

    @property
    def text(self) -> str:
        """All the text of the content, one part a line."""
        match self.content:
            case str(text):
                return text
            case list(parts):
                return "\n".join(part.text for part in parts if isinstance(part, TextPart))
            case _:
                return ""

    @property
    def pictures(self) -> list[str]:
        """The URLs of the pictures in the content, or else beside it."""
        for parts in (self.content, self.parts):
            if isinstance(parts, list):
                urls = [part.image_url.url for part in parts if isinstance(part, PicturePart)]
                if urls:
                    return urls
        return []


class Function(Struct):
    name: Name
    description: str = ""
    parameters: JsonObject | None = None
    strict: bool | None = None


class Tool(Struct):
    function: Function
    type: Literal["function"]


class NamedFunction(Struct):
    name: Name


class NamedTool(Struct):
    function: NamedFunction
    type: Literal["function"]


class ModelConfig(Struct):
    key: str
    display_name: str = ""
    model: str = ""
    format: str = ""
    is_vl: bool = False
    is_reasoning: bool = False
    api_key: str = ""
    url: str = ""
    source: str = ""
    enable: bool = False
    max_input_tokens: int = 0
    price_factor: float = 0
    original_price_factor: float = 0
    is_default: bool = False
    is_new: bool = False
    exclude_tags: Json = None
    tags: Json = None
    icon: Json = None
    strategies: Json = None


class Parameters(Struct):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_new_tokens: int | None = None


class Business(Struct):
    product: str = ""
    version: str = ""
    type: str = ""
    id: str = ""
    begin_at: int = 0
    stage: str = ""
    name: str = ""
    relation: JsonObject | None = None


class ChatBody(Struct):
    request_id: Something
    model_config: ModelConfig
    messages: Annotated[list[Message], Meta(min_length=1)]
    request_set_id: str = ""
    chat_record_id: str = ""
    stream: bool = True
    image_urls: list[str] | None = None
    is_reply: bool = False
    is_retry: bool = False
    session_id: str = ""
    code_language: str = ""
    source: int = 0
    version: str = "3"
    chat_prompt: str = ""
    parameters: Parameters | None = None
    aliyun_user_type: str = ""
    agent_id: str = "agent_common"
    task_id: str = ""
    chat_task: str = ""
    session_type: str = ""
    task_definition_type: str = ""
    metadata: JsonObject | None = None
    business: Business | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedTool | None = None


def read(value: Json) -> ChatBody:
    """The body, looked at closely.  Raises a Refusal (400) that says what is wrong."""
    try:
        body = msgspec.convert(value, ChatBody)
    except msgspec.ValidationError as error:
        raise bad_request(str(error)) from None
    check_order(body.messages)
    check_tools(body)
    return body


def check_order(messages: list[Message]) -> None:
    waiting: list[str] = []
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise bad_request(
                    f"{where} answers {message.tool_call_id!r}, but the assistant's turn before it"
                    " has no such call, or it is answered already"
                )
            waiting.remove(message.tool_call_id)
        elif waiting:
            raise bad_request(f"{where} comes before the answer to the call {waiting[0]!r}")
        elif message.tool_call_id:
            raise bad_request(f"{where} has a tool_call_id, but is no tool's")
        if message.tool_calls and message.role != "assistant":
            raise bad_request(f"{where} makes calls, but is not the assistant's")
        waiting += [call.id for call in message.tool_calls or ()]
        if len(set(waiting)) < len(waiting):
            raise bad_request(f"{where} has two calls with one id")
        if message.content is None and not message.tool_calls:
            raise bad_request(f"{where} has no content and makes no call")
    if waiting:
        raise bad_request(f"the call {waiting[0]!r} is never answered")


def check_tools(body: ChatBody) -> None:
    if body.tools == []:
        raise bad_request("tools is an empty list")
    names = [tool.function.name for tool in body.tools or ()]
    if len(set(names)) < len(names):
        raise bad_request("two tools have one name")
    for tool in body.tools or ():
        if tool.function.parameters == {}:
            raise bad_request(f"the parameters of {tool.function.name} are an empty schema")
    if body.tool_choice is not None and not names:
        raise bad_request("tool_choice is there, but there are no tools")
    if isinstance(body.tool_choice, NamedTool) and body.tool_choice.function.name not in names:
        raise bad_request(f"tool_choice names {body.tool_choice.function.name!r}, which is no tool")
