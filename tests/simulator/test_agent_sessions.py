import asyncio

import pytest

from lingma_proxy.simulator.agent_faults import FAULTS
from support.agent_client import CANCELLED, PICTURE, hello, opened, parts, talking, turn
from support.plugin_client import Gone, Heard


async def test_it_introduces_itself():
    async with talking(about={"pid": 7}) as (_, client, _notes):
        said = await hello(client)

    assert said["protocolVersion"] == 1
    assert said["agentCapabilities"]["promptCapabilities"] == {"image": True}
    assert said["agentCapabilities"]["sessionCapabilities"] == {"close": {}}
    assert [method["id"] for method in said["authMethods"]] == ["simulated-login"]
    assert said["_meta"] == {"pid": 7}


async def test_a_session_remembers():
    async with talking() as (_, client, _notes):
        session = await opened(client)
        await turn(client, session, "one")

        assert (await turn(client, session, "MEMORYTEST")).text == "I remember: one"


async def test_a_login_may_be_needed():
    async with talking("needs-login") as (_, client, _notes):
        await hello(client)
        error = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["error"]
        assert (error["code"], error["message"]) == (-32000, "Authentication required")
        assert [method["id"] for method in error["data"]["authMethods"]] == ["simulated-login"]
        assert "error" in await client.call("authenticate", {"methodId": "x"})
        assert "result" in await client.call("authenticate", {"methodId": "simulated-login"})
        assert "result" in await client.call("session/new", {"cwd": "/", "mcpServers": []})


async def test_pictures_are_measured_where_they_are_offered():
    async with talking() as (_, client, _notes):
        heard = await turn(client, await opened(client), "What is it?", PICTURE)
        assert "a PNG of 1x1 pixels" in heard.text
    async with talking("no-pictures") as (_, client, _notes):
        heard = await turn(client, await opened(client), "What is it?", PICTURE)
        assert heard.response["error"]["code"] == -32602


@pytest.mark.parametrize("fault", ["stall", "hang-prompt", "slow=9"])
async def test_a_turn_can_be_cancelled(fault):
    async with talking() as (_, client, notes):
        session = await opened(client)
        text = f"hello\nSIMULATE: {fault}"
        id = await client.ask("session/prompt", {"sessionId": session, "prompt": parts(text)})
        await client.tell("session/cancel", {"sessionId": session})
        heard = Heard()
        while heard.response is None:
            heard.hear(await client.next(), id)

    assert heard.response["result"] == {"stopReason": "cancelled"}
    assert notes[-1] == {"ended": session, "cancelled": True}


async def test_a_closed_session_is_none():
    async with talking() as (agent, client, _notes):
        session = await opened(client)
        assert (await client.call("session/close", {"sessionId": session}))["result"] == {}
        assert agent.sessions == {}
        heard = await turn(client, session, "hello")
        assert heard.response["error"]["code"] == -32602
        assert "error" in await client.call("session/close", {"sessionId": session})


async def test_closing_a_session_ends_its_turn():
    async with talking("stall") as (_, client, _notes):
        session = await opened(client)
        id = await client.ask("session/prompt", {"sessionId": session, "prompt": parts("hello")})
        await client.until("agent_message_chunk")
        await client.call("session/close", {"sessionId": session})

        responses = [message for message in client.heard if message.get("id") == id]
        assert responses or (await client.next())["id"] == id


async def test_some_cannot_close():
    async with talking("no-close") as (_, client, _notes):
        said = await hello(client)

        assert said["agentCapabilities"]["sessionCapabilities"] == {}
        assert (await client.call("session/close", {}))["error"]["code"] == -32601


async def test_one_prompt_at_a_time():
    async with talking() as (_, client, _notes):
        session = await opened(client)
        stalled = parts("hello\nSIMULATE: stall")
        await client.ask("session/prompt", {"sessionId": session, "prompt": stalled})
        heard = await turn(client, session, "hello")

        assert "busy" in heard.response["error"]["message"]


async def test_a_permission_that_nobody_answers_is_waited_for_for_ever():
    async with talking("permission") as (agent, client, notes):
        client.silent.add("session/request_permission")
        session = await opened(client)
        await client.ask("session/prompt", {"sessionId": session, "prompt": parts("hello")})
        await client.until("session/request_permission")
        await client.tell("session/cancel", {"sessionId": session})
        assert "error" in await client.call("session/close", {"sessionId": "x"})
        assert agent.sessions[session].cancelled is not None

    assert not any("ended" in note for note in notes)


async def test_an_unknown_fault_in_the_text_is_refused_with_the_list():
    async with talking() as (_, client, _notes):
        heard = await turn(client, await opened(client), "SIMULATE: sing")

        assert "stop-reason" in heard.response["error"]["message"]


async def test_a_cancel_of_nothing_is_complained_of():
    async with talking() as (_, client, notes):
        await hello(client)
        await client.tell("session/cancel", {"sessionId": "x"})
        await client.tell("session/sing", {})
        await client._write(b"no JSON\n")
        await client.call("ping")

    assert sum("complaint" in note for note in notes) == 3


ENDS = {"drop-after", "cut"}
NO_FAULTS_OF_TURNS = {
    "exit-at-start",
    "exit-idle",
    "stderr",
    "ignore-sigterm",
    "ignore-eof",
    "grandchild",
}
"""They are the process's: `test_agent` sees to them."""
VALUES = {"seconds": "=0.001", "number": "=3"}


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - NO_FAULTS_OF_TURNS))
async def test_no_fault_is_an_accident(fault):
    """With each fault, a client that is patient comes to an end, and so does the agent."""
    before = asyncio.all_tasks()
    ended = "well"
    try:
        async with talking(fault + VALUES.get(FAULTS[fault].takes, "")) as (_, client, notes):
            await a_life(client)
    except (Gone, ConnectionError):
        ended = "gone"
    except ValueError:
        ended = "garbled"

    assert (ended == "gone") == (fault in ENDS or fault.startswith("drop-"))
    assert (ended == "garbled") == (fault in {"garbage", "noise"})
    assert [note for note in notes if "complaint" in note] == []
    assert asyncio.all_tasks() <= before


async def a_life(client):
    client.answers["session/request_permission"] = CANCELLED
    await client.call("initialize", {"protocolVersion": 1})
    await client.call("authenticate", {"methodId": "simulated-login"})
    response = await client.call("session/new", {"cwd": "/", "mcpServers": []})
    session = response.get("result", {}).get("sessionId", "none")
    choice = {"sessionId": session, "configId": "model", "value": "kmodel"}
    await client.call("session/set_config_option", choice)
    await client.call("session/set_model", {"sessionId": session, "modelId": "kmodel"})
    await turn(client, session, "one two three four")
    await client.call("session/close", {"sessionId": session})
