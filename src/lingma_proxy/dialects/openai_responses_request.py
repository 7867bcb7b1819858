"""What a client asks in OpenAI Responses: the body of `POST /v1/responses`, decoded.

Reference: https://platform.openai.com/docs/api-reference/responses/create

Every documented field is honoured, or has no effect on the answer, or is named in a
warning, or (where an answer without it would be a wrong one) is refused.  Unknown
fields pass.

Whoever keeps answers puts what `previous_response_id` stands for, and the items that are
only referred to, into `input` before the body comes here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from lingma_proxy.conversation import history
from lingma_proxy.conversation.request import (
    ChatRequest,
    ResponseFormat,
    Sampling,
)
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.dialects.openai_responses_input import Items, as_list
from lingma_proxy.dialects.openai_responses_tools import Offer, chosen, echoed, offered
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
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import Json, JsonObject, an_object

ENCRYPTED = "reasoning.encrypted_content"
SOURCES = "web_search_call.action.sources"


@dataclass(frozen=True, slots=True)
class ResponsesAsked(Asked):
    """What Responses has to remember until it answers."""

    echo: JsonObject = field(default_factory=dict)
    """The fields of a response that repeat the request."""
    offer: Offer = field(default_factory=Offer)
    summary: bool = False
    """Thoughts are shown, as summaries."""
    encrypted: bool = False
    """Thoughts are handed over for the client to bring back, not to read."""
    sources: bool = False
    """The addresses of what a search has found are wanted."""
    store: bool = True
    """The client wishes to refer to the response later on."""


def decode(body: JsonObject, id: str) -> ResponsesAsked:
    """Raises InvalidRequest."""
    refuse_what_would_be_wrong(body)
    instructions, items = as_instructions(body.get("instructions")), as_list(body.get("input"))
    offer = offered(body, [*instructions, *items])
    before, after = Items(instructions, offer), Items(items, offer)
    messages = (*before.messages("instructions"), *after.messages())
    if not messages and flag(body, "generate") is not False:
        raise refused("input", "is missing; it is a string or a list of items.")
    choice, tools, choice_warnings = chosen(body.get("tool_choice"), offer)
    stop, stop_warnings = shared.ends(body.get("stop"))
    thoughts = an_object_at(body, "reasoning")
    summary = summary_of(thoughts) is not None
    encrypted = ENCRYPTED in a_list_at(body, "include")
    request = ChatRequest(
        id=id,
        model=string(body, "model") or "",
        messages=messages,
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=flag(body, "parallel_tool_calls") is not False,
        sampling=sampling(body, stop),
        reasoning=shared.reasoning(
            shared.effort(thoughts, "effort", "reasoning."), shown=summary or encrypted
        ),
        response_format=text_format(an_object_at(body, "text").get("format")),
        web_search=searching(offer, integer(body, "max_tool_calls", 0)),
        conversation=string(body, "prompt_cache_key") or "",
    )
    try:
        history.check(request.messages)
    except InvalidRequest as error:
        raise InvalidRequest(error.message, param="input") from None
    return ResponsesAsked(
        request,
        stream=flag(body, "stream") or False,
        warnings=(
            *stop_warnings,
            *choice_warnings,
            *offer.warnings,
            *before.warnings,
            *after.warnings,
            *unhonoured(body),
        ),
        echo=echo(body),
        offer=offer,
        summary=summary,
        encrypted=encrypted,
        sources=SOURCES in a_list_at(body, "include"),
        store=flag(body, "store") is not False,
    )


def searching(offer: Offer, most: int | None) -> WebSearch | None:
    """The wish for a search.  `max_tool_calls` counts what the server runs, which is only that."""
    if offer.web_search is None or most == 0:
        return None
    return replace(offer.web_search, max_uses=most)


# What is repeated, and what is kept.


def echo(body: JsonObject) -> JsonObject:
    """The fields of a response that say what was asked.  Raises InvalidRequest."""
    thoughts, text = an_object_at(body, "reasoning"), an_object_at(body, "text")
    return {
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": most_tokens(body),
        "max_tool_calls": integer(body, "max_tool_calls", 0),
        "metadata": metadata(body),
        "parallel_tool_calls": flag(body, "parallel_tool_calls") is not False,
        "previous_response_id": string(body, "previous_response_id"),
        "prompt_cache_key": string(body, "prompt_cache_key"),
        "reasoning": {
            "effort": thoughts.get("effort"),
            "summary": summary_of(thoughts),
        },
        "safety_identifier": string(body, "safety_identifier"),
        "service_tier": "default",
        "store": flag(body, "store") is not False,
        "temperature": number(body, "temperature", 0, 2),
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": one_of(("medium", "low", "high"), text, "verbosity", "text."),
        },
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": echoed(a_list_at(body, "tools")),
        "top_logprobs": integer(body, "top_logprobs", 0) or 0,
        "top_p": number(body, "top_p", 0, 1),
        "truncation": one_of(("disabled", "auto"), body, "truncation"),
        "user": string(body, "user"),
    }


def metadata(body: JsonObject) -> JsonObject:
    found = an_object_at(body, "metadata")
    if not all(isinstance(value, str) for value in found.values()):
        raise refused("metadata", "is an object whose values are strings.")
    return found


PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "local_shell_call": "lsh",
    "local_shell_call_output": "lsho",
    "tool_search_call": "tsc",
    "tool_search_output": "tso",
    "web_search_call": "ws",
    "additional_tools": "at",
}


def input_items(body: JsonObject, request_id: str) -> list[JsonObject]:
    """The items of `input` as they are kept and listed: each an object with a type and an id.

    The body is one that `decode` has taken.  New ids come from the request's, which is
    unguessable, so they are the same whenever they are asked for.
    """
    found = []
    for at, item in enumerate(as_list(body.get("input"))):
        kind = item.get("type") or "message"
        id = item.get("id") or item_id(PREFIXES.get(kind, "item"), request_id, f"input {at}")
        kept = {**item, "id": id, "type": kind}
        if kind == "message" and isinstance(item.get("content"), str):
            kept["content"] = [said(item["content"], item.get("role"))]
        found.append(kept)
    return found


def said(text: str, role: Json) -> JsonObject:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}


def item_id(prefix: str, request_id: str, which: str) -> str:
    """An id that nobody can guess who does not know the request's."""
    digest = sha256(f"{request_id}\n{which}".encode()).hexdigest()
    return f"{prefix}_{digest[:40]}"


# Fields that are not honoured.

INCLUDED = frozenset(
    [
        ENCRYPTED,
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        SOURCES,
        "web_search_call.results",
    ]
)
"""Honoured, or of items that no answer here has."""

UNHONOURED: dict[str, tuple[tuple[Json, ...], str]] = {
    "access_programs": ((), "access_programs: there is only the account's own."),
    "context_management": (([],), "context_management: nothing is taken out of a conversation."),
    "image": ((), "image: pictures are treated as the settings say."),
    "moderation": ((), "moderation: nothing is scored."),
    "service_tier": (("auto", "default"), "service_tier: there is only the account's own."),
    "top_logprobs": ((0,), "top_logprobs: the probabilities of tokens are not known."),
    "truncation": (("disabled",), "truncation: nothing is taken out of a conversation."),
}
"""Field ▸ values that ask for nothing (as null does), and the warning for all others.

Without a word: `metadata`, `user`, `safety_identifier`, `client_metadata` and the fields of
the prompt cache, which no answer depends on.
"""


def unhonoured(body: JsonObject) -> Iterator[str]:
    for name, (silent, warning) in UNHONOURED.items():
        value = body.get(name)
        if value is not None and value not in silent:
            yield warning
    for wanted in a_list_at(body, "include"):
        if not isinstance(wanted, str) or wanted not in INCLUDED:
            yield f"include: {str(wanted)[:60]!r} is not known here."
    if an_object(body.get("text")).get("verbosity") not in (None, "medium"):
        yield "text.verbosity: the model is not told; ask for it in words."
    if an_object(body.get("stream_options")).get("include_obfuscation"):
        yield "stream_options.include_obfuscation: events are as long as what they say."
    if an_object(body.get("reasoning")).get("mode") not in (None, "standard"):
        yield "reasoning.mode: there is only the standard one."


def refuse_what_would_be_wrong(body: JsonObject) -> None:
    if flag(body, "background"):
        raise refused("background", "is not possible here; stream the response instead.")
    if body.get("conversation") is not None:
        raise refused(
            "conversation",
            "is not kept here; send its items as input, or use previous_response_id.",
        )
    if body.get("prompt") is not None:
        raise refused("prompt", "is kept at OpenAI's; send its text as instructions and input.")
    for side in an_object(an_object(body.get("moderation")).get("policy")).values():
        if an_object(side).get("mode") == "block":
            raise refused("moderation", "cannot block anything here; leave it out.")


# Fields of their own.


def as_instructions(value: Json) -> list[Json]:
    match value:
        case None:
            return []
        case str():
            return [{"type": "message", "role": "system", "content": value}]
        case list():
            return value
        case _:
            raise refused("instructions", f"is a string or a list of items, not {kind_of(value)}.")


def most_tokens(body: JsonObject) -> int | None:
    wanted = integer(body, "max_output_tokens", 1)
    return integer(body, "max_tokens", 1) if wanted is None else wanted


def sampling(body: JsonObject, stop: tuple[str, ...]) -> Sampling:
    return Sampling(
        temperature=number(body, "temperature", 0, 2),
        top_p=number(body, "top_p", 0, 1),
        max_tokens=most_tokens(body),
        stop=stop,
    )


SUMMARIES = ("none", "auto", "concise", "detailed")


def summary_of(thoughts: JsonObject) -> str | None:
    """Which summary is wanted: None if none is.  They are all the same here, and complete."""
    older = one_of(SUMMARIES, thoughts, "generate_summary", "reasoning.")
    newer = one_of(SUMMARIES, thoughts, "summary", "reasoning.")
    wanted = older if newer == "none" else newer
    return None if wanted == "none" else wanted


def one_of(values: tuple[str, ...], body: JsonObject, name: str, place: str = "") -> str:
    """The word there, the first of the values if there is none."""
    value = string(body, name, place)
    if value is None:
        return values[0]
    if value not in values:
        raise refused(f"{place}{name}", f"is one of {', '.join(values)}.")
    return value


def text_format(value: Json) -> ResponseFormat | None:
    match value:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return ResponseFormat()
        case {"type": "json_schema", "name": str(name)}:
            schema = value.get("schema")
            if not (schema is None or isinstance(schema, dict)):
                raise refused("text.format.schema", f"is an object, not {kind_of(schema)}.")
            return ResponseFormat(schema, name)
        case {"type": "json_schema"}:
            raise refused("text.format", "of type json_schema has a name and a schema.")
        case {"type": str(kind)}:
            raise refused("text.format", f"of type {kind[:40]!r} is not supported.")
        case _:
            raise refused("text.format", "is an object with a type.")
