import jsonschema_rs
import pytest

from lingma_proxy.server.openapi.requests import REQUESTS
from support.served import CHAT, MESSAGES, RESPONSES


def taken(name, body):
    document = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": REQUESTS}}
    return jsonschema_rs.is_valid(document, body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ChatRequest", CHAT),
        ("MessagesRequest", MESSAGES),
        ("MessagesCountRequest", CHAT),
        ("ResponsesRequest", RESPONSES),
        ("ResponsesCountRequest", RESPONSES),
        ("OllamaChatRequest", CHAT),
        ("OllamaGenerateRequest", {"model": "kmodel", "prompt": "Hi"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_clients_send_is_described(name, body):
    assert taken(name, body)
    assert taken(name, {**body, "of_tomorrow": 1}), "unknown fields pass"


def test_what_is_refused_is_not_described():
    assert not taken("MessagesRequest", CHAT), "max_tokens is missing"
    assert not taken("ChatRequest", {**CHAT, "temperature": 3})
    assert not taken("ChatRequest", {"model": "kmodel"})
