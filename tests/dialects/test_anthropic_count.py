from typing import Any

import pytest

from lingma_proxy.conversation.tokens import count_request
from lingma_proxy.dialects.anthropic_count import count
from lingma_proxy.errors import InvalidRequest
from support import anthropic_sdk as sdk


def counted(**body: Any) -> int:
    found = count(
        {"messages": [{"role": "user", "content": "hello"}], **body}, "req_1", count_request
    )
    tokens = found["input_tokens"]
    assert isinstance(tokens, int)
    return tokens


def test_a_word_is_few_tokens() -> None:
    assert 5 < counted() < 15


def test_what_is_sent_counts() -> None:
    tool = {"name": "f", "description": "Do it.", "input_schema": {"type": "object"}}

    assert counted(system="Be brief.") > counted()
    assert counted(tools=[tool]) > counted(tools=[]) == counted()


def test_what_is_not_sent_does_not() -> None:
    assert counted(model="a-very-long-name", metadata={"user_id": "x" * 1000}) == counted()


def test_half_a_turn_can_be_counted() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}

    assert counted(messages=[{"role": "assistant", "content": [call]}]) > 5


def test_context_management_edits_nothing() -> None:
    messages = [{"role": "user", "content": "hello"}]
    found = count(
        {"messages": messages, "context_management": {"edits": []}}, "req_1", count_request
    )

    assert found["context_management"] == {"original_input_tokens": found["input_tokens"]}


def test_a_wrong_body_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="messages"):
        count({}, "req_1", count_request)


def test_the_sdk_reads_the_count() -> None:
    body = count({**sdk.ASK, "context_management": {}}, "req_1", count_request)
    messages = sdk.ASK["messages"]
    plain = sdk.answering(body).messages.count_tokens(model="m", messages=messages)
    beta = sdk.answering(body).beta.messages.count_tokens(model="m", messages=messages)

    assert plain.input_tokens == beta.input_tokens == body["input_tokens"]
    assert beta.context_management is not None
