"""What goes out and comes back is what went out: history, and every codec with two directions."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Head
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.jsonio import Json, JsonObject, dumpb, dumps, loads
from lingma_proxy.vendor import encoding, remote_request
from support.strategies import arguments, json_objects, some_text, texts, words

# A reply that a client sends back as history, with the results of its calls.

Answer = Callable[[JsonObject, Sequence[tuple[str, str]]], list[JsonObject]]


def ask(dialect: Dialect, conversation: list[JsonObject]) -> JsonObject:
    """A request in which a client shows all that was said."""
    if dialect.name == "openai_responses":
        return {"model": "m", "input": conversation, "include": ["reasoning.encrypted_content"]}
    return {"model": "m", "max_tokens": 9, "messages": conversation}


def answer_chat(whole: JsonObject, results: Sequence[tuple[str, str]]) -> list[JsonObject]:
    message = whole["choices"][0]["message"]
    return [
        message,
        *({"role": "tool", "tool_call_id": id, "content": text} for id, text in results),
    ]


def answer_anthropic(whole: JsonObject, results: Sequence[tuple[str, str]]) -> list[JsonObject]:
    said = [
        {"type": "tool_result", "tool_use_id": id, "content": text} for id, text in results
    ]  # fmt: skip
    return [
        {"role": "assistant", "content": whole["content"]},
        {"role": "user", "content": said or "Go on."},
    ]


def answer_ollama(whole: JsonObject, results: Sequence[tuple[str, str]]) -> list[JsonObject]:
    return [
        whole["message"],
        *({"role": "tool", "tool_call_id": id, "content": text} for id, text in results),
    ]


def answer_responses(whole: JsonObject, results: Sequence[tuple[str, str]]) -> list[JsonObject]:
    return [
        *whole["output"],
        *({"type": "function_call_output", "call_id": id, "output": text} for id, text in results),
    ]


ANSWERS: dict[str, Answer] = {
    "openai_chat": answer_chat,
    "openai_responses": answer_responses,
    "anthropic": answer_anthropic,
    "ollama_chat": answer_ollama,
    "lmstudio_chat": answer_chat,
}
WITHOUT_HISTORY = {"ollama_generate"}
"""There, each question is the first."""
with_history = pytest.mark.parametrize(
    "dialect",
    [dialect for dialect in DIALECTS if dialect.name not in WITHOUT_HISTORY],
    ids=lambda dialect: dialect.name,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Head], list[tuple[str, str]]]:
    """The parts of a reply, in the order that both dialects have a place for, and results."""
    parts: list[Head] = []
    if draw(st.booleans()):
        parts.append(Thinking(draw(some_text)))
    if draw(st.booleans()):
        parts.append(Text(draw(some_text)))
    ids = draw(st.lists(words, max_size=3, unique=True))
    parts += [ToolCall(id, draw(words), dumps(draw(json_objects))) for id in ids]
    return parts or [Text("Hm.")], [(id, draw(texts)) for id in ids]


@with_history
@given(histories())
def test_a_reply_comes_back_as_it_was_said(
    dialect: Dialect, history: tuple[list[Head], list[tuple[str, str]]]
) -> None:
    parts, results = history
    question = {"role": "user", "content": "x"}
    asked = dialect.decode(ask(dialect, [question]), "req_1")
    asked = replace(asked, request=replace(asked.request, reasoning=SHOWN))
    reply = Reply("1", "m", tuple(parts), FinishReason.STOP)

    whole = loads(dumpb(dialect.whole(asked, [reply], 0)))
    again = [question, *ANSWERS[dialect.name](whole, results)]
    messages = dialect.decode(ask(dialect, again), "req_2").request.messages

    came_back = [part for part in messages[1].parts if part != Text("")]  # it says nothing
    assert [plain(part) for part in came_back] == [plain(part) for part in parts]
    returned = [
        (part.call_id, "".join(each.text for each in part.content if isinstance(each, Text)))
        for message in messages
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    assert returned == results


SHOWN = ChatRequest("", "", ()).reasoning


def plain(part: Part | Head) -> Json:
    """Signatures are made up where there are none; arguments are compared by their value."""
    match part:
        case Thinking(text):
            return ("thinking", text)
        case ToolCall(id, name, written):
            return (id, name, loads(written))
        case _:
            return part


def test_every_dialect_has_its_way_of_answering() -> None:
    assert set(ANSWERS) | WITHOUT_HISTORY == {dialect.name for dialect in DIALECTS}


# What is sent on to the vendor.


@given(
    st.lists(st.tuples(words, words, arguments(), texts), max_size=3, unique_by=lambda it: it[0])
)
def test_calls_and_results_reach_the_vendor_verbatim(
    calls: list[tuple[str, str, str, str]],
) -> None:
    request = ChatRequest(
        "1",
        "m",
        (
            Message("user", (Text("x"),)),
            Message("assistant", tuple(ToolCall(id, name, it) for id, name, it, _ in calls)),
            Message("user", tuple(ToolResult(id, (Text(text),)) for id, _, _, text in calls)),
        ),
    )

    sent = loads(
        remote_request.encode(
            request, key="k", user_type="", now=0, request_id="0" * 32, business_id="b"
        )
    )["messages"]

    made = [call for message in sent for call in message.get("tool_calls") or []]
    assert [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in made
    ] == [(id, name, it) for id, name, it, _ in calls]
    answered = [message for message in sent if message["role"] == "tool"]
    assert [(it["tool_call_id"], it["content"]) for it in answered] == [
        (id, text) for id, _, _, text in calls
    ]


@given(st.binary(max_size=300))
def test_a_veiled_body_is_unveiled(body: bytes) -> None:
    assert encoding.decode(encoding.encode(body)) == body
