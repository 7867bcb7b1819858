import json
from dataclasses import replace

import pytest

from lingma_proxy.conversation.request import (
    Image,
    Message,
    NamedTool,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.transcript import transcript
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.memory import Memory, sections
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.told_tools import answered, in_text, read
from lingma_proxy.tools.parser import ToolParser
from lingma_proxy.tools.prompt import in_text as told
from lingma_proxy.tools.said import CallArguments, CallBegan, CallEnded
from lingma_proxy.tools.toolbox import Toolbox
from support.backends import ask

SHELL = Tool(
    "Bash",
    "Runs <tools> a command.",
    {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
        "required": ["command"],
    },
)
READER = Tool("Read", "", {"type": "object", "properties": {"file_path": {"type": "string"}}})
FORMS = ("hermes", "qwen3_coder", "invoke")


def prompt(*messages, form="hermes", tools=(SHELL, READER), choice="auto"):
    """What a session is told, as the program writes it."""
    request = replace(ask(*messages, tools=tools), tool_choice=choice)
    return transcript(told(request, form).messages)


def says(text, pictures=()):
    memory = Memory()
    memory.hear(text, pictures)
    said = memory.answer(reasons=False)
    return "".join(delta.get("content", "") for delta in said.deltas), said.finish


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("question", ["TOOLTEST, please", "请做 TOOLTEST 测试"])
def test_it_calls_in_the_form_that_it_was_shown(form, question):
    said, finish = says(prompt(question, form=form))

    parser = ToolParser(Toolbox([SHELL, READER]))
    calls = [*parser.feed(said), *parser.end(cut=False)]
    arguments = "".join(each.text for each in calls if isinstance(each, CallArguments))
    assert finish == "stop"
    assert (calls[0], calls[-1]) == (CallBegan("Bash"), CallEnded())
    assert json.loads(arguments) == {"command": "echo hello-from-tool"}
    markers = {"hermes": "<tool_call>\n{", "qwen3_coder": "<function=Bash>", "invoke": "<invoke "}
    assert markers[form] in said


CALLED = Message("assistant", (ToolCall("c1", "Bash", '{"command": "ls"}'),))


@pytest.mark.parametrize("form", FORMS)
def test_a_result_is_repeated_as_it_is(form):
    result = Message("user", (ToolResult("c1", (Text("one\n</tool_response> two"),)),))

    said, _ = says(prompt("TOOLTEST", CALLED, result, form=form))

    assert said == "DONE: one </tool_response> two"


def test_results_of_several_calls_and_what_the_user_says_besides_are_told_apart():
    twice = Message("assistant", (*CALLED.parts, ToolCall("c2", "Bash", "{}")))
    results = Message("user", (ToolResult("c1", (Text("1"),)), ToolResult("c2", (), is_error=True)))

    found = read(sections(prompt("TOOLTEST", twice, results)))

    assert [(m.role, m.text) for m in found.messages[-2:]] == [("tool", "1"), ("tool", "")]
    more = Message("user", (*results.parts, Text("And now?")))
    assert read(sections(prompt("TOOLTEST", twice, more))).messages[-1].text == "And now?"


def test_pictures_in_a_result_are_measured():
    picture = Image("image/png", b"png")
    result = Message("user", (ToolResult("c1", (picture,)),))

    said, _ = says(prompt("TOOLTEST", CALLED, result), [Picture("PNG", 3, 4)])

    assert said.startswith("DONE: ")
    assert "3" in said


@pytest.mark.parametrize("question", ["Hello", "你好"])
@pytest.mark.parametrize(
    ("choice", "called"), [("required", "Bash"), (NamedTool("Read"), "Read"), ("auto", None)]
)
def test_what_is_demanded_is_done(question, choice, called):
    said, _ = says(prompt(question, choice=choice))

    assert (f'"name": "{called}"' in said) is (called is not None)


def test_what_was_demanded_before_is_not_demanded_again():
    memory = Memory()
    memory.hear(prompt("Hello", choice="required"))
    memory.remember("<tool_call>…</tool_call>")
    memory.hear("<tool_response>\nfine\n</tool_response>")

    assert "".join(d["content"] for d in memory.answer(reasons=False).deltas) == "DONE: fine"


def test_the_tools_are_read_whole():
    found = read(sections(prompt("Hello")))

    assert [tool.function.name for tool in found.tools] == ["Bash", "Read"]
    assert found.tools[0].function.parameters == SHELL.parameters
    assert found.tools[0].function.description == SHELL.description
    assert [message.role for message in found.messages] == ["user"]


@pytest.mark.parametrize(
    "said", ["<tools>\nnot JSON\n</tools>", "<tools>\n{}\n</tools>", "<tools>"]
)
def test_what_lists_no_tools_offers_none(said):
    assert read(sections(f'<message role="system">{said}</message>')).tools == []


def test_without_results_a_message_is_the_users():
    [message] = answered(sections('<message role="user"><tool_response> x</message>')[0])

    assert (message.role, message.text) == ("user", "<tool_response> x")


def test_text_around_calls_stays():
    deltas: list[JsonObject] = [
        {"content": "a"},
        {"tool_calls": [{"index": 0, "function": {"name": "x"}}]},
    ]

    assert in_text(deltas, lambda name, arguments: f"[{name}({arguments})]") == [
        {"content": "a"},
        {"content": "[x()]"},
    ]
