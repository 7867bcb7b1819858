"""Who judges a dialect: a walker over its streams, its official SDK, and a full request."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anthropic
import openai

from lingma_proxy.dialect import Asked
from lingma_proxy.jsonio import Json, JsonObject, dumpb
from support import anthropic_grammar, anthropic_sdk, ollama_sdk, openai_sdk
from support.chat_grammar import ChatGrammar
from support.ollama_grammar import OllamaGrammar
from support.responses_grammar import ResponsesGrammar

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class Judge:
    body: JsonObject
    """A request for a stream with most of what the dialect's API has in it."""
    walk: Callable[[Asked, bytes], None]
    """AssertionError, unless the bytes are a legal stream with one terminator at its end."""
    folded: Callable[[bytes], JsonObject]
    """What a stream amounts to, by the official SDK."""
    read: Callable[[JsonObject], JsonObject]
    """What an unstreamed answer says, by the official SDK."""
    sdk_error: type[Exception]
    """What the official SDK raises for a stream that fails."""


CHAT: JsonObject = {
    "model": "qmodel",
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "And kind."}]},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What is it?\n"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning_content": "A file.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "read", "arguments": '{"path": "a"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "x"}]},
        {"role": "user", "content": "So?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "read",
                "description": "Reads.",
                "parameters": SCHEMA,
                "strict": True,
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "read"}},
    "parallel_tool_calls": False,
    "temperature": 0.5,
    "top_p": 0.9,
    "max_completion_tokens": 100,
    "stop": ["END"],
    "seed": 7,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    },
    "n": 1,
    "user": "ann",
    "metadata": {"a": "b"},
}


def walk_chat(asked: Asked, stream: bytes) -> None:
    grammar = ChatGrammar(asked.choices, usage=asked.usage)
    grammar.feed(stream)
    grammar.end()


def folded_chat(stream: bytes) -> JsonObject:
    with openai_sdk.client(stream).chat.completions.stream(model="m", messages=[]) as events:
        events.until_done()
        return said(events.current_completion_snapshot.to_dict())


def read_chat(body: JsonObject) -> JsonObject:
    client = openai_sdk.client(dumpb(body), media_type="application/json")
    return said(client.chat.completions.create(model="m", messages=[]).to_dict())


def read_lmstudio(body: JsonObject) -> JsonObject:
    """Without what LM Studio says only when it does not stream."""
    answer = read_chat(body)
    for more in ("stats", "model_info", "runtime"):
        assert answer.pop(more)
    return answer


def said(completion: JsonObject) -> JsonObject:
    """What a completion says, by either of the SDK's two ways."""
    return {key: plain(value) for key, value in completion.items() if value is not None}


def plain(value: Json) -> Json:
    """Without what only one of the SDK's two ways adds: nulls, empty lists, its own parsing."""
    match value:
        case {"function": {"name": str()}, "index": int(), **call}:
            return plain({"function": value["function"], **call})
        case dict():
            return {
                key: plain(each)
                for key, each in value.items()
                if each is not None and each != [] and not key.startswith("parsed")
            }
        case list():
            return [plain(each) for each in value]
        case _:
            return value


ANTHROPIC: JsonObject = {
    "model": "qmodel",
    "stream": True,
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?\n"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "A file.", "signature": "c2lnbmVk"},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "call_1", "name": "read", "input": {"path": "a"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "x"}],
                },
                {"type": "text", "text": "So?"},
            ],
        },
    ],
    "tools": [{"name": "read", "description": "Reads.", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "temperature": 0.5,
    "top_k": 40,
    "stop_sequences": ["END"],
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "metadata": {"user_id": "ann"},
}


def walk_anthropic(asked: Asked, stream: bytes) -> None:
    state = anthropic_grammar.walk(stream)
    assert state == "done", f"the stream ended while {state}"


OLLAMA_OPTIONS: JsonObject = {
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "seed": 7,
    "num_predict": 100,
    "stop": ["END"],
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "repeat_penalty": 1.1,
    "num_ctx": 4096,
    "num_gpu": 1,
}
OLLAMA_CHAT: JsonObject = {
    "model": "qmodel",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?\n", "images": [PIXEL]},
        {
            "role": "assistant",
            "content": "Let me look.",
            "thinking": "A file.",
            "tool_calls": [
                {"function": {"index": 0, "name": "read", "arguments": {"path": "a"}}},
                {"id": "call_2", "function": {"name": "read", "arguments": {"path": "b"}}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": "y"},
        {"role": "tool", "tool_name": "read", "content": "x"},
        {"role": "user", "content": "So?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "read", "description": "Reads.", "parameters": SCHEMA},
        }
    ],
    "think": "low",
    "format": SCHEMA,
    "options": OLLAMA_OPTIONS,
    "keep_alive": "5m",
}
OLLAMA_GENERATE: JsonObject = {
    "model": "qmodel",
    "system": "Be brief.",
    "prompt": "What is it?\n",
    "images": [PIXEL],
    "think": True,
    "format": "json",
    "options": OLLAMA_OPTIONS,
    "keep_alive": 60,
}


def walk_ollama(asked: Asked, stream: bytes, *, chat: bool) -> None:
    del asked
    grammar = OllamaGrammar(chat=chat)
    grammar.feed(stream)
    grammar.end()


RESPONSES: JsonObject = {
    "model": "qmodel",
    "stream": True,
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "And kind."},
        {
            "type": "message",
            "role": "user",
            "id": "msg_1",
            "content": [
                {"type": "input_text", "text": "What is it?\n"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "A file."}],
            "encrypted_content": "Zm9yZWlnbg==",
        },
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_2",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
        },
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "read",
            "arguments": '{"path": "a"}',
        },
        {
            "type": "function_call",
            "call_id": "call_2",
            "name": "stop",
            "namespace": "agents",
            "arguments": "{}",
        },
        {"type": "custom_tool_call", "call_id": "call_3", "name": "patch", "input": "+ a\n"},
        {
            "type": "local_shell_call",
            "id": "lsh_1",
            "call_id": "call_4",
            "action": {"type": "exec", "command": ["ls"], "env": {}},
        },
        {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": [{"type": "input_text", "text": "x"}],
        },
        {"type": "function_call_output", "call_id": "call_2", "output": ""},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "Done."},
        {"type": "local_shell_call_output", "id": "lsh_1", "output": "a"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"role": "user", "content": "So?"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "read",
            "description": "Reads.",
            "parameters": SCHEMA,
            "strict": True,
        },
        {
            "type": "namespace",
            "name": "agents",
            "description": "Helpers.",
            "tools": [{"type": "function", "name": "stop", "parameters": SCHEMA}],
        },
        {
            "type": "custom",
            "name": "patch",
            "description": "Edits.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
        },
        {"type": "local_shell"},
        {"type": "web_search"},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "read"}, {"type": "custom", "name": "patch"}],
    },
    "parallel_tool_calls": False,
    "temperature": 0.5,
    "top_p": 0.9,
    "max_output_tokens": 100,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {
        "format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True},
        "verbosity": "low",
    },
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "metadata": {"a": "b"},
    "prompt_cache_key": "thread-1",
}


def walk_responses(asked: Asked, stream: bytes) -> None:  # the stream says it all
    grammar = ResponsesGrammar()
    grammar.feed(stream)
    grammar.end()


class ResponseFailed(Exception):  # the event's own name
    """The SDK raises nothing: it hands the event over, and its user looks at it."""


def folded_responses(stream: bytes) -> JsonObject:
    with openai_sdk.client(stream).responses.stream(model="m", input="x") as events:
        for event in events:
            match event.type:
                case "response.completed" | "response.incomplete":
                    return plain(event.response.to_dict())  # type: ignore[no-any-return]  # an object
                case "response.failed":
                    assert event.response.error is not None
                    raise ResponseFailed(event.response.error.message)
                case _:
                    pass
    raise AssertionError("the stream has no end")


def read_responses(body: JsonObject) -> JsonObject:
    client = openai_sdk.client(dumpb(body), media_type="application/json")
    return plain(client.responses.create(model="m", input="x").to_dict())  # type: ignore[no-any-return]  # the same


JUDGES: dict[str, Judge] = {
    "openai_chat": Judge(CHAT, walk_chat, folded_chat, read_chat, openai.APIError),
    "openai_responses": Judge(
        RESPONSES, walk_responses, folded_responses, read_responses, ResponseFailed
    ),
    "anthropic": Judge(
        ANTHROPIC,
        walk_anthropic,
        anthropic_sdk.folded,
        anthropic_sdk.read,
        anthropic.APIStatusError,
    ),
    "lmstudio_chat": Judge(CHAT, walk_chat, folded_chat, read_lmstudio, openai.APIError),
    "ollama_chat": Judge(
        OLLAMA_CHAT,
        partial(walk_ollama, chat=True),
        ollama_sdk.folded_chat,
        ollama_sdk.read_chat,
        ollama_sdk.ResponseError,
    ),
    "ollama_generate": Judge(
        OLLAMA_GENERATE,
        partial(walk_ollama, chat=False),
        ollama_sdk.folded_generate,
        ollama_sdk.read_generate,
        ollama_sdk.ResponseError,
    ),
}
