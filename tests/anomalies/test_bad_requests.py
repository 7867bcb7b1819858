"""Whatever is sent, it is understood or refused in words; it is never our fault."""

import asyncio
import gzip
import zlib
from base64 import b64encode

import pytest
from aiohttp import ClientSession

from lingma_proxy.jsonio import Json, JsonObject, loads
from lingma_proxy.server.app import Server
from support.raw import client, post
from support.served import CHAT, MESSAGES, RESPONSES, scripted
from support.simulated import simulated

LONGEST = 700
"""Characters of a message for people."""


def nested(depth: int) -> JsonObject:
    value: JsonObject = {}
    for _ in range(depth):
        value = {"a": value}
    return value


ODD: list[Json] = [
    *(None, True, 0, -1, 1.5, 2**70, 1e308, "", "x", "é" * 3000, "\0", [], [[]], [None], [1]),
    *({}, {"a": None}, {"type": "x"}, {"type": None}, [{}], [{"type": "text"}], nested(900)),
]
FIELDS = {
    "/v1/chat/completions": """messages model temperature top_p n stop max_tokens seed tools
        max_completion_tokens tool_choice parallel_tool_calls response_format stream_options
        reasoning_effort logit_bias user metadata modalities audio prediction functions
        function_call logprobs top_logprobs unknown""",
    "/v1/responses": """input model instructions previous_response_id conversation prompt store
        temperature top_p max_output_tokens max_tool_calls tools tool_choice parallel_tool_calls
        text reasoning include metadata truncation background stream_options top_logprobs
        prompt_cache_key safety_identifier service_tier user moderation generate unknown""",
    "/v1/messages": """messages model max_tokens system temperature top_p top_k stop_sequences
        metadata tools tool_choice thinking service_tier container mcp_servers output_config
        thread unknown""",
    "/v1/messages/count_tokens": "messages model system tools tool_choice thinking",
}
SOUND = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": CHAT,
}


def user(*content: Json) -> JsonObject:
    return {"messages": [{"role": "user", "content": list(content)}]}


def after_a_call(*rest: JsonObject) -> JsonObject:
    call = {"id": "1", "type": "function", "function": {"name": "f" * 100, "arguments": "{"}}
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [call, call]}]
    return {"messages": [*said, *rest]}


def schema(value: Json) -> JsonObject:
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": value}}
    }


def function(name: Json, parameters: Json) -> JsonObject:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def doubling(depth: int) -> JsonObject:
    steps = {f"a{at}": {"allOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(depth)}
    return {"$defs": {**steps, f"a{depth}": {}}, "$ref": "#/$defs/a0"}


TEXT = b64encode(b"this is text").decode()
PICTURES = ["x", "", "file:///etc/passwd", "/etc/passwd", "data:,", "data:image/png;base64,!!",
            "data:image/png;base64,", f"data:image/png;base64,{TEXT}", f"data:text/plain;base64,{TEXT}",
            "javascript:alert(1)", 7, None]  # fmt: skip
SOURCES = [None, 1, {}, {"type": "base64"}, {"type": "base64", "media_type": "image/png", "data": "!"},
           {"type": "base64", "media_type": "image/png", "data": TEXT}, {"type": "file", "file_id": "x"},
           {"type": "url", "url": "file:///etc/passwd"}, {"type": "base64", "media_type": 1, "data": 1}]  # fmt: skip
BLOCKS = [
    "text",
    "image",
    "tool_result",
    "tool_use",
    "thinking",
    "redacted_thinking",
    "document",
    "search_result",
    "server_tool_use",
    "web_search_tool_result",
    "container_upload",
    "mcp_tool_use",
    "nonsense",
]

ITEMS = [
    *("message", "reasoning", "function_call", "function_call_output", "custom_tool_call"),
    *("custom_tool_call_output", "local_shell_call", "local_shell_call_output", "mcp_call"),
    *("tool_search_call", "tool_search_output", "additional_tools", "item_reference"),
    *("compaction", "computer_call_output", "web_search_call", "nonsense"),
]

HARD: dict[str, list[JsonObject]] = {
    "/v1/chat/completions": [
        *({"messages": [{"role": role, "content": "x"}]} for role in ("assistant", "system", "tool", "x", 1)),
        {"messages": [{"role": "tool", "tool_call_id": "orphan", "content": "x"}]},
        after_a_call(),
        after_a_call({"role": "user", "content": "x"}),
        after_a_call(*[{"role": "tool", "tool_call_id": "1", "content": "x"}] * 3),
        *(user({"type": "image_url", "image_url": {"url": url}}) for url in PICTURES),
        *(user({"type": "image_url", "image_url": url}) for url in PICTURES),
        *({"tools": [function(name, {})]} for name in ("", "a" * 200, "a.b/c", "你好", None, 1)),
        *({"tools": [function("f", parameters)]} for parameters in ODD),
        {"tools": [function("f", {})] * 2},
        {"tools": [function("f", {})], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        {"tool_choice": "required"},
        *map(schema, [{"type": "x"}, {"$ref": "#"}, {"$ref": "#/no"}, {"$ref": "http://127.0.0.1:9/"},
                      {"pattern": "("}, {"pattern": "((a{100}){100}){100}"}, nested(300), doubling(60), None, []]),
        {"n": 10**6},
        {"stop": ["x"] * 100},
    ],
    "/v1/responses": [
        *({"input": [{"role": role, "content": "x"}]} for role in ("assistant", "system", "tool", 1)),
        *({"input": [{"type": item}]} for item in ITEMS),
        *({"input": [{"type": item, "call_id": "1", "name": "f", "arguments": 1, "output": odd}]}
          for item in ITEMS for odd in ODD),
        *({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]} for url in PICTURES),
        *({"tools": [{"type": kind, "name": "f", "tools": odd, "format": odd}]}
          for kind in ("function", "custom", "namespace", "local_shell", "tool_search") for odd in ODD),
        *({"tool_choice": {"type": kind, "name": "f", "tools": odd}}
          for kind in ("function", "custom", "allowed_tools", "mcp") for odd in ODD),
        *({"text": {"format": odd}} for odd in ODD),
        {"input": [{"type": "reasoning", "summary": odd, "encrypted_content": odd} for odd in ODD]},
    ],
    "/v1/messages": [
        *({"messages": [{"role": role, "content": "x"}]} for role in ("assistant", "system", "tool", "x", 1)),
        *(user({"type": block}) for block in BLOCKS),
        *(user({"type": "image", "source": source}) for source in SOURCES),
        user({"type": "tool_result", "tool_use_id": "orphan", "content": "x"}),
        {"tools": [{"name": "a" * 200, "input_schema": {}}]},
        *({"tools": [{"name": "f", "input_schema": schema}]} for schema in ODD),
        {"tools": [{"type": "nonsense_1", "name": "x"}]},
        {"tool_choice": {"type": "any"}},
        {"thinking": {"type": "enabled", "budget_tokens": -1}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", SOUND)
async def test_no_field_can_hold_what_would_be_our_fault(path):
    changes = [{field: value} for field in FIELDS[path].split() for value in ODD]
    changes += HARD.get(path, [])
    async with simulated() as (served, _):
        for change in changes:
            answer, data = await served.post(path, {**SOUND[path], **change})
            body = loads(data)

            assert answer.status < 500, (change, body)
            if answer.status != 200:
                assert 10 < len(body["error"]["message"]) < LONGEST, change
                assert (body.get("type") == "error") is path.startswith("/v1/messages")

        assert served.gateway.limit.running == 0


# A body that is too large, in every wrapping.

LIMIT = 2**20


def chunked(size: int) -> bytes:
    piece = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    return piece * (size // 2**16 + 1) + b"0\r\n\r\n"


def asked(data: bytes, **headers: str) -> bytes:
    return post("/v1/messages", data, **headers)


TOO_LARGE = {
    "announced": lambda: (
        asked(b"")[:-4].replace(b"Content-Length: 0", b"Content-Length: 40000000") + b"\r\n\r\n"
    ),
    "in chunks": lambda: (
        asked(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + chunked(2 * LIMIT)
    ),
    "gzip": lambda: asked(gzip.compress(b" " * 2**26), Content_Encoding="gzip"),
    "deflate": lambda: asked(zlib.compress(b" " * 2**26), Content_Encoding="deflate"),
}


@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_body_beyond_the_limit_is_refused_however_it_is_wrapped(request_):
    async with scripted(max_body_mb=1) as served:
        async with client(served.port) as sending, asyncio.timeout(10):
            sending.writer.write(request_())
            status = await sending.reader.readline()

    assert status.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"a":1}{', b"\xff", b'{"a":NaN}', b"[" * 10**6, b'"' + b"a" * 10**6],
)  # fmt: skip
async def test_what_is_no_json_object_is_said_to_be_none(body):
    async with scripted() as served:
        async with served.session.post(served.url + "/v1/messages", data=body) as answer:
            said = await answer.json()

    assert answer.status == 400
    assert "JSON" in said["error"]["message"]
    assert len(said["error"]["message"]) < LONGEST


# Who may not ask may not ask anything, anywhere.

STRANGERS = [
    {"Host": "rebound.example"},
    {"Host": "localhost.rebound.example:8095"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
]


async def heard_by(session: ClientSession, method: str, url: str, headers: dict[str, str]):
    async with session.request(method, url, headers=headers, data=b"{}") as answer:
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("stranger", STRANGERS, ids=str)
async def test_strangers_are_refused_on_every_route_with_every_method(stranger):
    async with scripted() as served:
        paths = [*Server(served.gateway)._table(), "/v1/models/x", "/nowhere", "/debug/requests"]
        for path in paths:
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
                status, headers, _ = await heard_by(
                    served.session, method, served.url + path, stranger
                )

                assert status == 403, (method, path)
                assert not [name for name in headers if name.lower().startswith("access-control")]


async def test_without_the_key_every_route_but_the_probes_is_closed():
    async with scripted(api_key="k") as served:
        for path, methods in Server(served.gateway)._table().items():
            for method in (*methods, "OPTIONS", "HEAD"):
                status, _, _ = await heard_by(served.session, method, served.url + path, {})

                assert (status == 401) is (path not in {"/livez", "/readyz"}), (method, path)
