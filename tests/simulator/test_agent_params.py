import pytest

from support.agent_client import PICTURE, hello, opened, talking, turn


@pytest.mark.parametrize(
    "params",
    [{}, {"protocolVersion": 0}, {"protocolVersion": "1"}, {"protocolVersion": 1, "clientInfo": 1}],
)
async def test_initialize_is_looked_at_and_comes_first(params):
    async with talking() as (_, client, _notes):
        assert (await client.call("session/new", {}))["error"]["code"] == -32600
        assert (await client.call("initialize", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "params",
    [{}, {"cwd": "/"}, {"cwd": "work", "mcpServers": []}, {"cwd": "/", "mcpServers": {}}],
)
async def test_a_session_needs_a_whole_path_and_a_list_of_servers(params):
    async with talking() as (_, client, _notes):
        await hello(client)

        assert (await client.call("session/new", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "said", [[], [{"type": "text"}], [{"type": "video"}], [PICTURE | {"data": "!"}]]
)
async def test_parts_of_a_prompt_are_looked_at(said):
    async with talking() as (_, client, _notes):
        session = await opened(client)
        heard = await turn(client, session, *said)

        assert heard.response["error"]["code"] == -32602
