import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from typing import Any

import acp
import pytest
from acp.schema import DeniedOutcome

from lingma_proxy.simulator.agent import main, said
from support.plugin_client import Gone, PluginClient

PATIENCE = 30
PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
HELLO = {"protocolVersion": 1, "clientCapabilities": {}}
NEW = {"cwd": "/", "mcpServers": []}


@asynccontextmanager
async def running(*words):
    """The agent's process, and a client of it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lingma_proxy.simulator.agent",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )

    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def write(data):
        stdin.write(data)
        await stdin.drain()

    try:
        yield process, PluginClient(write, lambda: stdout.read(65536), newlines=True)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def answered(client, text=PONG):
    """The text and the result of a turn in a new session, after a hello."""
    await client.call("initialize", HELLO)
    session = (await client.call("session/new", NEW))["result"]["sessionId"]
    prompt = [{"type": "text", "text": text}]
    response = await client.call("session/prompt", {"sessionId": session, "prompt": prompt})
    updates = [message["params"]["update"] for message in client.heard if "params" in message]
    spoken = [each for each in updates if each["sessionUpdate"] == "agent_message_chunk"]
    return "".join(each["content"]["text"] for each in spoken), response


async def code_of(process):
    async with asyncio.timeout(PATIENCE):
        return await process.wait()


async def test_it_answers_and_ends_when_its_input_does():
    async with running() as (process, client):
        text, response = await answered(client)
        process.stdin.close()

        assert text == "PONG"
        assert response["result"]["stopReason"] == "end_turn"
        assert await code_of(process) == 0


async def test_what_it_hears_and_says_can_be_given(tmp_path):
    words = [{"deltas": [{"reasoning_content": "Hm."}, "Hel", "lo"], "finish": "length"}]
    (tmp_path / "say.json").write_text(json.dumps(words))
    options = ("--say", str(tmp_path / "say.json"), "--record", str(tmp_path / "record"))
    async with running(*options, "--pace", "0.001") as (process, client):
        text, response = await answered(client)
        process.stdin.close()
        await code_of(process)

    lines = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert text == "Hello"
    assert response["result"]["stopReason"] == "max_tokens"
    assert [line["heard"] for line in lines if "heard" in line] == [
        "initialize",
        "session/new",
        "session/prompt",
    ]
    assert lines[-1]["cancelled"] is False


async def test_it_may_end_at_its_start():
    async with running("--fault", "exit-at-start") as (process, client):
        with pytest.raises(Gone):
            await client.next()

        assert await code_of(process) == 3
        assert b"configuration is broken" in await process.stderr.read()


async def test_it_may_die_in_the_middle():
    async with running("--fault", "drop-after=2") as (process, client):
        with pytest.raises(Gone):
            await answered(client, "one two three")

        assert await code_of(process) == 9
        assert b"a fault has ended me" in await process.stderr.read()


async def test_it_may_end_after_each_turn():
    async with running("--fault", "exit-idle") as (process, client):
        assert (await answered(client))[0] == "PONG"
        assert await code_of(process) == 0


async def test_it_may_fill_standard_error_before_it_says_anything():
    async with running("--fault", "stderr=300") as (process, client):
        reading = asyncio.create_task(process.stderr.readexactly(300 * 1024))
        assert (await answered(client))[0] == "PONG"

        assert b"a warning that nobody reads" in await reading


async def test_it_may_not_want_to_end():
    async with running("--fault", "ignore-sigterm,ignore-eof") as (process, client):
        await client.call("initialize", HELLO)
        process.terminate()
        assert (await client.call("session/new", NEW))["result"]
        process.stdin.close()
        assert await process.stderr.readline() == b"simulated-agent: I stay\n"
        process.kill()
        assert await code_of(process) == -signal.SIGKILL


async def test_it_ends_when_it_is_told_to():
    async with running() as (process, client):
        await client.call("initialize", HELLO)
        process.terminate()

        assert await code_of(process) == -signal.SIGTERM


def test_it_may_have_a_child_that_outlives_it():
    command = [sys.executable, "-m", "lingma_proxy.simulator.agent", "--fault", "grandchild"]
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())["result"]["_meta"]["simulator"]
        process.stdin.close()

        assert process.wait(PATIENCE) == 0
        # It lives, and holds on to the output.
        os.kill(told["grandchild"], signal.SIGKILL)
        assert process.stdout.read() == ""


async def test_a_long_answer_waits_for_who_reads_it_and_can_be_cancelled():
    async with running("--fault", "words=100000") as (process, client):
        await client.call("initialize", HELLO)
        session = (await client.call("session/new", NEW))["result"]["sessionId"]
        prompt = [{"type": "text", "text": "hello"}]
        id = await client.ask("session/prompt", {"sessionId": session, "prompt": prompt})
        await client.until("agent_message_chunk")
        await client.tell("session/cancel", {"sessionId": session})
        while (message := await client.next()).get("id") != id:
            pass

        assert message["result"] == {"stopReason": "cancelled"}


@pytest.mark.parametrize(
    "arguments", [["--fault", "sing"], ["--say", "/no/such/file"], ["--pace", "x"], ["sing"]]
)
def test_a_wrong_command_line_is_refused(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_help_lists_the_faults(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "exit-at-start" in capsys.readouterr().out


def test_what_is_to_be_said_is_read_with_care():
    [turn, failing] = said(
        [
            {"deltas": ["a", {"content": "b"}], "finish": None, "used": 1, "usage": {"x": 1}},
            {"deltas": [], "error": {"code": 1, "message": "no", "data": [2]}},
        ]
    )

    assert turn.deltas == ({"content": "a"}, {"content": "b"})
    assert (turn.finish, turn.used, turn.usage) == (None, 1, {"x": 1})
    assert failing.error is not None
    assert failing.error.object == {"code": 1, "message": "no", "data": [2]}


@pytest.mark.parametrize(
    "wrong", [{}, [7], [{}], [{"deltas": "x"}], [{"deltas": [], "error": {"code": "x"}}]]
)
def test_what_cannot_be_said_is_refused(wrong):
    with pytest.raises(ValueError):
        said(wrong)


class Listener:
    """A client as the protocol's own library has them: it checks every message's schema."""

    def __init__(self):
        self.updates = []

    def on_connect(self, _):
        pass

    async def session_update(self, session_id, update, **_):
        self.updates.append(update)

    async def request_permission(self, options, session_id, tool_call, **_):
        return acp.RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))


@pytest.mark.parametrize("fault", ["thoughts,tool-calls,permission", "grouped-models"])
async def test_the_official_library_understands_it(fault):
    listener: Any = Listener()
    module = ("-m", "lingma_proxy.simulator.agent", "--fault", fault)
    async with acp.spawn_agent_process(listener, sys.executable, *module) as (agent, _):
        met = await agent.initialize(protocol_version=1)
        session = await agent.new_session(cwd="/", mcp_servers=[])
        chosen = await agent.set_config_option("model", session.session_id, "kmodel")
        prompt: list[Any] = [acp.text_block(PONG)]
        turn = await agent.prompt(session_id=session.session_id, prompt=prompt)
        await agent.close_session(session.session_id)

    assert met.agent_info is not None
    assert met.agent_info.name == "simulated-agent"
    assert chosen.config_options[1].current_value == "kmodel"
    assert turn.stop_reason == "end_turn"
    assert turn.usage is not None
    spoken = [each for each in listener.updates if each.session_update == "agent_message_chunk"]
    assert "".join(each.content.text for each in spoken) == "PONG"
