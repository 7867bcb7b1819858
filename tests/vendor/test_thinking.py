import pytest

from lingma_proxy.conversation.request import ChatRequest, Message, Reasoning, Text
from lingma_proxy.vendor.thinking import wanted, word


@pytest.mark.parametrize(
    ("reasoning", "asked"),
    [
        (Reasoning(), None),
        (Reasoning(wanted=True), True),
        (Reasoning(effort="low"), True),
        (Reasoning(budget_tokens=1), True),
        (Reasoning(wanted=False), False),
        (Reasoning(wanted=False, effort="high"), False),
        (Reasoning(effort="none"), False),
        (Reasoning(wanted=True, effort="none"), False),
    ],
)
def test_off_is_off_and_an_effort_is_a_wish(reasoning, asked):
    assert wanted(reasoning) is asked


def said(model, **reasoning):
    return word(
        ChatRequest("1", model, (Message("user", (Text("hi"),)),), reasoning=Reasoning(**reasoning))
    )


def test_a_family_that_was_taught_words_is_told_with_them():
    assert said("Qwen3-32B", wanted=False) == "/no_think"
    assert said("qwen3:8b", effort="high") == "/think"
    assert said("qwen3-8b") == ""


@pytest.mark.parametrize(
    "model", ["Qwen3.6-Plus", "Qwen3-Coder", "Qwen3-30B-A3B-Thinking-2507", "GLM", "kmodel", ""]
)
def test_the_others_are_told_nothing(model):
    assert said(model, wanted=False) == ""
