"""What hypothesis draws: text that hurts, JSON, replies, and what a vendor may say."""

import json
import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Head, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from support.cuts import at_points
from support.stories import Call, Delta, Say, Think

EXAMPLES = int(os.environ.get("EXAMPLES") or 0)
"""How many examples were asked for; 0 by day."""


def examples(by_day: int) -> settings:
    """More than the usual hundred by day, and still what was asked for by night."""
    return settings(max_examples=EXAMPLES or by_day)


AWKWARD = [
    " ", "\n", "\r\n", "\t", "\u2028", "\u0085", "\ufeff", "\x00", "\x7f", "é", "e\u0301", "“你好”",
    "😀", "👩\u200d👩\u200d👧", "data:", "[DONE]", '{"name"', "```json\n", "<tool_call>", "\\", '"', "%", "\U0010ffff",
]  # fmt: skip

characters = st.characters(codec="utf-8")
texts = st.one_of(
    st.sampled_from(["", *AWKWARD, "".join(AWKWARD)]), st.text(characters, max_size=8)
)
some_text = texts.filter(bool)
words = st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=12)

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
json_objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(texts, json_values, max_size=4)


@st.composite
def arguments(draw: st.DrawFn) -> str:
    """The arguments of a call as models write them: JSON, spaced and escaped as they like."""
    written = json.dumps(
        draw(json_objects),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 0, 2])),
    )
    return draw(st.sampled_from(["", " ", "\n"])) + written + draw(st.sampled_from(["", " ", "\n"]))


heads: st.SearchStrategy[Head] = st.one_of(
    st.builds(Text, texts),
    st.builds(Thinking, texts, words | st.just("")),
    st.builds(ToolCall, words, words, texts),
)
usages = st.builds(
    Usage,
    input=st.integers(0, 2**53),
    output=st.integers(0, 2**53),
    cached=st.integers(0, 1000),
    reasoning=st.integers(0, 1000),
)
replies = st.builds(
    Reply,
    id=words,
    model=words,
    parts=st.lists(heads, max_size=6).map(tuple),
    reason=st.sampled_from(FinishReason),
    usage=usages | st.none(),
    warnings=st.lists(texts, max_size=2).map(tuple),
)


@st.composite
def pieces(draw: st.DrawFn, whole: str) -> list[str]:
    """The text in pieces, some of them empty."""
    return at_points(whole, draw(st.lists(st.integers(0, len(whole)), max_size=4)))


@st.composite
def calls(draw: st.DrawFn, index: int) -> list[Delta]:
    """One call in fragments: its id missing or late, its arguments empty or cut short.

    Its name comes with the first fragment or with the second.
    """
    written = draw(arguments() | st.just(""))
    if draw(st.integers(0, 4)) == 0:
        written = written[: draw(st.integers(0, len(written)))]
    fragments = draw(pieces(written))
    id, name = draw(words | st.just("")), draw(words)
    late = draw(st.booleans())
    said: list[Delta] = []
    for at, fragment in enumerate(["", *fragments] if late else fragments):
        named = at == int(late)
        said.append(Call(index, id if at == 0 else "", name if named else "", fragment))
    return said


@st.composite
def scripts(draw: st.DrawFn, max_strands: int = 5) -> list[Delta]:
    """What a vendor says: strands of text, thinking and calls, one after another or mixed.

    The order inside a strand is kept.
    """
    strands: list[list[Delta]] = []
    for index in range(draw(st.integers(0, max_strands))):
        kind = draw(st.sampled_from(["text", "thinking", "call"]))
        if kind == "call":
            strands.append(draw(calls(index)))
        else:
            fragments = draw(st.lists(texts, min_size=1, max_size=4))
            strands.append([Say(it) if kind == "text" else Think(it) for it in fragments])
    if not draw(st.booleans()):
        return [delta for strand in strands for delta in strand]
    script: list[Delta] = []
    while strands:
        strand = draw(st.sampled_from(strands))
        script.append(strand.pop(0))
        strands = [strand for strand in strands if strand]
    return script
