"""Ollama, read back by Ollama's own client: what it adds up from a stream is the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects.ollama import CHAT, GENERATE
from lingma_proxy.errors import BackendUnavailable
from lingma_proxy.jsonio import dumpb
from support.judges import JUDGES
from support.ollama_sdk import ResponseError, client
from support.strategies import arguments, texts, words

NOW = 1_800_000_000
both = pytest.mark.parametrize("dialect", [CHAT, GENERATE], ids=lambda dialect: dialect.name)
parts = st.one_of(
    st.builds(Text, texts),
    st.builds(Thinking, texts),
    st.builds(ToolCall, words, words, arguments()),
)


@both
@given(said=st.lists(parts, max_size=5), beats=st.integers(0, 3))
def test_the_client_adds_up_what_is_said_at_once_whatever_beats_between(
    dialect: Dialect, said: list[Text | Thinking | ToolCall], beats: int
) -> None:
    judge = JUDGES[dialect.name]
    question = dialect.decode(judge.body, "req_1")
    reply = Reply("r1", "qmodel", tuple(said), FinishReason.STOP)
    encoder = dialect.encoder(question, NOW)
    stream = b""
    for event in replay(reply):
        stream += encoder.heartbeat() * beats + encoder.encode([event])
    stream += encoder.end()

    assert judge.folded(stream) == judge.read(dialect.whole(question, [reply], NOW))


@both
def test_the_client_raises_what_a_status_says(dialect: Dialect) -> None:
    error = BackendUnavailable("Nobody is there.")
    body = dumpb(dialect.error(error, "req_1"))

    for stream in (False, True):
        asking = client(body, status=error.status, media_type="application/json")
        with pytest.raises(ResponseError, match="Nobody is there") as caught:
            list(asking.chat("m", stream=stream))
        assert caught.value.status_code == 503
