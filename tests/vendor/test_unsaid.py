from dataclasses import replace
from typing import Any

import pytest

from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    NamedTool,
    Reasoning,
    Sampling,
    Text,
    Tool,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.vendor.unsaid import unsaid

TOOLS = (Tool("read", "", {}),)


def asked(**more):
    return ChatRequest("1", "m", (Message("user", (Text("hi"),)),), **more)


def test_a_plain_request_loses_nothing():
    assert unsaid(asked(), "Lingma") == ()


def test_what_is_made_good_above_is_not_named():
    assert unsaid(asked(sampling=Sampling(max_tokens=5, stop=("x",))), "Lingma") == ()


@pytest.mark.parametrize(
    "name",
    ["temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty"],
)
def test_each_parameter_that_is_lost_is_named(name):
    value: dict[str, Any] = {name: 0}
    (warning,) = unsaid(asked(sampling=Sampling(**value)), "Lingma")

    assert warning == f"{name} is not sent: Lingma takes no such parameter."


def test_tools_that_are_not_offered_are_named():
    (warning,) = unsaid(asked(tools=TOOLS), "The agent")

    assert "tools are not offered" in warning
    assert "The agent" in warning


def test_tools_that_were_not_to_be_used_are_no_loss():
    assert unsaid(asked(tools=TOOLS, tool_choice="none"), "Lingma") == ()


@pytest.mark.parametrize("choice", ["required", NamedTool("read")])
def test_a_call_that_cannot_be_had_is_refused(choice):
    with pytest.raises(InvalidRequest) as caught:
        unsaid(asked(tools=TOOLS, tool_choice=choice), "Lingma")

    assert caught.value.param == "tool_choice"


@pytest.mark.parametrize(
    "reasoning", [Reasoning(wanted=False), Reasoning(effort="low"), Reasoning(budget_tokens=1)]
)
def test_how_much_it_thinks_cannot_be_said(reasoning):
    (warning,) = unsaid(asked(reasoning=reasoning), "Lingma")

    assert "Lingma's own choice" in warning


def test_a_switch_that_can_be_said_in_the_prompt_is_no_loss():
    def warned(**reasoning):
        return unsaid(replace(asked(reasoning=Reasoning(**reasoning)), model="qwen3-8b"), "Lingma")

    assert warned(wanted=False) == warned(wanted=True) == ()
    (warning,) = warned(effort="high")
    assert "knows no degrees" in warning
