from dataclasses import fields

import pytest

from lingma_proxy.conversation.request import Message, Text
from lingma_proxy.tools.words import CHINESE, ENGLISH, READ, Words, is_chinese, words_for


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("", False),
        ("Hello", False),
        ("读取文件 a.txt 并总结", True),
        ("用 Python 写一个 quicksort", True),
        ("Translate 你好 into English, please", False),
        ("ファイルを読んでください", False),
        ("12345 !?", False),
        ("x" * READ + "你" * 9000, False),
    ],
)
def test_chinese_is_told_from_other_languages(text: str, chinese: bool) -> None:
    assert is_chinese(text) is chinese


def said(*texts: str) -> Message:
    return Message("user", tuple(map(Text, texts)))


def test_the_first_question_decides_whatever_comes_after() -> None:
    assert words_for([said("读取文件"), said("And now in English, please")]) is CHINESE
    assert words_for([said("Hello"), said("你好,请用中文回答")]) is ENGLISH


def test_what_clients_put_before_the_question_does_not_count() -> None:
    assert words_for([said("<system-reminder>Be brief</system-reminder>", "你好", " ")]) is CHINESE


def test_system_messages_and_empty_ones_decide_nothing() -> None:
    system = Message("system", (Text("You are helpful."),))

    assert words_for([system, said(), said("你好")]) is CHINESE
    assert words_for([]) is ENGLISH


def test_both_languages_say_the_same_things() -> None:
    for field in fields(Words):
        english, chinese = getattr(ENGLISH, field.name), getattr(CHINESE, field.name)
        for mark in ("{name}", "{wrong}", "<tool_response>", "</tool_response>", 'error="true"'):
            assert (mark in english) is (mark in chinese), field.name
