from dataclasses import FrozenInstanceError, fields, is_dataclass, replace

import pytest
from hypothesis import given

from lingma_proxy.conversation import request
from lingma_proxy.conversation.request import ChatRequest, Image, Message, Text, ToolResult
from support.strategies import texts

VALUES = [
    kind
    for kind in vars(request).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == request.__name__
]


def asked(text: str) -> ChatRequest:
    return ChatRequest(id="1", model="m", messages=(Message("user", (Text(text),)),))


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_what_was_asked_is_frozen_and_small(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # dataclasses have no public name for it
    assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)


def test_nothing_can_be_changed_once_it_is_asked() -> None:
    with pytest.raises(FrozenInstanceError):
        asked("x").model = "other"  # type: ignore[misc]  # that it cannot is the point


@given(texts)
def test_equal_content_is_equal_and_text_is_kept_as_it_came(text: str) -> None:
    assert asked(text) == asked(text)
    assert asked(text) != asked(text + " ")
    assert asked(text).messages[0].parts == (Text(text),)


def test_what_was_not_said_is_not_there() -> None:
    silent = asked("x")

    assert {getattr(silent.sampling, field.name) for field in fields(silent.sampling)} == {None, ()}
    assert (silent.tools, silent.tool_choice, silent.parallel_tool_calls) == ((), "auto", True)
    assert (silent.reasoning.wanted, silent.reasoning.shown) == (None, True)
    assert silent.response_format is None
    assert silent.conversation == ""


def test_a_request_can_be_asked_of_another_model() -> None:
    assert replace(asked("x"), model="other").messages == asked("x").messages


def test_bytes_of_pictures_are_not_shown() -> None:
    result = ToolResult("call_1", (Text("Here:"), Image("image/png", b"secret")))

    assert "secret" not in repr(result)
    assert "image/png" in repr(result)
