"""Every story in every dialect: what clients hear, byte by byte, and what their SDKs make of it.

The exact bytes are kept in `approved/`.  When they change on purpose, look at the
difference that the test shows, and then let it write them anew:

    APPROVE=1 python -m pytest tests/conformance/test_stories.py
"""

import os
import re
from difflib import unified_diff
from pathlib import Path

import pytest

from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import ProtocolError, ProxyError
from lingma_proxy.jsonio import JsonObject, dumpb
from stories.library import FAILURES, REPLIES, STORIES
from support.judges import JUDGES
from support.stories import Story, batches, hear

APPROVED = Path(__file__).parent / "approved"
NOW = 1_700_000_000

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
every_reply = pytest.mark.parametrize("story", REPLIES.values(), ids=REPLIES)
every_failure = pytest.mark.parametrize("story", FAILURES.values(), ids=FAILURES)


def asked(dialect: Dialect) -> Asked:
    return dialect.decode(JUDGES[dialect.name].body, "req_1")


def streamed(dialect: Dialect, story: Story) -> bytes:
    """The stream, with a write for each thing that the vendor says."""
    encoder = dialect.encoder(asked(dialect), NOW)
    said = []
    try:
        for batch in batches(story):
            said.append(encoder.encode(batch))  # noqa: PERF401  # what was said before a failure stays said
    except ProxyError as error:
        said.append(encoder.fail(error))
    else:
        said.append(encoder.end())
    return b"".join(said)


def unstreamed(dialect: Dialect, story: Story) -> bytes:
    """The status and the body of the answer to who wants no stream."""
    try:
        return b"HTTP 200\n\n" + dumpb(whole(dialect, story))
    except ProxyError as error:
        return b"HTTP %d\n\n%b" % (error.status, dumpb(dialect.error(error, "req_1")))


def whole(dialect: Dialect, story: Story) -> JsonObject:
    if story.error is not None:
        raise story.failure()
    return dialect.whole(asked(dialect), [story.reply], NOW)


def transcript(dialect: Dialect, story: Story) -> bytes:
    at_once = unstreamed(dialect, story)
    if not hear(batches(story))[0]:
        return at_once + b"\n"
    return b"HTTP 200\n\n%b\n----- unstreamed -----\n%b\n" % (streamed(dialect, story), at_once)


def approved(dialect: Dialect, story: Story) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", story.name.lower())
    return APPROVED / dialect.name / f"{slug}.txt"


TOLD = {name: story for name, story in STORIES.items() if len(story.script) < 100}
"""All but the long ones, whose transcripts nobody would read."""


@every_dialect
@pytest.mark.parametrize("story", TOLD.values(), ids=TOLD)
def test_a_transcript_is_as_approved(dialect: Dialect, story: Story) -> None:
    path, now = approved(dialect, story), transcript(dialect, story)
    if os.environ.get("APPROVE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(now)
    before = path.read_bytes() if path.exists() else b""

    if now != before:
        difference = unified_diff(
            before.decode().split("\n"), now.decode().split("\n"), "approved", "now", lineterm=""
        )
        pytest.fail("\n".join([*difference, "", "If this is as it should be: APPROVE=1"]))


def test_nothing_is_approved_that_is_not_told() -> None:
    expected = {approved(dialect, story) for dialect in DIALECTS for story in TOLD.values()}

    assert set(APPROVED.rglob("*.txt")) == expected


@every_dialect
@every_story
def test_a_story_is_a_legal_stream(dialect: Dialect, story: Story) -> None:
    JUDGES[dialect.name].walk(asked(dialect), streamed(dialect, story))


@every_dialect
@every_reply
def test_the_sdk_hears_the_same_in_a_stream_and_at_once(dialect: Dialect, story: Story) -> None:
    judge = JUDGES[dialect.name]
    try:
        at_once = judge.read(whole(dialect, story))
    except ProtocolError:  # Anthropic and Ollama have no place for arguments that are not JSON
        with pytest.raises((ValueError, judge.sdk_error), match="JSON"):
            judge.folded(streamed(dialect, story))
    else:
        assert judge.folded(streamed(dialect, story)) == at_once


@every_dialect
@every_failure
def test_the_sdk_raises_when_a_stream_fails(dialect: Dialect, story: Story) -> None:
    judge = JUDGES[dialect.name]

    with pytest.raises(judge.sdk_error) as caught:
        judge.folded(streamed(dialect, story))

    assert story.failure().message in str(caught.value)
