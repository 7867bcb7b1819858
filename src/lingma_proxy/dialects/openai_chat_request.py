"""What a client asks in OpenAI Chat: the body of `POST /v1/chat/completions`, decoded.

Reference: https://platform.openai.com/docs/api-reference/chat/create

Every documented field is honoured, or has no effect on the answer, or is named in a
warning, or (where an answer without it would be a wrong one) is refused.  Unknown
fields pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lingma_proxy.conversation import history
from lingma_proxy.conversation.request import (
    ChatRequest,
    Reasoning,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
)
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.dialects.openai_chat_messages import conversation
from lingma_proxy.dialects.openai_custom_tools import custom
from lingma_proxy.dialects.openai_shared import (
    a_list_at,
    an_object_at,
    flag,
    integer,
    kind_of,
    number,
    refused,
    string,
)
from lingma_proxy.jsonio import Json, JsonObject, an_object, objects

MOST_CHOICES = 128


@dataclass(frozen=True, slots=True)
class ChatAsked(Asked):
    """What Chat has to remember until it answers."""

    functions: bool = False
    """Tools were declared as `functions`, so a call is answered as `function_call`."""
    customs: frozenset[str] = frozenset()
    """The tools whose input is text."""


def decode(body: JsonObject, id: str) -> ChatAsked:
    """Raises InvalidRequest."""
    refuse_what_would_be_wrong(body)
    tools, choice = offered(body)
    stop, stop_warnings = shared.ends(body.get("stop"))
    functions = bool(body.get("functions"))
    request = ChatRequest(
        id=id,
        model=string(body, "model") or "",
        messages=conversation(body.get("messages")),
        tools=tools,
        tool_choice=choice,
        # A `function_call` is one; there is no place for a second beside it.
        parallel_tool_calls=not functions and flag(body, "parallel_tool_calls") is not False,
        sampling=sampling(body, stop),
        reasoning=reasoning(body),
        response_format=response_format(body.get("response_format")),
        conversation=conversation_name(body.get("prompt_cache_key")),
    )
    history.check(request.messages)
    stream_options = an_object_at(body, "stream_options")
    return ChatAsked(
        request,
        stream=flag(body, "stream") or False,
        choices=choices(body),
        usage=flag(stream_options, "include_usage", "stream_options.") or False,
        warnings=(*stop_warnings, *unhonoured(body)),
        functions=functions,
        customs=customs(body),
    )


def conversation_name(prompt_cache_key: Json) -> str:
    """What the key says, which clients take anew for each conversation.

    `user` and `safety_identifier` name a person, who may have many conversations.
    """
    return prompt_cache_key if isinstance(prompt_cache_key, str) else ""


# Fields that are not honoured.

UNHONOURED: dict[str, tuple[tuple[Json, ...], str]] = {
    "audio": ((), "audio: the answer is text."),
    "logit_bias": (({},), "logit_bias: tokens keep their own probabilities."),
    "logprobs": ((False,), "logprobs: the probabilities of tokens are not known; it is null."),
    "moderation": ((), "moderation: nothing is scored."),
    "prediction": ((), "prediction: it is not used, the answer only takes longer."),
    "service_tier": (("auto", "default"), "service_tier: there is only the account's own."),
    "store": ((False,), "store: nothing is stored."),
    "top_logprobs": ((0,), "top_logprobs: the probabilities of tokens are not known."),
    "verbosity": (("medium",), "verbosity: the model is not told; ask for it in words."),
    "web_search_options": ((), "web_search_options: the web is not searched."),
}
"""Field ▸ values that ask for nothing (as null does), and the warning for all others.

Without a word: `metadata`, `user`, `safety_identifier`, `prompt_cache_key`,
`prompt_cache_options` and `prompt_cache_retention`, which no answer depends on.
"""


def unhonoured(body: JsonObject) -> Iterator[str]:
    if not body.keys().isdisjoint(UNHONOURED):
        for name, (silent, warning) in UNHONOURED.items():
            value = body.get(name)
            if value is not None and value not in silent:
                yield warning
    if any(modality != "text" for modality in body.get("modalities") or ()):
        yield "modalities: the answer is text."
    if an_object(body.get("stream_options")).get("include_obfuscation"):
        yield "stream_options.include_obfuscation: chunks are as long as what they say."
    if any(wants_detail(message) for message in objects(body.get("messages"))):
        yield "image_url.detail: each image is shown in one and the same detail."


def wants_detail(message: JsonObject) -> bool:
    for part in objects(message.get("content")):
        match an_object(part.get("image_url")).get("detail"):
            case None | "auto" | "high":
                pass
            case _:
                return True
    return False


def refuse_what_would_be_wrong(body: JsonObject) -> None:
    match body.get("modalities"):
        case None:
            pass
        case list() as modalities if "text" in modalities:
            pass
        case _:
            raise refused("modalities", "is a list with text in it: nothing else can be answered.")
    for side in an_object(an_object(body.get("moderation")).get("policy")).values():
        if an_object(side).get("mode") == "block":
            raise refused("moderation", "cannot block anything here; leave it out.")


# Fields of their own.


def choices(body: JsonObject) -> int:
    n = integer(body, "n", 1) or 1
    if n > MOST_CHOICES:
        raise refused("n", f"is at most {MOST_CHOICES}, not {shared.shown(n)}.")
    return n


SAMPLING = frozenset(
    [
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "presence_penalty",
        "frequency_penalty",
    ]
)
REASONING = frozenset(
    [
        "reasoning_effort",
        "reasoning",
        "thinking",
        "enable_thinking",
        "thinking_budget",
        "chat_template_kwargs",
    ]
)
"""Most requests have none of these fields, and nothing is then to be read."""


def sampling(body: JsonObject, stop: tuple[str, ...]) -> Sampling:
    if body.keys().isdisjoint(SAMPLING):
        return Sampling(stop=stop)
    top_k = integer(body, "top_k", -1)
    older, newer = most(body, "max_tokens"), most(body, "max_completion_tokens")
    return Sampling(
        temperature=number(body, "temperature", 0, 2),
        top_p=number(body, "top_p", 0, 1),
        top_k=top_k if top_k is not None and top_k > 0 else None,  # 0 and -1: "all of them"
        max_tokens=older if newer is None else newer,
        stop=stop,
        seed=integer(body, "seed"),
        presence_penalty=number(body, "presence_penalty", -2, 2),
        frequency_penalty=number(body, "frequency_penalty", -2, 2),
    )


def most(body: JsonObject, name: str) -> int | None:
    """A limit on tokens.  -1, which LM Studio's clients send, is none."""
    return None if body.get(name) == -1 else integer(body, name, 1)


def reasoning(body: JsonObject) -> Reasoning:
    """OpenAI's `reasoning_effort`, and what clients of other vendors say for the same.

    `reasoning: {effort, enabled, max_tokens, exclude}` (OpenRouter), `thinking: {type,
    budget_tokens}` (Moonshot, Zhipu), `enable_thinking` and `thinking_budget` (Qwen; also
    in `chat_template_kwargs`).
    """
    if body.keys().isdisjoint(REASONING):
        return Reasoning()
    router = an_object_at(body, "reasoning")
    moonshot = an_object_at(body, "thinking")
    template = an_object(body.get("chat_template_kwargs"))
    switches = (
        flag(router, "enabled", "reasoning."),
        thinks(string(moonshot, "type", "thinking.")),
        flag(body, "enable_thinking"),
        flag(template, "enable_thinking", "chat_template_kwargs."),
    )
    budgets = (
        integer(body, "thinking_budget", 0),
        integer(router, "max_tokens", 0),
        integer(moonshot, "budget_tokens", 0),
    )
    return shared.reasoning(
        shared.effort(body, "reasoning_effort") or shared.effort(router, "effort", "reasoning."),
        switch=next((switch for switch in switches if switch is not None), None),
        budget_tokens=next((budget for budget in budgets if budget is not None), None),
        shown=not flag(router, "exclude", "reasoning."),
    )


def thinks(type: str | None) -> bool | None:
    """`enabled` and `disabled` decide; `auto`, `adaptive` and the like leave it to the model."""
    return {"enabled": True, "disabled": False}.get(type or "")


def response_format(value: Json) -> ResponseFormat | None:
    match value:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object", "schema": dict(wanted)}:  # llama.cpp's way to say it
            return ResponseFormat(wanted)
        case {"type": "json_object"}:
            return ResponseFormat()
        case {"type": "json_schema", "json_schema": {"name": str(name)} as described}:
            schema = described.get("schema")
            if not (schema is None or isinstance(schema, dict)):
                place = "response_format.json_schema.schema"
                raise refused(place, f"is an object, not {kind_of(schema)}.")
            return ResponseFormat(schema, name)
        case {"type": "json_schema"}:
            raise refused("response_format.json_schema", "is an object with a name and a schema.")
        case {"type": str(kind)}:
            raise refused("response_format", f"of type {kind[:40]!r} is not supported.")
        case _:
            raise refused("response_format", "is an object with a type.")


# Tools.


def offered(body: JsonObject) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The tools and the choice among them, said as `tools` or, as before them, `functions`."""
    functions, tools = a_list_at(body, "functions"), a_list_at(body, "tools")
    if functions and tools:
        raise refused("functions", "and tools exclude each other; tools is the newer word.")
    read, name = (shared.function, "functions") if functions else (tool, "tools")
    declared = [read(value, f"{name}[{at}]") for at, value in enumerate(functions or tools)]
    choice = body.get("tool_choice")
    if choice is None:
        choice = as_tool_choice(body.get("function_call"))
    chosen, left = shared.choice(choice, shared.distinct(declared, name))
    return left, chosen


def tool(value: Json, place: str) -> Tool:
    match value:
        case {"type": "custom", "custom": dict(definition)}:
            return custom(definition, f"{place}.custom")
        case _:
            return shared.tool(value, place)


def customs(body: JsonObject) -> frozenset[str]:
    """The names of the custom tools in a body that was understood."""
    tools = [each for each in objects(body.get("tools")) if each.get("type") == "custom"]
    return frozenset(each["custom"]["name"] for each in tools)


def as_tool_choice(value: Json) -> Json:
    """`function_call`, in the words of `tool_choice`."""
    match value:
        case None | "auto" | "none":
            return value
        case {"name": str(name)}:
            return {"type": "function", "name": name}
        case _:
            raise refused("function_call", "is auto, none, or an object with a name.")
