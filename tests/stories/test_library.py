"""The stories themselves: told by the writer, they amount to what they say."""

import json

import pytest

from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector
from stories.library import ALL, FAILURES, REPLIES, STORIES
from support.stories import SPELLINGS, Story, batches, hear, heard_parts, sse

every_story = pytest.mark.parametrize("story", ALL, ids=lambda story: story.name)


def test_no_two_stories_share_a_name() -> None:
    assert len(STORIES) == len(ALL)


@pytest.mark.parametrize("story", REPLIES.values(), ids=REPLIES)
def test_the_writer_makes_the_reply_of_the_story(story: Story) -> None:
    collector, grammar = Collector(), Grammar()

    for batch in batches(story):
        grammar.check(batch)
        collector.feed(batch)

    grammar.end()
    assert collector.reply() == story.reply


@pytest.mark.parametrize("story", FAILURES.values(), ids=FAILURES)
def test_a_failure_comes_after_the_parts_that_the_story_names(story: Story) -> None:
    events, error = hear(batches(story))

    assert type(error) is story.error
    assert heard_parts(events) == list(story.parts)
    Grammar().check(events)


@every_story
def test_the_bytes_are_an_event_stream_of_json(story: Story) -> None:
    for spelling in SPELLINGS.values():
        for line in sse(story, spelling).decode().split("\n"):
            name, _, value = line.rstrip("\r").partition(":")
            assert name in {"", "data"}
            if name and value.strip() != "[DONE]":
                assert isinstance(json.loads(value), dict)
