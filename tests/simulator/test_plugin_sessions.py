import asyncio
from base64 import b64encode
from urllib.parse import quote_plus

import pytest

from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.plugin_sessions import LIMIT
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.script import INTRODUCTION, THOUGHTS
from lingma_proxy.simulator.seen import Outcome
from support.plugin_client import Heard, over_websocket
from support.vendor_client import PIXEL

PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
CANCELLED = {"outcome": {"outcome": "cancelled"}}


def picture(**more):
    data = b64encode(PIXEL).decode()
    return {"type": "image", "mimeType": "image/png", "data": data, "uri": "", **more}


def kinds(client):
    """What came, in order: methods, kinds of updates, and `response`."""
    found = []
    for message in client.heard:
        update = message.get("params", {}).get("update", {})
        kind = update.get("type") or update.get("sessionUpdate")
        found.append(kind or message.get("method") or "response")
    return found


async def failed(client, session, *parts):
    heard = await client.turn(session, *parts)
    assert heard.response is not None
    return heard.response["error"]


async def test_a_turn_has_its_order(client):
    session = await client.new()
    client.heard.clear()
    heard = await client.turn(session, PONG)

    assert (heard.text, heard.finish) == ("PONG", {"reason": "success", "fullAnswer": ""})
    assert heard.used["limitTokens"] == LIMIT
    assert kinds(client) == [
        "chat/process_step_callback",
        "chat/process_step_callback",
        "snapshot/syncAll",
        "session/title/update",
        "agent_message_chunk",
        "context_usage",
        "chat_finish",
        "response",
    ]


async def test_the_title_is_told_once(client):
    session = await client.new()
    await client.turn(session, "one")
    await client.turn(session, "two")

    assert kinds(client).count("session/title/update") == 1


async def test_a_session_remembers_its_turns_and_no_others(client):
    first, second = await client.new(), await client.new()
    await client.turn(first, PONG)

    assert (await client.turn(first, "MEMORYTEST")).text == f"I remember: {PONG}"
    assert (await client.turn(second, "MEMORYTEST")).text == "I remember: nothing"


async def test_a_model_that_reasons_thinks_first(client):
    session = await client.new()
    response = await client.call("session/set_model", {"sessionId": session, "modelId": "kmodel"})

    assert response["result"] is None
    assert (await client.turn(session, PONG)).thought == THOUGHTS


@pytest.mark.parametrize(
    "params",
    [
        {"modelId": "kmodel"},
        {"sessionId": "other", "modelId": "kmodel"},
        {"sessionId": "SESSION"},
        {"sessionId": "SESSION", "modelId": "gpt-7"},
        {"sessionId": "SESSION", "modelId": 7},
    ],
)
async def test_a_model_is_chosen_by_its_key_for_a_session_that_lives(client, params):
    session = await client.new()
    if params.get("sessionId") == "SESSION":
        params = {**params, "sessionId": session}

    assert (await client.call("session/set_model", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "params",
    [{}, {"cwd": "/"}, {"cwd": "", "mcpServers": []}, {"cwd": "/", "mcpServers": [1]}],
)
async def test_a_session_needs_a_folder_and_a_list_of_servers(client, params):
    assert (await client.call("session/new", params))["error"]["code"] == -32602


async def test_a_prompt_needs_a_request_id(plugin, client):
    session = await client.new()
    params = {"sessionId": session, "prompt": [{"type": "text", "text": "hello"}]}

    assert (await client.call("session/prompt", params))["error"]["message"] == "requestId is empty"
    assert plugin.prompts[0].outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"type": "text"}],
        [{"type": "audio", "data": ""}],
        [{"type": "image", "mimeType": "image/png", "data": ""}],
        [picture(data="!")],
        [picture(mimeType="text/plain")],
    ],
)
async def test_parts_of_a_prompt_are_looked_at(client, parts):
    assert (await failed(client, await client.new(), *parts))["code"] == -32602


async def test_a_prompt_needs_a_session_that_lives(client):
    session = await client.new()
    await client.call("chat/deleteSessionById", {"sessionId": session})

    assert "session not found" in (await failed(client, session, "hello"))["message"]
    again = await client.call("chat/deleteSessionById", {"sessionId": session})
    assert "error" in again


async def test_one_prompt_at_a_time(plugin, client):
    session = await client.new()
    plugin.next("stall")
    await client.prompt(session, "hello")
    await client.until("agent_message_chunk")

    assert "busy" in (await failed(client, session, "hello"))["message"]


async def test_two_sessions_speak_at_a_time(plugin, client):
    first, second = await client.new(), await client.new()
    plugin.next("stall")
    id = await client.prompt(first, "hello")
    await client.until("agent_message_chunk")

    assert (await client.turn(second, PONG)).text == "PONG"
    await client.tell("session/cancel", {"sessionId": first})
    heard = Heard()
    while not heard.over:
        heard.hear(await client.next(), id)
    assert heard.finish == {"reason": "cancelled", "fullAnswer": ""}


async def test_qoder_reads_the_picture_that_comes_along(client):
    heard = await client.turn(await client.new(), "What is it?", picture())

    assert "a PNG of 1x1 pixels" in heard.text


async def test_lingma_reads_the_file_that_the_uri_leads_to(tmp_path):
    file = tmp_path / "a b.png"
    file.write_bytes(PIXEL)
    uri = f"lingma:///agent/file?path={quote_plus(str(file))}"
    async with Plugin(product="Lingma") as plugin, over_websocket(plugin.url) as client:
        await client.hello()
        session = await client.new()
        heard = await client.turn(session, "What is it?", picture(data="", uri=uri))

        assert "a PNG of 1x1 pixels" in heard.text
        assert (await failed(client, session, picture()))["code"] == -32602
        file.unlink()
        assert (await failed(client, session, picture(uri=uri)))["code"] == -32602


async def test_a_cancelled_turn_ends_at_once(plugin, client):
    plugin.next("stall")
    session = await client.new()
    id = await client.prompt(session, "hello there")
    await client.until("agent_message_chunk")
    await client.tell("session/cancel", {"sessionId": session})
    finish = await client.until("chat_finish")
    await plugin.cancelled()

    assert finish["params"]["update"]["data"]["reason"] == "cancelled"
    assert (await client.next())["id"] == id
    await plugin.prompts[0].over.wait()
    assert plugin.prompts[0].outcome is Outcome.CANCELLED


async def test_a_long_answer_can_be_cancelled(plugin, client):
    session = await client.new()
    await client.prompt(session, "SIMULATE: words=100000")
    await client.until("agent_message_chunk")
    await client.tell("session/cancel", {"sessionId": session})
    await client.until("chat_finish")
    await plugin.prompts[0].over.wait()

    assert plugin.prompts[0].outcome is Outcome.CANCELLED


async def test_the_deaf_go_on(plugin, client):
    plugin.next("deaf", "pace=0.001", "words=20")
    session = await client.new()
    await client.prompt(session, "hello")
    await client.until("agent_message_chunk")
    await client.tell("session/cancel", {"sessionId": session})
    await client.until("chat_finish")

    assert sum(kind == "agent_message_chunk" for kind in kinds(client)) == 20


async def test_a_deleted_session_stops_speaking(plugin, client):
    plugin.next("stall")
    session = await client.new()
    await client.prompt(session, "hello")
    await client.until("agent_message_chunk")
    await client.call("chat/deleteSessionById", {"sessionId": session})
    await plugin.was_deleted()

    assert list(plugin.deleted) == [session]
    await plugin.prompts[0].over.wait()


async def test_words_can_be_put_into_its_mouth(plugin, client):
    session = await client.new()
    plugin.say([{"reasoning_content": "Hm."}, "Hel", "lo"], used=99)
    plugin.say(["never", " mind"], error=RpcError(-32603, "no more"))
    plugin.say([], finish="length")

    heard = await client.turn(session, "?")
    assert (heard.thought, heard.text, heard.used["usedTokens"]) == ("Hm.", "Hello", 99)
    assert (await failed(client, session, "?"))["message"] == "no more"
    assert (await client.turn(session, "?")).finish["reason"] == "length"
    assert (await client.turn(session, PONG)).text == "PONG"


async def test_faults_come_from_the_text_the_queue_and_the_default(plugin, client):
    session = await client.new()
    plugin.always("reason=length")
    plugin.next("reason=timeout")

    reasons = [(await client.turn(session, text)).finish.get("reason") for text in ("1", "2")]
    in_text = await client.turn(session, "3\nSIMULATE: reason=none, full-answer")
    assert reasons == ["timeout", "length"]
    assert in_text.finish == {"fullAnswer": in_text.text}
    assert "it has" in (await failed(client, session, "SIMULATE: sing"))["message"].lower()


async def test_a_conversation_in_one_text_is_understood(client):
    text = (
        "This is a conversation.\n\n"
        '<message role="system">Be brief.</message>\n'
        f'<message role="user">{PONG}</message>\n'
        '<message role="assistant" call="1" tool="read">{}</message>\n'
        '<message role="tool" call="1">hello-from-tool</message>'
    )

    assert (await client.turn(await client.new(), text)).text == "DONE: hello-from-tool"


@pytest.mark.parametrize(
    ("fault", "method"),
    [
        ("permission", "session/request_permission"),
        ("fs-read", "fs/read_text_file"),
        ("fs-write", "fs/write_text_file"),
        ("terminal", "terminal/create"),
        ("unknown-request", "simulated/unknown"),
    ],
)
async def test_what_it_wants_of_the_client_is_waited_for_and_kept(plugin, client, fault, method):
    refused = {"error": {"code": -32601, "message": "no"}}
    client.answers[method] = CANCELLED if fault == "permission" else refused
    plugin.next(fault, "string-ids")
    heard = await client.turn(await client.new(), "hello")
    [asked] = plugin.answers(method)

    assert heard.text == INTRODUCTION + "hello"
    assert isinstance(asked.id, str)
    assert (asked.result or {"error": asked.error}) == client.answers[method]
    assert list(plugin.complaints) == []


async def test_a_permission_that_nobody_answers_is_waited_for_for_ever(plugin, client):
    client.silent.add("session/request_permission")
    plugin.next("permission", "ack-limit=0.01")
    session = await client.new()
    await client.prompt(session, "hello")
    await client.until("session/request_permission")

    await client.call("ping")
    assert plugin.prompts[0].outcome is Outcome.UNDER_WAY
    assert kinds(client)[-2:] == ["session/request_permission", "response"]


async def test_an_odd_answer_to_a_permission_is_complained_of(plugin, client):
    plugin.next("permission")
    await client.turn(await client.new(), "hello")

    assert "no answer to a request for permission" in plugin.complaints[0]


async def test_a_callback_that_nobody_acknowledges_ends_the_turn(plugin, client):
    client.silent.add("chat/process_step_callback")
    plugin.next("ack-limit=0.01")

    assert "timeout" in (await failed(client, await client.new(), "hello"))["message"]


async def test_the_response_may_come_first_and_the_finish_late(plugin, client):
    session = await client.new()
    plugin.next("early-response")
    await client.turn(session, PONG)
    early = kinds(client)
    client.heard.clear()
    plugin.next("late-finish", "stop-reason=max_tokens")
    heard = await client.turn(session, PONG)

    assert early.index("response", 3) < early.index("agent_message_chunk")
    assert kinds(client)[-2:] == ["response", "chat_finish"]
    assert heard.response["result"] == {"stopReason": "max_tokens"}


async def test_either_end_may_be_missing(plugin, client):
    session = await client.new()
    plugin.next("no-finish")
    await client.call("session/getCurrent")
    id = await client.prompt(session, "hello")
    while (await client.next()).get("id") != id:
        pass
    assert "chat_finish" not in kinds(client)
    plugin.next("no-response")
    await client.prompt(session, "hello")
    await client.until("chat_finish")

    await plugin.prompts[1].over.wait()
    responses = kinds(client).count("response")
    await client.call("ping")
    assert kinds(client).count("response") == responses + 1


async def test_without_either_end_it_waits_to_be_cancelled(plugin, client):
    session = await client.new()
    plugin.next("no-response", "no-finish")
    await client.prompt(session, "hello")
    await client.until("context_usage")
    await client.tell("session/cancel", {"sessionId": session})
    await client.until("chat_finish")
    await plugin.prompts[0].over.wait()

    assert plugin.prompts[0].outcome is Outcome.CANCELLED


async def test_strangers_speak_in_between(plugin, client):
    plugin.next("foreign-request", "foreign-session", "unknown-updates", "tool-calls")
    heard = await client.turn(await client.new(), PONG)
    of_others = [
        message
        for message in client.heard
        if message.get("params", {}).get("_meta", {}).get("ai-coding/request-id")
        == "serve-0-foreign"
    ]

    assert heard.text == "PONG" * 3
    assert len(of_others) == 2
    assert {"tool_call", "plan", "simulated_news"} <= set(kinds(client))


async def test_a_runtime_without_sessions_says_so(plugin, client):
    plugin.next("no-sessions")
    params = {"cwd": "/", "mcpServers": []}

    assert (await client.call("session/new", params))["error"]["code"] == -32601


async def test_the_sessions_are_told(client):
    session = await client.new()

    current = await client.call("session/getCurrent")
    assert current["result"] == {"currentSessionIds": [session]}


async def test_a_cancel_of_nothing_is_complained_of(plugin, client):
    await client.tell("session/cancel", {"sessionId": "other"})
    await client.tell("session/sing", {})
    await client.call("ping")

    assert len(plugin.complaints) == 2


async def test_nobody_speaks_who_is_not_logged_in():
    async with Plugin(logged_in=False) as plugin, over_websocket(plugin.url) as client:
        await client.hello()
        assert (await client.call("config/queryModels"))["result"] == {}
        assert "login" in (await failed(client, await client.new(), "hello"))["message"]
        plugin.logged_in = True
        assert (await client.turn(await client.new(), PONG)).text == "PONG"


async def test_who_waits_can_wait_in_any_order(plugin, client):
    waiting = asyncio.gather(plugin.prompted(2), plugin.answered(4), plugin.created(1))
    session = await client.new()
    await client.turn(session, "one")
    await client.turn(session, "two")
    prompt, *_ = await waiting

    assert prompt.text == "two"
    assert prompt.request_id == "serve-1-a"
