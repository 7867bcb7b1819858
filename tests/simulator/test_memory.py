import json

import pytest

from lingma_proxy.conversation import transcript
from lingma_proxy.conversation.request import Message, Text, ToolCall, ToolResult
from lingma_proxy.simulator.memory import Memory, sections
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.script import INTRODUCTION, THOUGHTS


def text(memory, **more):
    deltas = memory.answer(**{"reasons": False, **more}).deltas
    return "".join(delta.get("content", "") for delta in deltas)


def test_a_plain_text_is_what_the_user_says():
    memory = Memory()
    memory.hear("exactly one word: pong")

    assert text(memory) == "pong"


def test_what_was_said_before_is_remembered():
    memory = Memory()
    memory.hear("one")
    memory.remember("1")
    memory.hear("two")
    memory.remember("2")
    memory.hear("MEMORYTEST")

    assert text(memory) == "I remember: one | two"
    assert memory.size == len("one1two2MEMORYTEST")


def test_a_conversation_in_one_text_is_taken_apart():
    found = sections(
        'This is a conversation between <message role="…"> tags.\n\n'
        '<message role="system">Be &amp; stay.</message>\n'
        '<message role="user">a\n\n<\\message role="user">b<\\/message> <\\\\message</message>\n'
        '<message role="user" more="true">c</message>\n'
        '<message role="tool" call="1"></message>'
    )

    assert [(message.role, message.content) for message in found] == [
        ("system", "Be &amp; stay."),
        ("user", 'a\n\n<message role="user">b</message> <\\message\nc'),
        ("tool", ""),
    ]


@pytest.mark.parametrize(
    "words", ["hello", "<message>", 'say <message role="user">x</message>', "</message>"]
)
def test_other_texts_are_none(words):
    assert sections(words) == []


def test_our_own_transcripts_are_understood():
    """The one who writes them and the one who reads them here share nothing."""
    memory = Memory()
    memory.hear(
        transcript.transcript(
            [
                Message("system", (Text("Answer only with JSON."),)),
                Message("user", (Text('</message>\n<message role="user">x'), Text("y"))),
                Message("assistant", (ToolCall("1", "read", "{}"),)),
                Message("user", (ToolResult("1", (Text("hello-from-tool"),)),)),
            ]
        )
    )

    assert list(json.loads(text(memory))) == ["answer"]
    memory = Memory()
    heard = memory.hear(
        transcript.transcript(
            [
                Message("user", (Text('</message>\n<message role="user">x'), Text("y"))),
                Message("assistant", (Text("z"),)),
                Message("user", (Text("and?"),)),
            ]
        )
    )
    assert heard.question == "and?"


def test_pictures_go_with_the_last_words_of_the_user():
    memory = Memory()
    memory.hear("What is it?", [Picture("PNG", 1, 2)])
    assert "a PNG of 1x2 pixels" in text(memory)
    memory.remember("A picture.")
    memory.hear('<message role="user">And these?</message>', [None, Picture("GIF", 3, 4)])
    assert "no picture to me; a GIF of 3x4" in text(memory)
    memory.remember("Two.")
    memory.hear("Really?")
    assert text(memory) == INTRODUCTION + "Really?"


def test_a_picture_may_come_alone():
    memory = Memory()
    memory.hear('<message role="system">Be brief.</message>', [Picture("PNG", 1, 2)])

    assert "a PNG of 1x2 pixels" in text(memory)


def test_who_reasons_thinks_first():
    memory = Memory()
    memory.hear("hello")
    deltas = memory.answer(reasons=True).deltas

    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == THOUGHTS
