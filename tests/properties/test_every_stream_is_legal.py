"""Whatever the vendor says, and wherever it fails: legal streams, each with one end."""

from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import Event, FinishReason, Usage
from lingma_proxy.conversation.writer import ReplyWriter
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


@examples(300)
@given(
    script=scripts(),
    reason=reasons,
    usage=usages | st.none(),
    points=st.lists(st.integers(0, 30), max_size=6),
    beats=st.sets(st.integers(0, 6)),
    wants_usage=st.booleans(),
    failure=st.none() | st.tuples(st.integers(0, 40), errors),
)
def test_whatever_the_vendor_says_is_a_legal_stream_with_one_end(
    script: list[Delta],
    reason: FinishReason,
    usage: Usage | None,
    points: list[int],
    beats: set[int],
    wants_usage: bool,
    failure: tuple[int, ProxyError] | None,
) -> None:
    """In every dialect, in any batches, with heartbeats anywhere, cut off anywhere."""
    events = events_of(script, reason, usage)
    if failure is not None:
        events = events[:-1][: failure[0]]
    for dialect in DIALECTS:
        body = {**JUDGES[dialect.name].body, "stream_options": {"include_usage": wants_usage}}
        asked = dialect.decode(body, "req_1")
        encoder = dialect.encoder(asked, 1_700_000_000)
        said = []
        try:
            for at, batch in enumerate(batched(events, points)):
                said.append(encoder.heartbeat() if at in beats else b"")
                said.append(encoder.encode(batch))
        except ProtocolError as error:  # arguments that are no object have no place in Ollama's
            said.append(encoder.fail(error))
        else:
            said.append(encoder.end() if failure is None else encoder.fail(failure[1]))

        JUDGES[dialect.name].walk(asked, b"".join(said))
