import asyncio
import socket
from base64 import b64encode
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.simulator.agent_faults import FAULTS, TABLE
from lingma_proxy.simulator.agent_sessions import LIMIT, Agent
from lingma_proxy.simulator.line import Wire
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.script import INTRODUCTION, THOUGHTS
from lingma_proxy.simulator.turn_steps import Words
from support.plugin_client import Gone, Heard, over_streams
from support.vendor_client import PIXEL

PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
CANCELLED = {"outcome": {"outcome": "cancelled"}}
PICTURE = {"type": "image", "mimeType": "image/png", "data": b64encode(PIXEL).decode()}


class Streams(Wire):
    text = False

    def __init__(self, writer):
        self.writer = writer

    async def write(self, data, *, binary):
        self.writer.write(data)
        await self.writer.drain()

    def drop(self):
        self.writer.close()


async def chunks(reader):
    while chunk := await reader.read(65536):
        yield chunk


@asynccontextmanager
async def talking(faults="", **more):
    """An agent, what it notes, and a client that has introduced itself."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    notes: list[dict] = []
    agent = Agent(Streams(writer), TABLE.parse(faults), note=notes.append, **more)

    async def run():
        try:
            await agent.run(chunks(reader))
        finally:
            writer.close()

    running = asyncio.create_task(run())
    try:
        async with over_streams(*await asyncio.open_connection(sock=ours), newlines=True) as client:
            yield agent, client, notes
    finally:
        await running


async def hello(client):
    params = {"protocolVersion": 1, "clientCapabilities": {}}
    return (await client.call("initialize", params))["result"]


async def opened(client):
    """A new session's id, after a hello."""
    await hello(client)
    response = await client.call("session/new", {"cwd": "/work", "mcpServers": []})
    await client.until("available_commands_update")
    return response["result"]["sessionId"]


def parts(*said):
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in said]


async def turn(client, session, *said):
    id = await client.ask("session/prompt", {"sessionId": session, "prompt": parts(*said)})
    heard = Heard()
    while heard.response is None:
        heard.hear(await client.next(), id)
    return heard


async def test_it_introduces_itself():
    async with talking(about={"pid": 7}) as (_, client, _notes):
        said = await hello(client)

    assert said["protocolVersion"] == 1
    assert said["agentCapabilities"]["promptCapabilities"] == {"image": True}
    assert said["agentCapabilities"]["sessionCapabilities"] == {"close": {}}
    assert [method["id"] for method in said["authMethods"]] == ["simulated-login"]
    assert said["_meta"] == {"pid": 7}


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


async def test_a_session_remembers():
    async with talking() as (_, client, _notes):
        session = await opened(client)
        await turn(client, session, "one")

        assert (await turn(client, session, "MEMORYTEST")).text == "I remember: one"


async def test_a_model_is_chosen_among_the_options():
    async with talking() as (_, client, _notes):
        await hello(client)
        offered = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["result"]
        session = offered["sessionId"]
        mode, model = offered["configOptions"]
        choice = {"sessionId": session, "configId": model["id"], "value": "kmodel"}
        chosen = (await client.call("session/set_config_option", choice))["result"]

        assert [option["category"] for option in (mode, model)] == ["mode", "model"]
        assert model["currentValue"] == "org_auto"
        assert chosen["configOptions"][1]["currentValue"] == "kmodel"
        assert (await turn(client, session, PONG)).thought == THOUGHTS
        for wrong in ({"value": "gpt-7"}, {"configId": "x"}, {"sessionId": "x"}, {"value": 7}):
            answer = await client.call("session/set_config_option", choice | wrong)
            assert answer["error"]["code"] == -32602
        mode_choice = choice | {"configId": "mode", "value": "code"}
        assert "result" in await client.call("session/set_config_option", mode_choice)
        assert (await client.call("session/set_model", {}))["error"]["code"] == -32601


async def test_older_agents_have_a_method_for_it():
    async with talking("old-models") as (_, client, _notes):
        await hello(client)
        offered = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["result"]
        choice = {"sessionId": offered["sessionId"], "modelId": "kmodel"}

        assert offered["models"]["currentModelId"] == "org_auto"
        assert {"modelId": "kmodel", "name": "Kimi-K2.6"} in offered["models"]["availableModels"]
        assert (await client.call("session/set_model", choice))["result"] == {}
        assert (await turn(client, choice["sessionId"], PONG)).thought == THOUGHTS


async def test_some_let_nothing_be_chosen_and_some_have_groups():
    async with talking("no-models") as (_, client, _notes):
        await hello(client)
        plain = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["result"]
        assert (await client.call("session/set_config_option"))["error"]["code"] == -32601
    async with talking("grouped-models") as (_, client, _notes):
        await hello(client)
        grouped = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["result"]

    assert list(plain) == ["sessionId"]
    assert len(grouped["configOptions"][1]["options"]) == 2


async def test_a_login_may_be_needed():
    async with talking("needs-login") as (_, client, _notes):
        await hello(client)
        error = (await client.call("session/new", {"cwd": "/", "mcpServers": []}))["error"]
        assert (error["code"], error["message"]) == (-32000, "Authentication required")
        assert [method["id"] for method in error["data"]["authMethods"]] == ["simulated-login"]
        assert "error" in await client.call("authenticate", {"methodId": "x"})
        assert "result" in await client.call("authenticate", {"methodId": "simulated-login"})
        assert "result" in await client.call("session/new", {"cwd": "/", "mcpServers": []})


@pytest.mark.parametrize(
    "params",
    [{}, {"cwd": "/"}, {"cwd": "work", "mcpServers": []}, {"cwd": "/", "mcpServers": {}}],
)
async def test_a_session_needs_a_whole_path_and_a_list_of_servers(params):
    async with talking() as (_, client, _notes):
        await hello(client)

        assert (await client.call("session/new", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "params",
    [{}, {"protocolVersion": 0}, {"protocolVersion": "1"}, {"protocolVersion": 1, "clientInfo": 1}],
)
async def test_initialize_is_looked_at_and_comes_first(params):
    async with talking() as (_, client, _notes):
        assert (await client.call("session/new", {}))["error"]["code"] == -32600
        assert (await client.call("initialize", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "said", [[], [{"type": "text"}], [{"type": "video"}], [PICTURE | {"data": "!"}]]
)
async def test_parts_of_a_prompt_are_looked_at(said):
    async with talking() as (_, client, _notes):
        session = await opened(client)
        heard = await turn(client, session, *said)

        assert heard.response["error"]["code"] == -32602


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
