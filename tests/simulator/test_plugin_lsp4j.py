import pytest

from lingma_proxy.simulator.seen import Outcome
from support.plugin_client import over_websocket

HELLO: dict[str, object] = {
    "processId": None,
    "capabilities": {},
    "rootUri": "file:///tmp/x",
    "workspaceFolders": [],
}


@pytest.fixture
async def client(plugin):
    async with over_websocket(plugin.url) as client:
        await client.call("initialize", HELLO)
        yield client


def ask(text="hello", **more):
    return {
        "requestId": "r1",
        "chatTask": "FREE_INPUT",
        "chatContext": {"text": text},
        "sessionId": "s1",
        "questionText": text,
        "stream": True,
        "sessionType": "chat",
        "extra": {"modelConfig": {"key": "kmodel"}},
        **more,
    }


async def said(client, text="exactly one word: pong", **more):
    """The text, the thought and the chat/finish of a turn."""
    await client.call("chat/ask", ask(text, **more))
    spoken = {"chat/answer": "", "chat/think": ""}
    while True:
        message = await client.until("chat/answer", "chat/think", "chat/finish")
        params = message["params"]
        if message["method"] == "chat/finish":
            return spoken["chat/answer"], spoken["chat/think"], params
        before = "" if params.get("overwrite") else spoken[message["method"]]
        spoken[message["method"]] = before + params["text"]


async def test_a_question_is_answered(plugin, client):
    text, thought, finish = await said(client)

    assert text == finish["fullAnswer"] == "pong"
    assert thought
    assert (finish["statusCode"], finish["reason"]) == (200, "success")
    assert list(plugin.sessions) == ["s1"]


async def test_it_remembers(client):
    await said(client)

    assert (await said(client, "MEMORYTEST"))[0] == "I remember: exactly one word: pong"


@pytest.mark.parametrize(
    "change",
    [
        {"requestId": ""},
        {"stream": False},
        {"questionText": 7},
        {"extra": {"modelConfig": {"key": "gpt-7"}}},
        {"extra": {"modelConfig": {}}},
    ],
)
async def test_a_question_is_looked_at(client, change):
    assert (await client.call("chat/ask", ask(**change)))["error"]["code"] == -32602


async def test_the_login_is_told(plugin, client):
    assert (await client.call("auth/status"))["result"]["status"] == 2
    plugin.logged_in = False
    assert (await client.call("auth/status"))["result"]["status"] == 1


@pytest.mark.parametrize("method", ["chat/stop", "chat/stopSession"])
async def test_a_turn_can_be_stopped(plugin, client, method):
    plugin.next("stall")
    await client.call("chat/ask", ask())
    await client.until("chat/answer", "chat/think")
    await client.call(method, {"sessionId": "s1"})
    finish = await client.until("chat/finish")
    await plugin.prompts[0].over.wait()

    assert finish["params"]["reason"] == "cancelled"
    assert plugin.prompts[0].outcome is Outcome.CANCELLED


async def test_an_error_in_the_middle_is_told_by_the_finish(client):
    _, _, finish = await said(client, "hello\nSIMULATE: error-after=1")

    assert finish["statusCode"] == 500


async def test_a_status_can_be_asked_for(client):
    assert (await said(client, "hello\nSIMULATE: status=408"))[2]["statusCode"] == 408


async def test_a_text_can_replace_the_one_before(client):
    text, _, _ = await said(client, "hello\nSIMULATE: overwrite")

    assert text.endswith("overwrite")


async def test_strangers_speak_in_between(client):
    text, _, _ = await said(client, "exactly one word: pong\nSIMULATE: foreign-request")

    assert text == "pongpong"


async def test_who_does_not_acknowledge_hears_no_more(plugin, client):
    client.silent.add("chat/think")
    plugin.next("ack-limit=0.01")
    await client.call("chat/ask", ask())
    await plugin.prompts[0].over.wait()

    assert plugin.prompts[0].outcome is Outcome.FINISHED


async def test_unknown_notifications_are_complained_of_except_the_usual_one(plugin, client):
    await client.tell("initialized", {})
    await client.tell("chat/sing", {})
    await client.call("ping")

    assert list(plugin.complaints) == ["unknown method: chat/sing"]


async def test_sessions_of_the_other_protocol_are_unknown_here(client):
    assert (await client.call("session/new"))["error"]["code"] == -32601
