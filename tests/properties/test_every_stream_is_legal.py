"""Whatever the vendor says, and wherever it fails: legal streams, each with one end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import Event, FinishReason, Usage
from lingma_proxy.conversation.writer import ReplyWriter
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    RateLimited,
)
from support.judges import JUDGES
from support.stories import Delta, new_ids, say
from support.strategies import examples, scripts, usages
from support.streams import batched

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
errors = st.one_of(
    st.sampled_from([BackendTimeout, BackendUnavailable, NotLoggedIn, ProtocolError, RateLimited]).map(
        lambda kind: kind("It is over.\n“Really”\u2028.")
    ),
    st.sampled_from([400, 418, 500, 503]).map(lambda status: BackendRefused("No.", upstream=status)),
)  # fmt: skip
reasons = st.sampled_from(FinishReason)


def events_of(script: list[Delta], reason: FinishReason, usage: Usage | None) -> list[Event]:
    writer = ReplyWriter(new_ids())
    events = writer.start("1", "m", (), 12)
    for delta in script:
        events += say(writer, delta)
    return events + writer.end(reason, usage)


@every_dialect
@examples(150)
@given(
    script=scripts(),
    reason=reasons,
    usage=usages | st.none(),
    points=st.lists(st.integers(0, 30), max_size=6),
    beats=st.sets(st.integers(0, 6)),
    wants_usage=st.booleans(),
)
def test_a_reply_is_a_legal_stream_with_one_end(
    dialect: Dialect,
    script: list[Delta],
    reason: FinishReason,
    usage: Usage | None,
    points: list[int],
    beats: set[int],
    wants_usage: bool,
) -> None:
    body = {**JUDGES[dialect.name].body, "stream_options": {"include_usage": wants_usage}}
    asked = dialect.decode(body, "req_1")
    encoder = dialect.encoder(asked, 1_700_000_000)
    stream = b""

    for at, batch in enumerate(batched(events_of(script, reason, usage), points)):
        stream += encoder.heartbeat() if at in beats else b""
        stream += encoder.encode(batch)
    stream += encoder.end()

    JUDGES[dialect.name].walk(asked, stream)


@every_dialect
@examples(150)
@given(script=scripts(), at=st.integers(0, 40), error=errors, beats=st.sets(st.integers(0, 40)))
def test_a_reply_that_fails_anywhere_is_a_legal_stream_with_one_end(
    dialect: Dialect, script: list[Delta], at: int, error: ProxyError, beats: set[int]
) -> None:
    asked = dialect.decode(JUDGES[dialect.name].body, "req_1")
    encoder = dialect.encoder(asked, 1_700_000_000)
    stream = b""

    for number, event in enumerate(events_of(script, FinishReason.STOP, None)[:-1][:at]):
        stream += encoder.encode([event])
        stream += encoder.heartbeat() if number in beats else b""
    stream += encoder.fail(error)

    JUDGES[dialect.name].walk(asked, stream)
