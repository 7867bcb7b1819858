"""What a client asks in Ollama's words: the bodies of `POST /api/chat` and `/api/generate`.

Reference: https://docs.ollama.com/api/chat, …/api/generate, and for the options
https://docs.ollama.com/modelfile

Where `stream` is absent, a stream is wanted.  A body without messages, or without a prompt,
asks nothing: it has a model loaded, or unloaded.  Every documented field is honoured, or has
no effect on the answer, or is named in a warning, or (where an answer without it would be a
wrong one) is refused.  Unknown fields pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lingma_proxy.conversation import history
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
)
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.dialects.ollama_messages import conversation, images
from lingma_proxy.dialects.openai_shared import (
    EFFORTS,
    a_list_at,
    an_object_at,
    flag,
    integer,
    kind_of,
    number,
    refused,
    string,
)
from lingma_proxy.jsonio import Json, JsonObject


@dataclass(frozen=True, slots=True)
class OllamaAsked(Asked):
    """What Ollama's dialects have to remember until they answer."""

    unloads: bool = False
    """If nothing is asked: whether the model is to be unloaded, not loaded."""


def decode_chat(body: JsonObject, id: str) -> OllamaAsked:
    """Raises InvalidRequest."""
    messages = conversation(body.get("messages"))
    history.check(messages)
    return asked(body, id, messages)


def decode_generate(body: JsonObject, id: str) -> OllamaAsked:
    """One question, with a system message before it if there is one.  Raises InvalidRequest."""
    refuse_what_would_be_wrong(body)
    prompt, pictures = string(body, "prompt") or "", images(body, "")
    if not prompt and not pictures:
        return asked(body, id, ())
    system = string(body, "system")
    before = (Message("system", (Text(system),)),) if system else ()
    words = (Text(prompt),) if prompt else ()
    return asked(body, id, (*before, Message("user", (*pictures, *words))))


def asked(body: JsonObject, id: str, messages: tuple[Message, ...]) -> OllamaAsked:
    options = {f"options.{name}": value for name, value in an_object_at(body, "options").items()}
    stop, stop_warnings = shared.ends(options.get("options.stop"), "options.stop")
    thinking, thinking_warnings = reasoning(body.get("think"))
    declared = [
        shared.tool(value, f"tools[{at}]") for at, value in enumerate(a_list_at(body, "tools"))
    ]
    request = ChatRequest(
        id=id,
        model=string(body, "model") or "",
        messages=messages,
        tools=shared.distinct(declared, "tools"),
        sampling=sampling(options, stop),
        reasoning=thinking,
        response_format=response_format(body.get("format")),
    )
    return OllamaAsked(
        request,
        stream=flag(body, "stream") is not False,
        warnings=(*stop_warnings, *thinking_warnings, *unhonoured({**body, **options})),
        asks=bool(messages),
        unloads=is_nothing(body.get("keep_alive")),
    )


def is_nothing(keep_alive: Json) -> bool:
    """Whether it is no time at all: 0 seconds, or `"0"`, `"0s"`, `"0m"`."""
    match keep_alive:
        case bool():
            return False
        case int() | float():
            return keep_alive == 0
        case str():
            return keep_alive.rstrip("hmnsuµ") in {"0", "0.0"}
        case _:
            return False


# Fields that are not honoured.

UNHONOURED: dict[str, tuple[tuple[Json, ...], str]] = {
    "logprobs": ((False,), "logprobs: the probabilities of tokens are not known."),
    "top_logprobs": ((0,), "top_logprobs: the probabilities of tokens are not known."),
    "template": (("",), "template: each model has the vendor's own."),
    "context": (([],), "context: it is none of ours, and is not read; /api/chat has a memory."),
    "width": ((), "width: no pictures are made; the answer is text."),
    "height": ((), "height: no pictures are made; the answer is text."),
    "steps": ((), "steps: no pictures are made; the answer is text."),
    "options.min_p": ((0,), "options.min_p: the vendor has no such limit."),
    "options.typical_p": ((1,), "options.typical_p: the vendor has no such limit."),
    "options.tfs_z": ((1,), "options.tfs_z: the vendor has no such limit."),
    "options.repeat_penalty": (
        (1,),
        "options.repeat_penalty: the vendor has none; try options.frequency_penalty.",
    ),
    "options.repeat_last_n": ((), "options.repeat_last_n: the vendor looks back as it likes."),
    "options.penalize_newline": ((), "options.penalize_newline: line breaks are as good as any."),
    "options.mirostat": ((0,), "options.mirostat: the vendor does not sample so."),
    "options.num_ctx": ((), "options.num_ctx: a model's window is as large as it is."),
    "options.num_keep": ((), "options.num_keep: nothing is cut out of a conversation."),
}
"""Field ▸ values that ask for nothing (as null does), and the warning for all others.

Without a word: `keep_alive`, `mirostat_tau` and `mirostat_eta` (nothing without `mirostat`),
and the options for the machine on which a model runs, such as `num_gpu` and `use_mmap`.
"""


def unhonoured(fields: JsonObject) -> Iterator[str]:
    for name, (silent, warning) in UNHONOURED.items():
        value = fields.get(name)
        if value is not None and value not in silent:
            yield warning


def refuse_what_would_be_wrong(body: JsonObject) -> None:
    if flag(body, "raw"):
        raise refused(
            "raw",
            "cannot be done: the models here take conversations, not bare prompts. Leave it out"
            " and send the question alone, without a template around it.",
        )
    if string(body, "suffix"):
        raise refused(
            "suffix", "cannot be done: the models here do not fill in the middle of a text."
        )


# Fields of their own.


def sampling(options: JsonObject, stop: tuple[str, ...]) -> Sampling:
    """`options`, with their names as they are said in errors: `options.top_k`."""
    most = integer(options, "options.num_predict")
    top_k = integer(options, "options.top_k")
    return Sampling(
        temperature=number(options, "options.temperature", 0, 2),
        top_p=number(options, "options.top_p", 0, 1),
        top_k=top_k if top_k is not None and top_k > 0 else None,  # 0: "all of them"
        max_tokens=most if most is not None and most > 0 else None,  # -1, -2: "no limit"
        stop=stop,
        seed=integer(options, "options.seed"),
        presence_penalty=number(options, "options.presence_penalty", -2, 2),
        frequency_penalty=number(options, "options.frequency_penalty", -2, 2),
    )


def reasoning(value: Json) -> tuple[Reasoning, tuple[str, ...]]:
    """`think`: yes or no, or how hard.  A level that nobody knows is the model's own habit."""
    match value:
        case None:
            return Reasoning(), ()
        case bool():
            return Reasoning(wanted=value, shown=value), ()
        case str() if value in EFFORTS:
            off = value == "none"
            return Reasoning(wanted=not off, effort=EFFORTS[value], shown=not off), ()
        case str():
            return Reasoning(), (f"think: it is true, false, or one of {', '.join(EFFORTS)}.",)
        case _:
            raise refused("think", f"is true or false or a level, not {kind_of(value)}.")


def response_format(value: Json) -> ResponseFormat | None:
    match value:
        case None | "":
            return None
        case "json":
            return ResponseFormat()
        case dict():
            return ResponseFormat(value)
        case _:
            raise refused("format", 'is "json" or a JSON Schema, which is an object.')
