import json
import sys

from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.recording.exports.terminal import escaped, harmless, on_one_line, visible
from support.recorded import ESCAPE
from support.strategies import texts

ANYTHING = st.text(st.characters(max_codepoint=sys.maxunicode)) | texts
"""Halves of characters, too."""


def test_what_a_terminal_would_obey_is_shown_by_its_number() -> None:
    assert visible(ESCAPE) == r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    assert visible("a\ud83db") == r"a\ud83db"


def test_what_people_write_stays() -> None:
    text = "“你好”\t👩\u200d👩\u200d👧\n  e\u0301"

    assert harmless(text)
    assert visible(text) == text


def test_the_ends_of_lines_become_line_feeds() -> None:
    assert visible("a\r\nb\rc") == "a\nb\\x0dc"


@given(ANYTHING)
def test_nothing_of_it_is_left(text: str) -> None:
    assert harmless(visible(text))
    assert "\n" not in on_one_line(text)
    assert harmless(on_one_line(text))
    visible(text).encode()


@given(ANYTHING)
def test_json_says_the_same_afterwards(text: str) -> None:
    written = json.dumps({text: [text]}, ensure_ascii=False)

    assert harmless(escaped(written))
    assert json.loads(escaped(written)) == {text: [text]}
