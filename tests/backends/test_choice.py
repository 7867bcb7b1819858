import asyncio
import logging
from contextlib import suppress

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.choice import Choice, Nobody, Option, Presence
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.reply import replay
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    ProxyError,
    RateLimited,
)
from support.backends import answer, ask, hear, heard, leaves_nothing_behind, one_by_one

KIMI = (Model("kmodel", "Kimi-K2.6"),)
HELLO = answer("hello")


async def failure(backend):
    """The error of a reply that failed."""
    _, raised = await heard(backend)
    assert isinstance(raised, ProxyError)
    return raised


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class World:
    """Three backends, and who of them is there at the moment."""

    def __init__(self, *there, scripts=()):
        self.there = set(there)
        self.looks = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.clock = Clock()
        self.backends = {
            name: Scripted(scripts or [HELLO] * 5, KIMI) for name in ("remote", "ipc", "acp")
        }

    def choice(self, wanted="auto", order=("remote", "ipc", "acp"), pointed=()):
        options = [
            Option(name, self.backends[name], self.look(name), pointed=name in pointed)
            for name in order
        ]
        return Choice(options, wanted, self.clock)

    def look(self, name):
        async def look():
            self.looks += 1
            await self.gate.wait()
            found = name in self.there
            return Presence(found, f"{name} is there" if found else f"no {name}")

        return look

    def asked(self):
        return [name for name, backend in self.backends.items() if backend.requests]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (("remote", "ipc", "acp"), "remote"),
        (("ipc", "acp"), "ipc"),
        (("acp",), "acp"),
        ((), "remote"),
    ],
)
async def test_the_first_who_is_there_answers(there, chosen):
    world = World(*there)
    choice = world.choice()

    assert await hear(choice) == HELLO
    assert world.asked() == [choice.chosen.name] == [chosen]


async def test_whom_the_settings_name_answers_though_others_are_there():
    world = World("remote", "acp")
    choice = world.choice("ipc")
    await hear(choice)

    assert world.asked() == ["ipc"]
    assert choice.reason.startswith(
        "The setting backend says so (remote: remote is there; acp: acp"
    )


@pytest.mark.parametrize(
    ("there", "pointed", "reason"),
    [
        (
            ("ipc", "acp"),
            (),
            "It is the first that is there (remote: no remote; acp: acp is there).",
        ),
        (("remote",), ("remote",), "The settings point at it (ipc: no ipc; acp: no acp)."),
        ((), (), "Nobody was found yet, and this one would come first (ipc: no ipc; acp: no"),
    ],
)
async def test_the_reason_says_what_was_looked_at(there, pointed, reason):
    choice = World(*there).choice(pointed=pointed)
    assert choice.reason == "It has not been looked yet who is there."
    await choice.settle()

    assert choice.reason.startswith(reason)


async def test_the_choice_stays_whoever_comes_and_goes():
    world = World("ipc")
    choice = world.choice()
    await hear(choice)
    world.there = {"remote"}
    world.clock.now += 3600
    await hear(choice)

    assert (choice.chosen.name, world.looks) == ("ipc", 3)


async def test_as_long_as_nobody_is_there_it_is_looked_again_but_not_all_the_time(caplog):
    caplog.set_level(logging.INFO, "lingma_proxy")
    world = World()
    choice = world.choice()
    for _ in range(3):
        await choice.settle()
    world.there = {"ipc"}
    await choice.settle()
    assert (choice.chosen.name, world.looks) == ("remote", 3)

    world.clock.now += 2
    assert await hear(choice) == HELLO
    assert (world.asked(), world.looks) == (["ipc"], 6)
    assert [record.getMessage() for record in caplog.records] == [
        "Found: ipc, ipc is there. It answers from now on."
    ]


async def test_a_look_that_is_asked_for_sees_anew_and_changes_no_choice():
    world = World("remote", "ipc")
    choice = world.choice()
    await choice.look()
    world.there = {"ipc"}
    await choice.look()
    assert choice.presence.found

    world.clock.now += 2
    await choice.look()
    assert (choice.chosen.name, choice.presence.says) == ("remote", "no remote")


async def test_many_who_want_to_know_share_one_look_and_none_of_them_ends_it():
    world = World("acp")
    world.gate.clear()
    choice = world.choice()
    choice.start()
    choice.start()
    impatient, *patient = (asyncio.create_task(hear(choice)) for _ in range(4))
    while world.looks < 3:
        await asyncio.sleep(0)
    impatient.cancel()
    with suppress(asyncio.CancelledError):
        await impatient
    world.gate.set()

    assert await asyncio.gather(*patient) == [HELLO] * 3
    assert world.looks == 3
    await choice.aclose()


@pytest.mark.parametrize("wanted", ["auto", "remote"])
@pytest.mark.parametrize(
    "error",
    [
        NotLoggedIn("Log in.", code="no_login"),
        BackendUnavailable("Gone.", retry_after=7.0),
        BackendTimeout("Silence."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_who_fails_is_not_swapped_and_the_others_are_named(wanted, error):
    world = World("remote", scripts=[error])
    choice = world.choice(wanted)
    await choice.settle()
    world.there |= {"ipc", "acp"}
    world.clock.now += 2
    raised = await failure(choice)

    assert type(raised) is type(error)
    assert raised.message == (
        f"{error.message} Available instead: --backend ipc (ipc is there),"
        " --backend acp (acp is there)."
    )
    assert (raised.code, raised.retry_after) == (error.code, error.retry_after)
    assert raised.__cause__ is error
    assert world.asked() == ["remote"]


@pytest.mark.parametrize(
    "error", [RateLimited("Wait."), BackendRefused("No.", upstream=400)], ids=["rate", "refused"]
)
async def test_an_error_that_another_backend_would_not_mend_stays_as_it_is(error):
    raised = await failure(World("remote", "ipc", scripts=[error]).choice())

    assert raised is error


async def test_an_error_stays_as_it_is_where_nobody_else_is_there():
    error = BackendUnavailable("Gone.")
    raised = await failure(World("remote", scripts=[error]).choice())

    assert raised is error


async def test_once_something_was_said_an_error_stays_as_it_is():
    error = BackendUnavailable("Gone.")
    script = [replay(HELLO)[:2], error]
    raised = await failure(World("remote", "ipc", scripts=[script]).choice())

    assert raised is error


async def test_where_nobody_is_there_the_error_says_where_it_was_looked():
    raised = await failure(World(scripts=[NotLoggedIn("Log in.")]).choice())

    assert raised.message == "Log in. Nobody else is there either (ipc: no ipc; acp: no acp)."


async def test_flags_that_choose_another_are_told_as_they_must_be_given():
    world = World("ipc", scripts=[BackendUnavailable("Gone.")])
    flags = "--backend acp --acp-command opencode"
    there = Option("acp", Scripted([]), world.look("ipc"), flags)
    choice = Choice([Option("ipc", world.backends["ipc"], world.look("ipc")), there])
    raised = await failure(choice)

    assert f"Available instead: {flags} (" in raised.message


async def test_failures_in_a_row_look_once():
    world = World("remote", "ipc", scripts=[BackendUnavailable("Gone.")] * 5)
    choice = world.choice()
    for _ in range(5):
        await heard(choice)

    assert world.looks == 3


async def test_models_are_those_of_the_chosen_one_and_its_errors_name_the_others():
    world = World("ipc")
    choice = world.choice()
    assert await choice.models() == KIMI

    class Failing(Scripted):
        async def models(self):
            raise NotLoggedIn("Log in.")

    world.backends["ipc"] = Failing([])
    with pytest.raises(NotLoggedIn, match=r"^Log in\.$"):
        await world.choice().models()
    world.there.add("acp")
    with pytest.raises(NotLoggedIn, match="Available instead: --backend acp"):
        await world.choice().models()


@pytest.mark.parametrize("fails", [False, True])
async def test_a_list_that_comes_when_another_has_been_chosen_is_not_theirs(fails):
    world = World()
    choice = world.choice()

    class Slow(Scripted):
        async def models(self):
            world.there.add("ipc")
            world.clock.now += 2
            await choice.settle()
            if fails:
                raise NotLoggedIn("Log in.")
            return (Model("old", "Old"),)

    world.backends["remote"] = Slow([])
    choice = world.choice()

    assert await choice.models() == KIMI
    assert choice.chosen.name == "ipc"


async def test_hanging_up_at_every_point_closes_what_is_inside():
    def policy(inner):
        async def look():
            return Presence(found=True, says="there")

        return Choice([Option("remote", inner, look)])

    await leaves_nothing_behind(policy, ask(), one_by_one(HELLO))


async def test_closing_stops_a_look_and_closes_all():
    world = World()
    world.gate.clear()
    choice = world.choice()
    choice.start()
    while world.looks < 3:
        await asyncio.sleep(0)
    await choice.aclose()
    await choice.aclose()

    assert all(backend.closed for backend in world.backends.values())
    assert len(asyncio.all_tasks()) == 1


async def test_what_cannot_be_made_says_why():
    nobody = Nobody("cwd: there is no such folder.")
    raised = await failure(nobody)

    assert isinstance(raised, BackendUnavailable)
    assert raised.message == "cwd: there is no such folder."
    with pytest.raises(BackendUnavailable, match="no such folder"):
        await nobody.models()
    await nobody.aclose()
