from lingma_proxy.simulator.script import THOUGHTS
from support.agent_client import PONG, hello, talking, turn


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
