"""The way to a turn and from it, with a counterpart in memory.  What the plugin and agents
make of it is in test_ipc.py, test_acp.py and the contract.
"""

import asyncio
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import pytest

from lingma_proxy.aside import LONG
from lingma_proxy.backends.peer import Lost
from lingma_proxy.backends.prompting import Prompting
from lingma_proxy.conversation.notes import AttemptNotes, Body
from lingma_proxy.conversation.request import Message, Reasoning, Text
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    InvalidRequest,
    ProtocolError,
    ProxyError,
)
from lingma_proxy.jsonio import loads
from support.backends import ask, hear, heard
from support.counterpart import Fake, silent, willing
from support.stories import heard_parts


class Staged(Prompting):
    """The backend, and whom it prompts."""

    def __init__(self, fake, *args, **more):
        super().__init__(fake, *args, **more)
        self.fake = fake


@asynccontextmanager
async def prompting(*does, setup=15.0, mode="auto", **more):
    fake = Fake(*does)
    backend = Staged(fake, setup=setup, session_mode=mode, **more)
    before = asyncio.all_tasks()
    try:
        yield backend
    finally:
        await backend.aclose()
        await backend.aclose()
        await fake.gone()
        assert asyncio.all_tasks() <= before


async def said(backend, *messages, **more):
    """The parts of the answer; raises what breaks it off."""
    events = []
    async with aclosing(backend.reply(ask(*messages, **more))) as batches:
        async for batch in batches:
            events += batch
    return heard_parts(events)


PONG = [Text("pong")]
HI = Message("user", (Text("hi"),))
ANSWER = Message("assistant", (Text("pong"),))


async def test_a_prompt_is_answered():
    async with prompting(willing) as backend:
        assert await said(backend, "ping") == PONG
        other = backend.fake.others[0]

    methods = [message["method"] for message in other.heard]
    assert methods == ["session/new", "session/set_model", "session/prompt", "session/end"]
    assert other.all("session/prompt")[0]["params"]["text"] == "ping"
    assert backend.fake.tidied == ["s1"]
    assert backend.fake.closed == 2


async def test_a_conversation_goes_on_in_its_session_with_what_is_new():
    async with prompting(willing) as backend:
        await said(backend, HI)
        await said(backend, HI, ANSWER, "and now?")
        other = backend.fake.others[0]

        assert len(other.all("session/new")) == 1
        assert len(other.all("session/set_model")) == 1
        assert [each["params"]["text"] for each in other.all("session/prompt")] == [
            "hi",
            "and now?",
        ]


async def test_another_model_is_chosen_in_the_same_session():
    async with prompting(willing) as backend:
        await said(backend, HI)
        await said(backend, HI, ANSWER, "and now?", model="other")
        chosen = backend.fake.others[0].all("session/set_model")

    assert [each["params"]["key"] for each in chosen] == ["kmodel", "other"]


async def test_without_a_model_none_is_chosen():
    async with prompting(willing) as backend:
        await said(backend, HI, model="")

        assert backend.fake.others[0].all("session/set_model") == []


async def test_another_conversation_gets_all_of_it_in_a_session_of_its_own():
    async with prompting(willing) as backend:
        await said(backend, HI)
        await said(backend, HI, Message("assistant", (Text("no"),)), "and now?")
        other = backend.fake.others[0]
        _, prompt = other.all("session/prompt")

        assert len(other.all("session/new")) == 2
        assert "no" in prompt["params"]["text"]
        assert "hi" in prompt["params"]["text"]


async def test_fresh_sessions_end_with_their_answer():
    async with prompting(willing, mode="fresh") as backend:
        await said(backend, HI)
        await backend.fake.others[0].hears("session/end")
        await said(backend, HI, ANSWER, "and now?")

        assert len(backend.fake.others[0].all("session/new")) == 2


async def test_who_leaves_cancels_the_turn_and_ends_its_session():
    async with prompting(silent) as backend:
        async with aclosing(backend.reply(ask())) as events:
            waiting = asyncio.ensure_future(anext(events))
            other = await backend.fake.meets()
            prompt = await other.hears("session/prompt")
            other.tell("s1", "po")
            await waiting
        cancel = await other.hears("session/cancel")
        other.answer(prompt)
        end = await other.hears("session/end")

        assert cancel["params"] == end["params"] == {"sessionId": "s1"}
        assert backend.fake.tidied == ["s1"]


async def test_who_leaves_before_anything_is_said_cancels_it_too():
    async with prompting(silent) as backend:
        asking = asyncio.create_task(said(backend))
        other = await backend.fake.meets()
        prompt = await other.hears("session/prompt")
        asking.cancel()
        await other.hears("session/cancel")
        other.answer(prompt)
        await other.hears("session/end")


async def test_a_session_that_nobody_waits_for_any_more_is_ended_once_it_is_open():
    def late(other, message):
        if message["method"] != "session/new":
            willing(other, message)

    async with prompting(late) as backend:
        asking = asyncio.create_task(said(backend))
        other = await backend.fake.meets()
        new = await other.hears("session/new")
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        other.answer(new, "s1")

        assert (await other.hears("session/end"))["params"] == {"sessionId": "s1"}


async def test_a_refused_prompt_is_an_error_and_its_session_ends():
    def refusing(other, message):
        if message["method"] == "session/prompt":
            other.refuse(message)
        else:
            willing(other, message)

    async with prompting(refusing) as backend:
        with pytest.raises(BackendRefused, match="Not so"):
            await said(backend)
        await backend.fake.others[0].hears("session/end")


@pytest.mark.parametrize("refused", ["session/new", "session/set_model"])
async def test_a_refusal_on_the_way_is_an_error(refused):
    def refusing(other, message):
        if message["method"] == refused:
            other.refuse(message)
        else:
            willing(other, message)

    async with prompting(refusing) as backend:
        with pytest.raises(BackendRefused, match="Not so"):
            await said(backend)
        if refused == "session/set_model":
            await backend.fake.others[0].hears("session/end")


async def test_a_connection_that_ends_before_anything_is_said_is_made_once_more():
    def leaving(other, message):
        if message["method"] == "session/prompt":
            other.messages.pipe.closed = True
            other.messages.pipe.other._news.set()
        else:
            willing(other, message)

    async with prompting(leaving, willing) as backend:
        assert await said(backend) == PONG
        assert len(backend.fake.others) == 2


async def test_and_not_twice():
    def leaving(other, message):
        other.messages.pipe.closed = True
        other.messages.pipe.other._news.set()

    async with prompting(leaving) as backend:
        with pytest.raises(Lost):
            await said(backend)
        assert len(backend.fake.others) == 2


async def test_what_breaks_off_in_the_middle_is_not_asked_again():
    async with prompting(silent) as backend:
        async with aclosing(backend.reply(ask())) as batches:
            waiting = asyncio.ensure_future(anext(batches))
            other = await backend.fake.meets()
            await other.hears("session/prompt")
            other.tell("s1", "half a")
            events = [*await waiting]
            await other.leave()
            with pytest.raises(Lost):
                await anext(batches)

        assert heard_parts(events) == [Text("half a")]
        assert len(backend.fake.others) == 1


async def test_who_has_no_sessions_is_left_for_the_next():
    def unable(other, message):
        other.answer(message, "unfit")

    async with prompting(unable, unable, willing) as backend:
        assert await said(backend) == PONG
        assert len(backend.fake.others) == 3


async def test_who_does_not_get_ready_is_given_up_with_what_to_do():
    async with prompting(lambda *_: None, setup=0.05) as backend:
        with pytest.raises(BackendTimeout, match=r"0\.05 seconds.*Look after it"):
            await said(backend)
        with pytest.raises(BackendTimeout):
            await said(backend)

        assert len(backend.fake.others) == 2  # the first connection may be dead


async def test_who_cannot_be_met_is_an_error_and_is_tried_again_by_the_next():
    async with prompting(BackendUnavailable("Nobody is there."), willing) as backend:
        with pytest.raises(BackendUnavailable, match="Nobody is there"):
            await said(backend)
        assert backend.trouble == "Nobody is there."
        assert backend.peer_name == ""
        assert await said(backend) == PONG
        assert backend.trouble == ""
        assert backend.peer_name == "Somebody"


async def test_what_a_prompt_cannot_say_is_refused_before_anybody_is_asked():
    from dataclasses import replace

    from lingma_proxy.conversation.request import Tool

    async with prompting(willing) as backend:
        request = replace(ask(tools=(Tool("t", "", {}),)), tool_choice="required")
        with pytest.raises(InvalidRequest):
            await anext(backend.reply(request))

        assert backend.fake.others == []


async def test_models_are_asked_for_once_more_when_the_connection_ends():
    def leaving(other, message):
        other.messages.pipe.closed = True
        other.messages.pipe.other._news.set()

    def naming(other, message):
        other.answer(message, "m1")

    async with prompting(leaving, naming) as backend:
        assert [model.key for model in await backend.models()] == ["m1"]


async def test_what_is_told_of_another_session_is_nobodys():
    def confused(other, message):
        if message["method"] == "session/prompt":
            other.tell("another", "x")
            params = {"sessionId": "s1", "_meta": {"ai-coding/request-id": "other"}}
            update = {
                "sessionUpdate": "agent_message_chunk",
                "content": {"type": "text", "text": "x"},
            }
            other.messages.say(
                {
                    "jsonrpc": "2.0",
                    "method": "session/update",
                    "params": {**params, "update": update},
                }
            )
        willing(other, message)

    async with prompting(confused) as backend:
        assert await said(backend) == PONG


async def test_a_client_that_does_not_read_is_cancelled_and_the_others_never_notice():
    def flood(other, message):
        if message["method"] == "session/prompt" and "flood" in message["params"]["text"]:
            for _ in range(20):
                other.tell(message["params"]["sessionId"], "0123456789")
            return
        willing(other, message)

    async with prompting(flood, most_held=100) as backend:
        async with aclosing(backend.reply(ask("flood"))) as slow:
            await anext(slow)
            assert await said(backend, "quick") == PONG
            other = backend.fake.others[0]
            await other.hears("session/cancel")
            other.answer(other.all("session/prompt")[0])
            with pytest.raises(BackendUnavailable, match="does not read"):
                async for _ in slow:
                    pass


async def test_a_question_about_permission_is_remembered():
    def asking(other, message):
        if message["method"] == "session/prompt":
            params = {"sessionId": "s1", "options": []}
            request = {"id": "p", "method": "session/request_permission", "params": params}
            other.messages.say({"jsonrpc": "2.0", **request})
            other.answer(message)
        else:
            willing(other, message)

    async with prompting(asking) as backend:
        with pytest.raises(ProtocolError, match="got no permission to use its tools"):
            await said(backend)


async def test_who_is_worn_is_left_when_nothing_runs_and_met_anew():
    async with prompting(willing) as backend:
        backend.fake.worn = True
        async with aclosing(backend.reply(ask("one"))) as events:
            async for _ in events:
                assert await said(backend, "two") == PONG  # meanwhile
        backend.fake.worn = False
        await said(backend, "three")

        assert len(backend.fake.others) == 2
        assert len(backend.fake.others[0].all("session/prompt")) == 2


async def test_sessions_end_when_the_backend_is_closed():
    async with prompting(willing) as backend:
        await said(backend, HI)
        await said(backend, "something else")
        other = backend.fake.others[0]
        assert other.all("session/end") == []

    assert {each["params"]["sessionId"] for each in other.all("session/end")} == {"s1", "s2"}


async def test_a_session_that_is_not_needed_any_more_ends(monkeypatch):
    monkeypatch.setitem(
        __import__("lingma_proxy.backends.sessions", fromlist=["LONGEST"]).LONGEST, "auto", 0.05
    )
    async with prompting(willing) as backend:
        await said(backend, HI)
        await backend.fake.others[0].hears("session/end")


async def test_nothing_is_begun_while_the_backend_closes():
    async with prompting(willing) as backend:
        await backend.aclose()
        with pytest.raises(BackendUnavailable, match="stopping"):
            await said(backend)


def forgetful(code):
    """Refuses all but the first prompt of a session."""

    def does(other, message):
        earlier = other.all("session/prompt")[:-1]
        known = [each["params"]["sessionId"] for each in earlier]
        if message["method"] == "session/prompt" and message["params"]["sessionId"] in known:
            error = {"code": code, "message": "session not found"}
            other.messages.say({"jsonrpc": "2.0", "id": message["id"], "error": error})
        else:
            willing(other, message)

    return does


@pytest.mark.parametrize("code", [-32602, -32603])
async def test_a_session_that_was_forgotten_is_begun_anew_with_all_of_it(code):
    async with prompting(forgetful(code)) as backend:
        await said(backend, HI)
        assert await said(backend, HI, ANSWER, "and now?") == PONG
        other = backend.fake.others[0]
        *_, prompt = other.all("session/prompt")

        assert len(other.all("session/new")) == 2
        assert "hi" in prompt["params"]["text"]
        assert (await other.hears("session/end"))["params"] == {"sessionId": "s1"}


@pytest.mark.parametrize("code", [429, -32000, 504])
async def test_what_another_session_would_not_change_is_an_error_at_once(code):
    async with prompting(forgetful(code)) as backend:
        await said(backend, HI)
        with pytest.raises(ProxyError):
            await said(backend, HI, ANSWER, "and now?")

        assert len(backend.fake.others[0].all("session/new")) == 1


async def test_a_turn_that_goes_on_when_the_backend_is_closed_is_cancelled_first():
    def ending(other, message):
        if message["method"] == "session/prompt":
            other.tell("s1", "half a")
        elif "id" in message:
            willing(other, message)

    async with prompting(ending) as backend:
        async with aclosing(backend.reply(ask())) as batches:
            await anext(batches)
            closing = asyncio.create_task(backend.aclose())
            other = backend.fake.others[0]
            await other.hears("session/cancel")
            other.answer(other.all("session/prompt")[0])
            await closing
            with pytest.raises(BackendUnavailable, match="stopping"):
                await anext(batches)

        assert [each["params"] for each in other.all("session/end")] == [{"sessionId": "s1"}]


async def test_sessions_that_outlive_the_connection_end_over_the_next():
    async with prompting(silent, willing, outlive=True) as backend:
        async with aclosing(backend.reply(ask())) as batches:
            waiting = asyncio.ensure_future(anext(batches))
            other = await backend.fake.meets()
            await other.hears("session/prompt")
            other.tell("s1", "half a")
            await waiting
            await other.leave()
            with pytest.raises(Lost):
                await anext(batches)
        while len(backend.fake.others) < 2:
            await asyncio.sleep(0)
        end = await backend.fake.others[1].hears("session/end")

        assert end["params"] == {"sessionId": "s1"}


async def test_also_those_that_waited_for_their_conversation():
    async with prompting(willing, outlive=True) as backend:
        await said(backend, HI)
        await backend.fake.others[0].leave()
        await said(backend, "something else")

        assert (await backend.fake.others[1].hears("session/end"))["params"] == {"sessionId": "s1"}


async def test_and_those_that_the_closing_backend_finds():
    async with prompting(willing, outlive=True) as backend:
        await said(backend, HI)
        await backend.fake.others[0].leave()

    _, other = backend.fake.others
    assert [each["method"] for each in other.heard] == ["session/end"]


async def test_other_sessions_ended_with_their_connection():
    async with prompting(willing) as backend:
        await said(backend, HI)
        await backend.fake.others[0].leave()

    assert len(backend.fake.others) == 1


async def test_a_connection_that_ends_with_every_session_is_not_made_for_ever():
    def leaving(other, message):
        if message["method"] == "session/end":
            other.messages.pipe.closed = True
            other.messages.pipe.other._news.set()
        else:
            willing(other, message)

    async with prompting(leaving, mode="fresh", outlive=True) as backend:
        await said(backend, HI)
        while len(backend.fake.others) < 2:
            await asyncio.sleep(0)
        await backend.fake.others[1].hears("session/end")

    assert len(backend.fake.others) == 2


async def test_a_family_that_was_taught_words_is_told_whether_to_think():
    async with prompting(willing) as backend:
        asked = replace(ask("ping", model="qwen3-8b"), reasoning=Reasoning(wanted=False))
        async with aclosing(backend.reply(asked)) as batches:
            async for _ in batches:
                pass
        (prompt,) = backend.fake.others[0].all("session/prompt")

    assert prompt["params"]["text"] == "ping\n/no_think"


async def test_a_session_goes_on_though_its_thinking_was_taken_out_of_the_text():
    def thoughtful(other, message):
        if message["method"] == "session/prompt":
            other.tell(message["params"]["sessionId"], "<think>\nhm\n</think>\n\n")
        willing(other, message)

    async with prompting(thoughtful) as backend:
        await said(backend, HI, model="qwen3-8b")
        await said(backend, HI, ANSWER, "and now?", model="qwen3-8b")

        assert len(backend.fake.others[0].all("session/new")) == 1


def noted(*messages, **more):
    """A question, and what is noted of the attempt to answer it."""
    attempt = AttemptNotes("kmodel", 100.0)
    return replace(ask(*messages, **more), attempt=attempt), attempt


async def test_what_is_sent_and_what_comes_back_is_noted():
    request, attempt = noted("ping")
    async with prompting(willing) as backend:
        backend.word = "other"
        await hear(backend, request)
        session = backend.fake.others[0].all("session/prompt")[0]["params"]

    assert (attempt.backend, attempt.url) == ("other", "")
    assert loads(attempt.request.kept()) == {"method": "session/prompt", "params": session}
    assert [*map(loads, attempt.reply.kept().splitlines())] == [
        {
            "jsonrpc": "2.0",
            "method": "session/update",
            "params": {
                "sessionId": "s1",
                "update": {
                    "sessionUpdate": "agent_message_chunk",
                    "content": {"type": "text", "text": "pong"},
                },
            },
        },
        {"result": None},
    ]
    assert 100.0 < attempt.accepted <= attempt.first


async def test_a_refusal_of_a_prompt_is_noted():
    def refusing(other, message):
        if message["method"] == "session/prompt":
            other.refuse(message, "Not this.")
        else:
            willing(other, message)

    request, attempt = noted()
    async with prompting(refusing) as backend:
        _, failure = await heard(backend, request)

    assert isinstance(failure, BackendRefused)
    assert loads(attempt.reply.kept()) == {
        "error": {"code": -1, "message": "Not this.", "data": {}}
    }


async def test_what_is_told_after_the_turn_is_not_noted():
    request, attempt = noted()
    async with prompting(willing) as backend:
        await hear(backend, request)
        before = attempt.reply.size
        other = backend.fake.others[0]
        other.tell("s1", "and another thing")
        await said(backend, "else")

    assert attempt.reply.size == before


async def test_without_bodies_a_prompt_is_not_spelled_out():
    attempt = AttemptNotes("kmodel", 1.0, request=Body(0), reply=Body(0))
    request = replace(ask(), attempt=attempt)
    async with prompting(willing) as backend:
        await hear(backend, request)

    assert attempt.request.size == 0
    assert (attempt.reply.kept(), attempt.reply.size > 0) == (b"", True)


async def test_who_leaves_while_a_long_prompt_is_noted_leaves_nothing_behind(monkeypatch):
    begun = asyncio.Event()

    async def never(work, *, patient=False):
        made = work()
        if isinstance(made, bytes):
            begun.set()
            await asyncio.Event().wait()
        return made

    monkeypatch.setattr("lingma_proxy.backends.prompting.aside", never)
    request, _ = noted("x" * (LONG + 1))
    async with prompting(willing) as backend:
        asking = asyncio.create_task(hear(backend, request))
        await begun.wait()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await backend.fake.others[0].hears("session/end")

    assert backend.fake.tidied == ["s1"]
