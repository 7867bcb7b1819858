import asyncio
import os
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from lingma_proxy.backends.acp import BackOff, acp
from lingma_proxy.backends.peer import Lost
from lingma_proxy.conversation.events import Event, FinishReason, ReplyStarted
from lingma_proxy.conversation.reply import collect
from lingma_proxy.conversation.request import Image, ImageLink, Message, Text, Thinking
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    InvalidRequest,
    NotLoggedIn,
    ProtocolError,
    SettingsError,
)
from lingma_proxy.policies.time_out import TimeOut
from support.agent import agent
from support.backends import ask
from support.offspring import offspring
from support.stories import heard_parts

PING = "Reply with exactly one word: pong"
PONG = Text("pong")


def text_of(reply):
    return [part for part in reply.parts if isinstance(part, Text)]


async def answered(backend, *messages, **more):
    return await collect(backend.reply(ask(*messages or (PING,), **{"model": "", **more})))


async def test_an_agent_answers(tmp_path):
    async with agent(tmp_path) as (backend, record):
        reply = await answered(backend)

        assert text_of(reply) == [PONG]
        assert reply.reason is FinishReason.STOP
        assert reply.usage is not None
        assert not reply.usage.estimated
        assert reply.model
        assert backend.peer_name
        assert backend.endpoint.startswith("python")
        assert "/" not in backend.endpoint
    assert record.methods()["session/close"] == 1
    assert not [note for note in record.notes if "complaint" in note]


async def test_we_declare_no_files_and_no_terminal(tmp_path):
    async with agent(tmp_path) as (backend, record):
        await answered(backend)
        hello = await record.until(heard="initialize")

    assert hello["params"]["clientCapabilities"] == {
        "fs": {"readTextFile": False, "writeTextFile": False},
        "terminal": False,
    }


async def test_one_process_serves_all(tmp_path):
    async with agent(tmp_path) as (backend, record):
        replies = await asyncio.gather(*(answered(backend, f"{PING}{n}") for n in range(8)))

        assert [text_of(reply) for reply in replies] == [[Text(f"pong{n}")] for n in range(8)]
        assert record.methods()["initialize"] == 1
        assert record.methods()["session/new"] == 8


async def test_models_are_those_that_a_session_offers(tmp_path):
    async with agent(tmp_path) as (backend, record):
        models = await backend.models()
        await answered(backend, model=models[-1].key)

        assert len(models) > 1
        assert record.methods()["session/new"] == 1  # the one that was opened to see them
        chosen = await record.until(heard="session/set_config_option")
        assert chosen["params"]["value"] == models[-1].key


async def test_the_list_may_be_asked_for_again_and_again(tmp_path):
    async with agent(tmp_path) as (backend, record):
        lists = [await backend.models() for _ in range(3)]

        assert lists[0] == lists[1] == lists[2]
        assert record.methods()["session/close"] == 2


async def test_older_agents_choose_otherwise(tmp_path):
    async with agent(tmp_path, "old-models") as (backend, record):
        models = await backend.models()
        reply = await answered(backend, model=models[-1].key)

        assert reply.model == models[-1].key
        assert record.methods()["session/set_model"] == 1


async def test_an_agent_that_lets_nobody_choose_answers_all_the_same_and_that_is_said(tmp_path):
    async with agent(tmp_path, "no-models") as (backend, record):
        assert await backend.models() == ()
        reply = await answered(backend, model="gpt-4o")

        assert text_of(reply) == [PONG]
        assert any("lets nobody choose" in warning for warning in reply.warnings)


async def test_a_conversation_goes_on_in_its_session(tmp_path):
    async with agent(tmp_path) as (backend, record):
        first = Message("user", (Text(PING),))
        reply = await answered(backend, first)
        said = Message("assistant", tuple(text_of(reply)))
        await answered(backend, first, said, "Reply with exactly one word: more")
        prompts = record.all(heard="session/prompt")

    assert record.methods()["session/new"] == 1
    assert [each["params"]["prompt"][0]["text"] for each in prompts] == [
        PING,
        "Reply with exactly one word: more",
    ]


async def test_it_works_in_an_empty_folder_that_goes_with_it(tmp_path):
    async with agent(tmp_path) as (backend, record):
        await answered(backend)
        folder = Path((await record.until(heard="session/new"))["params"]["cwd"])

        assert folder.is_absolute()
        assert list(folder.iterdir()) == []
    assert not folder.exists()


async def test_or_in_the_users_own(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    async with agent(tmp_path, cwd=str(own)) as (backend, record):
        await answered(backend)

        assert (await record.until(heard="session/new"))["params"]["cwd"] == str(own)
    assert own.exists()


def test_a_folder_that_is_not_there_is_a_wrong_setting(tmp_path):
    with pytest.raises(SettingsError):
        acp(["agent"], cwd=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("fault", "method", "answer"),
    [
        ("permission", "session/request_permission", "result"),
        ("fs-read", "fs/read_text_file", "error"),
        ("fs-write", "fs/write_text_file", "error"),
        ("terminal", "terminal/create", "error"),
        ("unknown-request", None, "error"),
    ],
)
async def test_whatever_it_asks_it_is_answered_and_gets_nothing(tmp_path, fault, method, answer):
    async with agent(tmp_path, fault) as (backend, record):
        assert text_of(await answered(backend)) == [PONG]
        (note,) = [note for note in record.notes if "answered" in note]

    assert method in {None, note["answered"]}
    assert answer in note
    if answer == "result":
        assert note["result"] == {"outcome": {"outcome": "cancelled"}}


async def test_who_leaves_cancels_the_turn(tmp_path):
    async with agent(tmp_path, "stall") as (backend, record):
        async with aclosing(backend.reply(ask(PING, model=""))) as events:
            assert isinstance((await anext(events))[0], ReplyStarted)
        await record.until(heard="session/cancel")
        await record.until(heard="session/close")


async def test_a_picture_is_shown(tmp_path):
    picture = Image("image/png", b"\x89PNG\r\n\x1a\n")
    async with agent(tmp_path) as (backend, record):
        with suppress(BackendRefused):  # the simulator looks closely
            await answered(backend, Message("user", (Text("What is it?"), picture)))
        prompt = (await record.until(heard="session/prompt"))["params"]["prompt"]

    assert [part["type"] for part in prompt] == ["text", "image"]


async def test_a_link_to_a_picture_is_passed_on(tmp_path):
    link = ImageLink("https://example.org/a.png")
    async with agent(tmp_path, "no-pictures") as (backend, record):
        await answered(backend, Message("user", (Text(PING), link)))
        prompt = (await record.until(heard="session/prompt"))["params"]["prompt"]

    assert prompt[1]["uri"] == link.url


async def test_an_agent_that_takes_no_pictures_is_not_shown_any(tmp_path):
    async with agent(tmp_path, "no-pictures") as (backend, record):
        with pytest.raises(InvalidRequest, match="takes no pictures"):
            await answered(backend, Message("user", (Image("image/png", b"1"),)))


async def test_a_missing_login_names_the_ways_to_log_in(tmp_path):
    async with agent(tmp_path, "needs-login") as (backend, record):
        with pytest.raises(NotLoggedIn, match="It offers: ") as caught:
            await answered(backend)
        with pytest.raises(NotLoggedIn):
            await backend.models()

        assert "Log in with the agent's own program" in str(caught.value)
        assert backend.login_methods


async def test_they_are_named_also_when_the_refusal_does_not(tmp_path):
    async with agent(tmp_path, "needs-login", "bare-login-error") as (backend, record):
        with pytest.raises(NotLoggedIn, match="It offers: "):
            await answered(backend)


async def test_none_are_named_where_there_are_none(tmp_path):
    async with agent(tmp_path, "needs-login", "no-login-methods") as (backend, record):
        with pytest.raises(NotLoggedIn) as caught:
            await answered(backend)

        assert "It offers" not in str(caught.value)
        assert backend.login_methods == ()


async def test_a_program_that_is_not_there_is_named():
    backend = acp(["lingma-proxy-no-such-agent", "--acp"])
    with pytest.raises(BackendUnavailable, match="lingma-proxy-no-such-agent"):
        await answered(backend)

    assert backend.trouble
    assert backend.endpoint == ""
    await backend.aclose()


async def test_one_that_ends_at_once_says_why_and_is_not_started_for_ever(tmp_path):
    now = [0.0]
    async with agent(tmp_path, "exit-at-start", clock=lambda: now[0]) as (backend, record):
        with pytest.raises(BackendUnavailable, match="configuration is broken"):
            await answered(backend)
        for _ in range(3):
            with suppress(Lost, BackendUnavailable):
                await answered(backend)
        with pytest.raises(BackendUnavailable, match="several times") as caught:
            await answered(backend)

        assert caught.value.retry_after is not None
        assert "configuration is broken" in str(caught.value)


async def test_one_that_ends_between_two_turns_is_started_again(tmp_path):
    async with agent(tmp_path, "exit-idle") as (backend, record):
        assert text_of(await answered(backend)) == [PONG]
        while backend.peer_name:
            await asyncio.sleep(0)
        assert text_of(await answered(backend)) == [PONG]
        assert record.methods()["initialize"] == 2


async def test_one_that_dies_in_the_middle_breaks_off(tmp_path):
    async with agent(tmp_path, say=[{"deltas": ["half ", "a"], "finish": None}]) as (backend, _):
        events: list[Event] = []
        stream = backend.reply(ask(PING, model=""))
        with pytest.raises(Lost):  # noqa: PT012 — what is raised comes after what is said
            async for batch in stream:
                events += batch

        assert text_of_events(events) == [Text("half a")]


def text_of_events(events):
    return [part for part in heard_parts(events) if not isinstance(part, Thinking)]


async def test_one_that_dies_before_it_says_anything_is_asked_once_more(tmp_path):
    async with agent(tmp_path, "drop-prompt") as (backend, record):
        with pytest.raises(Lost):
            await answered(backend)
        assert record.methods()["session/prompt"] == 2


@pytest.mark.parametrize("fault", ["ignore-eof", "ignore-sigterm", "grandchild"])
async def test_nothing_of_it_outlives_the_backend(tmp_path, fault):
    async with agent(tmp_path, fault) as (backend, record):
        await answered(backend)
        family = offspring(os.getpid())
        assert len(family) == 1 + (fault == "grandchild")

    assert [each for each in family if each.lives()] == []


async def test_what_a_process_has_started_ends_when_it_dies(tmp_path):
    async with agent(tmp_path, "grandchild", say=[{"deltas": ["a"], "finish": None}]) as (
        backend,
        _,
    ):
        stream = backend.reply(ask(PING, model=""))
        await anext(stream)
        with pytest.raises(Lost):
            await anext(stream)
        while offspring(os.getpid()):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "fault", ["noise", "stderr=512", "split", "joined", "dribble", "string-ids"]
)
async def test_how_it_speaks_does_not_matter(tmp_path, fault):
    async with agent(tmp_path, fault) as (backend, record):
        assert text_of(await answered(backend)) == [PONG]


@pytest.mark.parametrize("fault", ["unknown-updates", "foreign-session", "tool-calls"])
async def test_what_is_not_said_to_us_is_not_heard(tmp_path, fault):
    async with agent(tmp_path, fault) as (backend, record):
        assert text_of(await answered(backend)) == [PONG]


@pytest.mark.parametrize(
    ("reason", "becomes"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("max_turn_requests", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
    ],
)
async def test_why_it_stopped_is_told(tmp_path, reason, becomes):
    async with agent(tmp_path, f"stop-reason={reason}") as (backend, record):
        assert (await answered(backend)).reason is becomes


@pytest.mark.parametrize(
    ("reason", "error"),
    [("cancelled", BackendRefused), ("nonsense", BackendRefused), ("none", ProtocolError)],
)
async def test_what_is_no_reason_to_stop_is_an_error(tmp_path, reason, error):
    async with agent(tmp_path, f"stop-reason={reason}") as (backend, record):
        with pytest.raises(error):
            await answered(backend)


async def test_an_agent_of_another_version_is_refused(tmp_path):
    async with agent(tmp_path, "version=2") as (backend, record):
        with pytest.raises(ProtocolError, match="version"):
            await answered(backend)


@pytest.mark.parametrize("step", ["initialize", "new", "model"])
async def test_one_that_does_not_get_ready_is_given_up(tmp_path, step):
    async with agent(tmp_path, f"hang-{step}", setup=1.5) as (backend, record):
        with pytest.raises(BackendTimeout, match=r"setup_timeout.*work in a terminal"):
            await answered(backend, model="mmodel")


async def test_one_that_has_had_many_sessions_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr("lingma_proxy.backends.acp.WORN", 2)
    async with agent(tmp_path, session_mode="fresh") as (backend, record):
        for _ in range(5):
            assert text_of(await answered(backend)) == [PONG]

        assert record.methods()["initialize"] == 3


async def test_what_it_needs_in_its_environment_is_given_unless_we_have_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATED_MINE", "mine")
    given = {"SIMULATED_MINE": "theirs", "SIMULATED_NEW": "new"}
    async with agent(tmp_path, environment=given) as (backend, record):
        await answered(backend)
        child = backend._agent._child
        assert child is not None
        variables = Path(f"/proc/{child.pid}/environ").read_bytes().split(b"\0")

    assert b"SIMULATED_MINE=mine" in variables
    assert b"SIMULATED_NEW=new" in variables


async def test_one_that_never_speaks_is_given_up(tmp_path):
    async with agent(tmp_path, "hang-prompt") as (backend, record):
        with pytest.raises(BackendTimeout, match="first_byte_timeout"):
            await answered(TimeOut(backend, 1.0, 0, 0))


def test_the_longer_it_fails_the_longer_one_waits():
    now = [0.0]
    pause = BackOff(lambda: now[0])
    waits = []
    for _ in range(9):
        now[0] += pause.wait()
        pause.start()
        now[0] += 1
        pause.died()
        waits.append(pause.wait())

    assert waits == [0, 1, 2, 5, 10, 30, 60, 60, 60]


def test_one_that_has_lived_is_started_again_at_once():
    now = [0.0]
    pause = BackOff(lambda: now[0])
    for _ in range(5):
        pause.start()
        pause.died()
    now[0] += pause.wait()
    pause.start()
    now[0] += 60
    pause.died()

    assert pause.wait() == 0
