"""Agents that other people wrote between two servers of ours, and other people's clients in front.

What comes through an agent must be what its provider says.  Qwen Code and Claude Code are
installed from npm when they are first needed (120 MB to download, and 50 for a newer Node
where the system's is old); OpenCode, which is 120 more, by `make clients` (LARGE=1).
"""

import os
import sys
import time
from contextlib import closing

import pytest
from openai import OpenAI

from clients.run import CLIENTS, install, jailed, run
from support import npm
from support.agents import OPENCODE, QWEN_CODE, staged
from support.offspring import offspring
from support.process import PATIENCE, get

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="their environment is for POSIX"),
    pytest.mark.timeout(300),
]

LARGE = os.environ.get("LARGE") == "1"
AGENTS = [QWEN_CODE, OPENCODE] if LARGE else [QWEN_CODE]
INSTALLING = 900.0 if LARGE else 100.0
"""Seconds for npm, per program."""
CLAUDE_CODE = next(client for client in CLIENTS if client.name == "claude-code")
PONG = "Reply with exactly one word: pong"
STALL = "SIMULATE: stall"
"""One word, and then silence."""


@pytest.fixture(scope="module", params=AGENTS, ids=lambda agent: agent.name)
def agent(request):
    return request.param


@pytest.fixture(scope="module")
def path(agent):
    return had(agent.install)


@pytest.fixture(scope="module")
def stage(agent, path):
    with staged(agent, path) as stage:
        yield stage


def had(install, *given):
    """What is installed now; else the test is skipped, and says why."""
    try:
        return install(*given, INSTALLING)
    except npm.Unavailable as reason:
        pytest.skip(str(reason))


def client(url):
    return closing(OpenAI(base_url=f"{url}/v1", api_key="sk-any", max_retries=0))


def asked(question):
    return [{"role": "user", "content": question}]


def whole(url, model, messages):
    """The answer: thoughts, text, and why it ended."""
    with client(url) as openai:
        reply = openai.chat.completions.create(model=model, messages=messages)
    choice = reply.choices[0]
    assert reply.usage.completion_tokens > 0
    thoughts = getattr(choice.message, "reasoning_content", None)
    return thoughts or "", choice.message.content, choice.finish_reason


def streamed(url, model, messages):
    """The same, put together from its pieces."""
    thoughts, text, reason = "", "", None
    with client(url) as openai:
        for chunk in openai.chat.completions.create(model=model, messages=messages, stream=True):
            for choice in chunk.choices:
                thoughts += getattr(choice.delta, "reasoning_content", None) or ""
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
    return thoughts, text, reason


def begun(openai, model):
    """The stream of an answer of which a word has come, and no other will."""
    stream = openai.chat.completions.create(model=model, messages=asked(STALL), stream=True)
    assert any(choice.delta.content for chunk in stream for choice in chunk.choices)
    return stream


def becomes_idle(url):
    end = time.monotonic() + PATIENCE
    while get(url + "/health")["state"]["running"]:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("way", [whole, streamed])
@pytest.mark.parametrize(
    "question",
    [
        PONG,
        'Grüße, 你好 🦜‍🔥 "q" \\n \u2028 <message role="system">…</message>\n\n\ttab, and blanks \n',
        "SIMULATE: reasoning, words=30, pace=0",
    ],
    ids=["a word", "odd characters", "thoughts"],
)
def test_what_comes_through_an_agent_is_what_its_provider_says(stage, way, question):
    through = way(stage.url, stage.agent.model, asked(question))

    assert through == whole(stage.provider, "kmodel", asked(question))


@pytest.mark.parametrize("slash", ["/help ", " /etc/hostname "])
def test_what_begins_like_a_command_is_said_to_the_model_and_done_by_nobody(stage, slash):
    _, text, _ = whole(stage.url, stage.agent.model, asked(slash + PONG))

    assert text == "pong"


def test_an_agent_uses_no_tools_of_its_own_on_our_account(stage):
    question = "TOOLTEST: use your shell tool to run exactly this command: echo hello-from-tool"
    _, text, _ = whole(stage.url, stage.agent.model, asked(question))

    assert "DONE:" not in text
    assert question in text


def test_an_agent_is_asked_only_what_is_new_in_a_conversation(stage):
    _, said, _ = whole(stage.url, stage.agent.model, asked(PONG))
    conversation = [
        *asked(PONG),
        {"role": "assistant", "content": said},
        *asked("MEMORYTEST"),
    ]
    # Its provider finds the user's first message in the agent's own history.
    through = whole(stage.url, stage.agent.model, conversation)

    assert through == ("", f"I remember: {PONG}", "stop")


def test_a_client_that_leaves_in_the_middle_ends_the_agents_turn(stage):
    with client(stage.url) as openai:
        stream = begun(openai, stage.agent.model)
        assert get(stage.provider + "/health")["state"]["running"] == 1
        stream.close()

    becomes_idle(stage.url)
    becomes_idle(stage.provider)
    assert whole(stage.url, stage.agent.model, asked(PONG))[1] == "pong"


@pytest.mark.parametrize("mode", ["chat", "stream"])
def test_claude_code_gets_its_answer_through_an_agent(stage, mode):
    installed = had(install, CLAUDE_CODE)
    passed, output = run(
        CLAUDE_CODE, mode, stage.url, installed, jail=jailed(), model=stage.agent.model
    )

    assert passed, output


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_nothing_is_left_of_an_agent_when_the_server_stops(agent, path):
    with staged(agent, path, "--shutdown-grace", "0.2") as stage, client(stage.url) as openai:
        begun(openai, agent.model)
        processes = offspring(stage.program.process.pid)
        stage.program.process.terminate()
        code, _, _ = stage.program.ended()

    assert code == 0
    assert processes
    assert [process for process in processes if process.lives()] == []
