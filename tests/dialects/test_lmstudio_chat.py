from dataclasses import replace

import pytest

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text
from lingma_proxy.conversation.stopwatch import Stopwatch
from lingma_proxy.dialects import openai_chat
from lingma_proxy.dialects.lmstudio_chat import DIALECT, whole

SECOND = 10**9
HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": -1}
REPLY = Reply("r1", "qmodel", (Text("Hello"),), FinishReason.STOP, Usage(10, 6))


def timed(*looks):
    """Asked with a clock that shows these seconds, one at each look."""
    watch = Stopwatch(iter([each * SECOND for each in looks]).__next__, lambda: 0)
    watch.start()
    return replace(DIALECT.decode(HI, "req_1"), watch=watch)


def test_it_is_openai_chat_and_how_long_it_took():
    asked = timed(0, 1, 4)
    asked.watch.hear(replay(REPLY)[:2])

    said = whole(asked, [REPLY], 0)

    assert said.items() >= openai_chat.whole(asked, [REPLY], 0).items()
    assert said["stats"] == {
        "tokens_per_second": 2.0,
        "time_to_first_token": 1.0,
        "generation_time": 3.0,
        "stop_reason": "eosFound",
    }
    assert said["runtime"]["name"] == "lingma-proxy"


def test_what_came_all_at_once_was_being_made_all_the_while():
    asked = timed(0, 3)
    asked.watch.hear(replay(REPLY))

    stats = whole(asked, [REPLY], 0)["stats"]

    assert (stats["tokens_per_second"], stats["time_to_first_token"]) == (2.0, 3.0)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (REPLY, "eosFound"),
        (replace(REPLY, stop_sequence="END"), "stopStringFound"),
        (replace(REPLY, reason=FinishReason.LENGTH), "maxPredictedTokensReached"),
        (replace(REPLY, reason=FinishReason.TOOL_CALLS, usage=None), "toolCalls"),
    ],
)
def test_why_it_ended(reply, reason):
    asked = DIALECT.decode(HI, "req_1")

    assert whole(asked, [reply], 0)["stats"]["stop_reason"] == reason
