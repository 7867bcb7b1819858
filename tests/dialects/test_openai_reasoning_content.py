"""Hidden thinking comes back; what is not ours, or not whole, is nothing."""

from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import Thinking
from lingma_proxy.dialects.openai_reasoning_content import hidden, revealed
from support.strategies import json_values, texts


@given(texts, texts)
def test_thinking_comes_back(text: str, signature: str) -> None:
    assert revealed(hidden(Thinking(text, signature))) == Thinking(text, signature)


def test_half_a_character_is_no_fault() -> None:
    assert revealed(hidden(Thinking("a\ud83d"))) == Thinking("a�")


@given(st.data())
def test_damaged_thinking_is_nothing(data: st.DataObject) -> None:
    thinking = Thinking("What is it?", "me")
    content = hidden(thinking)
    at = data.draw(st.integers(0, len(content) - 1))
    other = content[:at] + data.draw(st.characters()) + content[at + 1 :]

    assert revealed(other) in {None, thinking}  # some bits of base64 mean nothing
    assert revealed(content[:at]) is None


@given(json_values)
def test_anything_else_is_nothing(content: object) -> None:
    assert revealed(content) is None


def test_the_text_cannot_be_read_at_a_glance() -> None:
    assert "secret" not in hidden(Thinking("a secret plan"))
