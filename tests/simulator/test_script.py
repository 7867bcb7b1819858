import json

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.simulator.chat_body import read
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.script import (
    INTRODUCTION,
    LONGEST_ECHO,
    THOUGHTS,
    answer,
    call,
    find_turn,
    words,
)
from support.vendor_client import body

PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
TOOLTEST = (
    "TOOLTEST: use your shell tool (or, lacking one, your file-read tool on hello.txt) to run"
    " exactly this command: echo hello-from-tool  Then answer with the word DONE: followed by"
    " the output of the tool."
)
COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
BASH = [{"type": "function", "function": {"name": "Bash", "parameters": COMMAND}}]
REMINDER = "<system-reminder>\nThe user is\nin a hurry.\n</system-reminder>\n"
ENVIRONMENT = {"role": "system", "content": "# Environment\nYou have been invoked in a folder."}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "a", "type": "function", "function": {"name": "Bash", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "Bash", "arguments": "{}"}},
    ],
}


def look(url):
    return {"one": Picture("PNG", 640, 480), "two": Picture("GIF", 3, 4)}.get(url)


def said(*messages, **more):
    return answer(read(body(*messages, **more)), lambda: "call_1", look)


def text(*messages, **more):
    deltas = said(*messages, **more).deltas
    assert not any("tool_calls" in delta for delta in deltas)
    return "".join(delta.get("content", "") for delta in deltas)


def called(*messages, **more):
    reply = said(*messages, **more)
    fragments = [piece for delta in reply.deltas for piece in delta.get("tool_calls", ())]
    assert reply.finish == "tool_calls"
    name = fragments[0]["function"]["name"]
    return name, json.loads("".join(piece["function"]["arguments"] for piece in fragments))


def result(id, content):
    return {"role": "tool", "tool_call_id": id, "content": content}


def picture(url):
    return {"type": "image_url", "image_url": {"url": url}}


def test_pong():
    assert text(PONG) == "PONG"


def test_a_question_is_found_behind_reminders_and_before_system_messages():
    parts = [{"type": "text", "text": REMINDER}, {"type": "text", "text": PONG}]

    assert text({"role": "user", "content": parts}, ENVIRONMENT) == "PONG"
    assert text(PONG, {"role": "user", "content": REMINDER}) == "PONG"


def test_a_shell_is_called_when_the_text_asks_for_it():
    assert called(TOOLTEST, tools=BASH) == ("Bash", {"command": "echo hello-from-tool"})


def test_arguments_come_in_fragments():
    deltas = said(TOOLTEST, tools=BASH).deltas

    assert deltas[0]["tool_calls"][0]["id"] == "call_1"
    assert len(deltas) > 3


@pytest.mark.parametrize("more", [{}, {"tools": BASH, "tool_choice": "none"}])
def test_nothing_is_called_without_a_tool_or_leave(more):
    assert text(TOOLTEST, **more).endswith(TOOLTEST)


def test_nothing_is_called_without_being_asked():
    assert text(PONG, tools=BASH) == "PONG"


def test_a_choice_of_tool_is_obeyed():
    tools = [*BASH, {"type": "function", "function": {"name": "rest"}}]
    choice = {"type": "function", "function": {"name": "rest"}}

    assert called("Sleep.", tools=tools, tool_choice=choice) == ("rest", {})
    assert called("Go.", tools=tools[1:], tool_choice="required") == ("rest", {})


def test_what_was_asked_before_can_be_told():
    answered = {"role": "assistant", "content": "1"}

    assert text("MEMORYTEST") == "I remember: nothing"
    assert text("one", answered, "two", answered, "MEMORYTEST") == "I remember: one | two"


def test_results_are_told():
    results = [
        result("a", "hello-from-tool\n"),
        result("b", [{"type": "text", "text": "Output:\n\nmore"}, picture("one")]),
    ]

    assert text(TOOLTEST, CALLED, *results, ENVIRONMENT, tools=BASH) == (
        "DONE: hello-from-tool\n"
        "Output: more I cannot see, but I can measure: a PNG of 640x480 pixels."
    )


def test_a_reminder_behind_the_results_changes_nothing():
    results = [result("a", "one"), result("b", ""), {"role": "user", "content": REMINDER}]

    assert text(TOOLTEST, CALLED, *results, tools=BASH) == "DONE: one\n"


def test_a_question_behind_the_results_is_answered():
    assert text(TOOLTEST, CALLED, result("a", "1"), result("b", "2"), PONG, tools=BASH) == "PONG"


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture("two")]},
        {"role": "user", "content": "What is it?", "parts": [picture("two")]},
    ],
)
def test_pictures_are_measured(message):
    assert "a GIF of 3x4 pixels" in text(message)


def test_pictures_may_lie_beside_the_messages():
    answered = text("What are they?", image_urls=["one", "two", "three"])

    assert "640x480" in answered
    assert "3x4" in answered
    assert "no picture" in answered


def test_a_schema_in_the_system_text_is_obeyed():
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}},
        "required": ["answer", "sure"],
        "additionalProperties": False,
    }
    order = f"Answer only with JSON that fits this JSON Schema:\n```json\n{json.dumps(schema)}\n```"

    jsonschema_rs.validate(schema, json.loads(text(PONG, {"role": "system", "content": order})))


@pytest.mark.parametrize(
    "order",
    [
        "Answer only with JSON.",
        "Answer with one JSON object and nothing else: no explanation, no code fence.",
    ],
)
def test_json_without_a_schema_is_an_object(order):
    assert isinstance(json.loads(text({"role": "system", "content": order}, PONG)), dict)


def test_a_result_is_told_in_json_where_json_is_demanded():
    order = {"role": "system", "content": "Answer only with JSON."}
    results = [result("a", "one"), result("b", "two")]

    assert isinstance(json.loads(text(order, TOOLTEST, CALLED, *results)), dict)


@pytest.mark.parametrize(
    "talk",
    [
        'Tools take a JSON Schema, such as {"a": 1} or {broken.',
        "You are an agent. " * 20 + 'Its JSON Schema: {"type": "object"}. Return only JSON.',
    ],
)
def test_talk_of_json_is_no_demand(talk):
    assert text({"role": "system", "content": talk}, PONG) == "PONG"


def test_pictures_of_earlier_turns_are_not_measured_again():
    shown = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, picture("two")]}
    answered = {"role": "assistant", "content": "A picture."}

    assert text(shown, answered, PONG, image_urls=["two"]) == "PONG"
    assert text(shown, answered, "Really?", image_urls=["two"]) == INTRODUCTION + "Really?"


def test_a_begun_answer_is_gone_on_with():
    assert text(PONG, {"role": "assistant", "content": "PO"}) == "NG"
    assert text(PONG, {"role": "assistant", "content": "Well,"}) == " … PONG"
    assert text(PONG, {"role": "assistant", "content": ""}) == "PONG"


def test_who_reasons_thinks_first():
    deltas = said(PONG, model_config={"key": "kmodel", "is_reasoning": True}).deltas

    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == THOUGHTS
    assert list(deltas[-1]) == ["content"]


@given(st.text(min_size=1, max_size=100).filter(str.strip))
def test_a_question_comes_back_to_the_letter(question):
    turn = find_turn(read(body(question)))

    if "TOOLTEST" not in question and turn.question == question and ":" not in question:
        assert text(question) == INTRODUCTION + question


def test_a_very_long_question_is_cut():
    answered = text("x" * (LONGEST_ECHO + 5))

    assert answered.endswith("… and 5 characters more.")
    assert len(answered) < LONGEST_ECHO + 200


def test_only_system_messages_are_answered_too():
    assert text(ENVIRONMENT).startswith(INTRODUCTION)


@given(st.text())
def test_words_are_the_text(whole):
    assert "".join(delta["content"] for delta in words(whole)) == whole
    assert all(delta["content"] for delta in words(whole))


@given(st.text())
def test_fragments_are_the_arguments(arguments):
    fragments = [delta["tool_calls"][0] for delta in call(3, "id", "name", arguments)]

    assert "".join(piece["function"]["arguments"] for piece in fragments) == arguments
    assert {piece["index"] for piece in fragments} == {3}
    assert [piece.get("id") for piece in fragments].count("id") == 1
