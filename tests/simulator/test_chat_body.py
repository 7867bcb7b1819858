import pytest

from lingma_proxy.simulator.chat_body import read
from lingma_proxy.simulator.refusal import Refusal
from support.vendor_client import body

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def calls(*ids):
    made = [
        {"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        for id in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(id):
    return {"role": "tool", "tool_call_id": id, "content": "seen"}


def system(text="Be brief."):
    return {"role": "system", "content": text}


GOOD = [
    body("hello"),
    body({"role": "user", "content": ""}),
    body({"role": "user", "content": [{"type": "text", "text": "hello"}, IMAGE]}),
    body("one", "two", system(), {"role": "assistant", "content": "begun"}),
    body("look", calls("a", "b"), result("b"), result("a"), "and now?"),
    body("look", calls("a"), result("a"), calls("a"), result("a")),
    body("look", tools=TOOLS, tool_choice="required"),
    body("look", tools=TOOLS, tool_choice={"type": "function", "function": {"name": "look"}}),
    body("hello", unknown_field={"of": "tomorrow"}),
    body("hello", parameters={"temperature": 0}, image_urls=None, business={"begin_at": 1}),
]
BAD = {
    "no messages": body(),
    "an id that is a number": body("hello") | {"request_id": 7},
    "no id": body("hello") | {"request_id": ""},
    "no model": body("hello") | {"model_config": {}},
    "a flag that is a word": body("hello", is_retry="false"),
    "a stream that is a number": body("hello", stream=1),
    "a temperature that is a word": body("hello", parameters={"temperature": "hot"}),
    "images that are no list": body("hello", image_urls="data:"),
    "an unknown role": body({"role": "developer", "content": "hello"}),
    "content that is a number": body({"role": "user", "content": 7}),
    "content that is nothing": body({"role": "user", "content": None}),
    "an unknown part": body({"role": "user", "content": [{"type": "input_text", "text": "x"}]}),
    "an image without a url": body({"role": "user", "content": [{"type": "image_url"}]}),
    "arguments that are an object": body(
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "function": {"name": "x", "arguments": {}}}],
        }
    ),
    "a call without an id": body("look", calls(""), result("")),
    "an orphan result": body("look", result("a")),
    "a result of another call": body("look", calls("a"), result("b")),
    "two results of one call": body("look", calls("a"), result("a"), result("a")),
    "two calls with one id": body("look", calls("a", "a"), result("a"), result("a")),
    "a call that is never answered": body("look", calls("a")),
    "a turn before the answer": body("look", calls("a"), "wait", result("a")),
    "a system turn before the answer": body("look", calls("a"), system(), result("a")),
    "a result that is the user's": body({"role": "user", "content": "x", "tool_call_id": "a"}),
    "a call that is the user's": body(calls("a") | {"role": "user"}, result("a")),
    "tools that are none": body("look", tools=[]),
    "two tools of one name": body("look", tools=TOOLS * 2),
    "a tool's name that is too long": body(
        "look", tools=[{"type": "function", "function": {"name": "x" * 65}}]
    ),
    "a tool's name with a blank": body(
        "look", tools=[{"type": "function", "function": {"name": "look at"}}]
    ),
    "a tool with an empty schema": body(
        "look", tools=[{"type": "function", "function": {"name": "x", "parameters": {}}}]
    ),
    "a tool of another kind": body("look", tools=[{"type": "web_search"}]),
    "a choice without tools": body("look", tool_choice="auto"),
    "a choice of no tool": body(
        "look", tools=TOOLS, tool_choice={"type": "function", "function": {"name": "hear"}}
    ),
    "a choice that is no word": body("look", tools=TOOLS, tool_choice="any"),
}


@pytest.mark.parametrize("value", GOOD, ids=range(len(GOOD)))
def test_a_good_body_is_read(value):
    assert read(value).request_id == value["request_id"]


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_bad_body_is_refused_in_words(value):
    with pytest.raises(Refusal) as caught:
        read(value)

    assert caught.value.status == 400
    assert len(caught.value.message) > 20


def test_three_fields_are_enough():
    value = body("hello")

    for name in value:
        with pytest.raises(Refusal, match=name):
            read({key: kept for key, kept in value.items() if key != name})


def test_pictures_lie_in_the_content_or_beside_it():
    inside = read(body({"role": "user", "content": [IMAGE]})).messages[0]
    beside = read(body({"role": "user", "content": "x", "parts": [IMAGE]})).messages[0]

    assert inside.pictures == beside.pictures == ["data:image/png;base64,AA=="]
