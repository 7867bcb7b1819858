"""However the vendor's bytes are cut, they say the same; and cut off, they never lie."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Head, ReplyEnded, Usage
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.errors import BrokenOff, ProxyError
from lingma_proxy.vendor.remote_stream import RemoteStream
from stories.library import REPLIES, STORIES
from support.cuts import at_points, one_by_one
from support.stories import (
    ID,
    MODEL,
    SPELLINGS,
    Delta,
    Finished,
    Spelling,
    Story,
    heard_parts,
    new_ids,
    sse,
    text_of,
)
from support.strategies import EXAMPLES, scripts

Heard = tuple[list[Head], FinishReason | None, Usage | None, type[ProxyError] | None]

every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


def spellings(story: Story) -> dict[str, Spelling]:
    """The ways in which a story can be sent."""
    silent = isinstance(story.ending, Finished) and story.ending.reason is None
    return {name: it for name, it in SPELLINGS.items() if it.marks_the_end or not silent}


def heard(pieces: Iterable[bytes]) -> Heard:
    """What comes out of the codec, which keeps to the grammar in any case."""
    stream, grammar = RemoteStream(ID, MODEL, new_ids()), Grammar()
    batches = [*map(stream.feed, pieces), stream.end()]
    events = [event for batch in batches for event in batch]
    grammar.check(events)
    match events:
        case [*_, ReplyEnded(reason, usage)]:
            assert stream.failure is None
            grammar.end()
            return heard_parts(events), reason, usage, None
        case _:
            assert stream.failure is not None
            return heard_parts(events), None, None, type(stream.failure)


def some_places(stream: bytes) -> range:
    """Where to cut it: by night everywhere, by day here and there; a long one less often."""
    read_at_all = 20_000_000 if EXAMPLES else 200_000
    step = max(len(stream) ** 2 // read_at_all, 1 if EXAMPLES else len(stream) // 40, 1)
    return range(0, len(stream), step)


def told(story: Story) -> Heard:
    if story.error is not None:
        return list(story.parts), None, None, story.error
    return list(story.parts), story.reason, story.usage, None


@every_story
def test_a_story_is_read_in_every_spelling(story: Story) -> None:
    for name, spelling in spellings(story).items():
        assert heard([sse(story, spelling)]) == told(story), name


@every_story
@pytest.mark.parametrize("spelling", ["enveloped", "CRLF and comments"])
def test_a_story_that_comes_byte_by_byte_is_the_same(story: Story, spelling: str) -> None:
    stream = sse(story, SPELLINGS[spelling])
    if len(stream) > 50_000:
        stream = stream[-20_000:]
        stream = stream[stream.index(b"data:") :]
        assert heard(one_by_one(stream)) == heard([stream])
    else:
        assert heard(one_by_one(stream)) == told(story)


@every_story
def test_a_story_in_two_reads_is_the_same(story: Story) -> None:
    stream = sse(story)

    for at in some_places(stream):
        assert heard([stream[:at], stream[at:]]) == told(story)


@given(st.sampled_from(list(STORIES.values())), st.data())
def test_a_story_in_any_reads_is_the_same(story: Story, data: st.DataObject) -> None:
    stream = sse(story, data.draw(st.sampled_from(list(spellings(story).values()))))
    points = data.draw(st.lists(st.integers(0, len(stream)), max_size=9))

    assert heard(at_points(stream, points)) == told(story)


@given(scripts(), st.sampled_from(list(SPELLINGS.values())), st.lists(st.integers(0, 2000)))
def test_whatever_the_vendor_says_is_the_same_however_it_is_cut(
    script: list[Delta], spelling: Spelling, points: list[int]
) -> None:
    stream = sse(Story("drawn", tuple(script)), spelling)

    assert heard(at_points(stream, points)) == heard([stream])


@pytest.mark.parametrize("story", REPLIES.values(), ids=REPLIES)
def test_a_story_that_breaks_off_is_an_error_or_was_over(story: Story) -> None:
    """And what has been said by then is how it would have gone on."""
    stream = sse(story)

    for at in some_places(stream):
        parts, reason, usage, error = heard([stream[:at]])
        if error is None:
            assert (parts, reason) == (list(story.parts), story.reason)
            assert usage in {None, story.usage}
        else:
            assert error is BrokenOff
            assert len(parts) <= len(story.parts)
            for begun, whole in zip(parts, story.parts, strict=False):
                assert type(begun) is type(whole)
                assert text_of(whole).startswith(text_of(begun))
