import pytest


async def test_models_are_listed_by_scene(client):
    scenes = (await client.call("config/queryModels"))["result"]
    kmodel = next(model for model in scenes["chat"] if model["key"] == "kmodel")

    assert set(scenes) == {"assistant", "chat", "developer", "inline", "quest"}
    assert kmodel == {
        "key": "kmodel",
        "displayName": "Kimi-K2.6",
        "format": "openai",
        "source": "system",
        "isReasoning": True,
        "isVl": True,
        "url": "",
        "apiKey": "",
        "model": "",
    }


async def test_nobody_logged_in_has_no_models(plugin, client):
    plugin.next("logged-out")

    assert (await client.call("config/queryModels"))["result"] == {}
    assert (await client.call("config/queryModels"))["result"] != {}


async def test_sessions_are_listed(client):
    session = await client.new()
    await client.turn(session, "A title")

    shown = {"sessionId": session, "sessionTitle": "A title"}
    assert (await client.call("chat/listAllSessions"))["result"] == [shown]
    assert (await client.call("chat/getSessionById", {"sessionId": session}))["result"] == shown


@pytest.mark.parametrize("name", ["sessionId", "id"])
async def test_a_session_is_deleted_by_either_name(plugin, client, name):
    session = await client.new()

    assert (await client.call("chat/deleteSessionById", {name: session}))["result"] is None
    assert plugin.sessions == {}


async def test_some_builds_delete_by_one_name_only(plugin, client):
    plugin.always("id-only-delete")
    session = await client.new()

    assert "error" in await client.call("chat/deleteSessionById", {"sessionId": session})
    assert "result" in await client.call("chat/deleteSessionById", {"id": session})


async def test_a_turn_is_stopped_by_a_request_too(plugin, client):
    plugin.next("hang-prompt")
    session = await client.new()
    await client.prompt(session, "hello")
    await plugin.prompted()
    assert (await client.call("chat/stopSession", {"sessionId": session}))["result"] is None
    await plugin.prompts[0].over.wait()


@pytest.mark.parametrize(
    "method", ["chat/getSessionById", "chat/stopSession", "chat/deleteSessionById"]
)
async def test_what_names_no_session_is_refused(client, method):
    assert (await client.call(method, {"sessionId": "other"}))["error"]["code"] == -32602
    assert (await client.call(method, {}))["error"]["code"] == -32602
