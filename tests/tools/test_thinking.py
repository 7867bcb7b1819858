import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.tools.thinking import MOST_BLANKS, ThinkingSplitter, spoken
from support.cuts import at_points, in_two, one_by_one


def split(*pieces: str) -> tuple[str, str]:
    """What is thought and what is said, each as one text."""
    joined = parts(*pieces)
    return (
        "".join(text for thinking, text in joined if thinking),
        "".join(text for thinking, text in joined if not thinking),
    )


def parts(*pieces: str) -> list[tuple[bool, str]]:
    """The pieces, those of a kind that touch made one."""
    splitter = ThinkingSplitter()
    found = [it for piece in pieces for it in splitter.feed(piece)] + splitter.end()
    joined: list[tuple[bool, str]] = []
    for thinking, text in found:
        assert text
        if joined and joined[-1][0] is thinking:
            joined[-1] = (thinking, joined[-1][1] + text)
        else:
            joined.append((thinking, text))
    return joined


TEMPLATES = {
    "qwen": ("<think>\nhm\n</think>\n\nso", "hm", "so"),
    "minimax": ("<think>\nhm\nhm\n</think>\n\n<tool_call>", "hm\nhm", "<tool_call>"),
    "glm": ("\n<think>hm</think>\nso", "hm", "so"),
    "deepseek": ("<think>\nhm\n</think>\n\nso", "hm", "so"),
    "told not to think": ("<think>\n\n</think>\n\nso", "", "so"),
    "glm, told not to think": ("</think>so", "", "so"),
    "twice": ("<think>a</think>\n\n<think>b</think>\n\nso", "ab", "so"),
    "cut": ("<think>\nhm, <th", "hm, <th", ""),
    "cut in its end": ("<think>\nhm\n</thin", "hm\n</thin", ""),
    "cut in its beginning": ("\n<thi", "", "\n<thi"),
    "nothing": ("", "", ""),
    "nothing but blanks": (" \n", "", " \n"),
    "thinking in thinking": ("<think>a <think> b</think> c", "a <think> b", " c"),
}
LITERAL = {
    "prose": "The tag <think> begins, </think> ends.",
    "a fence": "```xml\n<think>\nhm\n</think>\n```",
    "a later line": "Write:\n\n<think>\nhm\n</think>\n\nand go on.",
    "another tag": "<thinking>hm</thinking>so",
    "in capitals": "<THINK>hm</THINK>",
    "with an attribute": '<think about="it">hm</think>',
    "an end without a beginning": "I thought.\n</think>\n\nSo.",
    "too many blanks": " " * (MOST_BLANKS + 1) + "<think>hm</think>",
    "another space": "\u2028<think>hm</think>",
}


@pytest.mark.parametrize(("text", "thought", "said"), TEMPLATES.values(), ids=TEMPLATES)
def test_what_a_template_makes_of_thinking_is_told_apart(text, thought, said):
    assert split(text) == (thought, said)


@pytest.mark.parametrize("text", LITERAL.values(), ids=LITERAL)
def test_a_tag_that_is_only_spoken_of_stays_text(text):
    assert parts(text) == [(False, text)]


@pytest.mark.parametrize("text", [*(it[0] for it in TEMPLATES.values()), *LITERAL.values()])
def test_it_does_not_matter_how_it_is_cut(text):
    whole = parts(text)

    assert parts(*one_by_one(text)) == whole
    for two in in_two(text):
        assert parts(*two) == whole


TOKENS = [
    "<think>",
    "</think>",
    "\n",
    " ",
    "<",
    "</",
    "think>",
    "so",
    "`",
    "\u2028",
    "😀",
    "\ud800",
]
texts = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)


@given(texts, st.lists(st.integers(0, 60), max_size=8))
def test_it_does_not_matter_how_anything_is_cut(text, points):
    assert parts(*at_points(text, points)) == parts(text)


@given(texts)
def test_nothing_is_lost_but_what_the_template_writes(text):
    kept = "".join(said for _, said in parts(text))
    bare = text.replace("<think>", "").replace("</think>", "")

    assert bare.replace("\n", "").replace(" ", "") == "".join(
        kept.replace("<think>", "").replace("</think>", "").replace("\n", "").replace(" ", "")
    )


def test_line_breaks_that_are_not_the_templates_are_kept():
    assert split("<think>\n\nhm\n\n</think>\n\n\n  so\n") == ("\nhm\n", "\n  so\n")


def test_thinking_goes_out_as_it_comes():
    splitter = ThinkingSplitter()

    assert splitter.feed("<think>\n") == []
    assert splitter.feed("Let me") == [(True, "Let me")]
    assert splitter.feed(" see\n</th") == [(True, " see")]
    assert splitter.feed("ere") == [(True, "\n</there")]


def test_text_goes_out_as_soon_as_it_can_be_no_tag():
    splitter = ThinkingSplitter()

    assert splitter.feed("<thi") == []
    assert not splitter.done
    assert splitter.feed("s") == [(False, "<this")]
    assert splitter.done


def test_a_long_text_is_read_once():
    thought, said = split("<think>", *["\n</thinx" * 1000] * 500, "</think>", *["x" * 8000] * 500)

    assert (len(thought), len(said)) == (3_999_999, 4_000_000)  # without the first line break


def test_what_is_spoken_is_what_is_not_thought():
    assert spoken("<think>\nhm\n</think>\n\nso") == "so"
    assert spoken("so <think>") == "so <think>"
