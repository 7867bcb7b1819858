import pytest

from lingma_proxy.simulator.agent_turn import LIMIT
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.script import INTRODUCTION
from lingma_proxy.simulator.turn_steps import Words
from support.agent_client import CANCELLED, PONG, opened, talking, turn
from support.plugin_client import Gone


async def test_a_turn_ends_with_its_response():
    async with talking() as (_, client, notes):
        session = await opened(client)
        heard = await turn(client, session, PONG)

    assert heard.text == "PONG"
    assert heard.finish is None
    assert heard.response is not None
    assert heard.response["result"]["stopReason"] == "end_turn"
    assert set(heard.response["result"]["usage"]) == {"inputTokens", "outputTokens", "totalTokens"}
    assert heard.used is not None
    assert heard.used["size"] == LIMIT
    assert notes[-1] == {"ended": session, "cancelled": False}


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        ("stop-reason", {"stopReason": "refusal"}),
        ("stop-reason=max_tokens", {"stopReason": "max_tokens"}),
        ("stop-reason=none", {}),
    ],
)
async def test_a_turn_may_end_otherwise(fault, result):
    async with talking(f"no-usage, {fault}") as (_, client, _notes):
        assert (await turn(client, await opened(client), "hello")).response["result"] == result


async def test_words_can_be_put_into_its_mouth():
    words = [
        Words(
            ({"reasoning_content": "Hm."}, {"content": "Hello"}), "length", used=99, usage={"x": 1}
        ),
        Words(({"content": "never"},), error=RpcError(-32603, "no more")),
        Words(({"content": "un"},), None),
    ]
    async with talking(words=words) as (_, client, _notes):
        session = await opened(client)
        first = await turn(client, session, "?")
        second = await turn(client, session, "?")
        with pytest.raises(Gone):
            await turn(client, session, "?")

    assert (first.thought, first.text, first.used["used"]) == ("Hm.", "Hello", 99)
    assert first.response["result"] == {"stopReason": "max_tokens", "usage": {"x": 1}}
    assert second.response["error"]["message"] == "no more"


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ("permission", "session/request_permission"),
        ("fs-write", "fs/write_text_file"),
        ("terminal", "terminal/create"),
    ],
)
async def test_what_it_wants_of_the_client_is_noted_with_the_answer(fault, method):
    refused = {"error": {"code": -32601, "message": "no"}}
    async with talking(fault) as (_, client, notes):
        client.answers[method] = CANCELLED if fault == "permission" else refused
        session = await opened(client)
        heard = await turn(client, session, "hello")

    answered = {"result": CANCELLED} if fault == "permission" else refused
    assert heard.text == INTRODUCTION + "hello"
    assert {"answered": method, **answered} in notes
    assert not any("complaint" in note for note in notes)
