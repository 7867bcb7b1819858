"""Meeting a counterpart in memory, and leaving it.  What is said over the connection is in
test_prompting.py.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.backends.meeting import Meeting
from lingma_proxy.backends.peer import Peer
from lingma_proxy.backends.sessions import Session, Sessions, Trail
from lingma_proxy.errors import BackendTimeout, BackendUnavailable
from support.counterpart import Fake, willing


class Late(Fake):
    """Is not to be met before `there` is set."""

    def __init__(self, *does):
        super().__init__(*does)
        self.there = asyncio.Event()
        self.knocked = asyncio.Event()

    async def meet(self, hear):
        self.knocked.set()
        await self.there.wait()
        return await super().meet(hear)


class Staged(Meeting):
    """The meeting, whom it meets, and what it hands on."""

    def __init__(self, fake, outlive, **more):
        self.fake = fake
        self.sessions = Sessions("auto")
        self.turns: list[str] = []
        self.inherited: list[tuple[Session, Peer]] = []
        super().__init__(
            fake,
            lambda method, params: None,
            self.sessions,
            busy=lambda: bool(self.turns),
            inherit=(lambda *both: self.inherited.append(both)) if outlive else None,
            **more,
        )

    def keep(self, id):
        """A session that waits for its conversation."""
        session = Session(id, "", Trail((), ()))
        self.sessions.keep(session, 0)
        return session

    async def ends(self):
        """The connection ends, and that is known."""
        news = asyncio.Event()
        assert self.peer is not None
        self.peer.watch(lambda lost: news.set())
        await self.fake.others[-1].leave()
        await news.wait()


@asynccontextmanager
async def meeting(fake=None, setup=15.0, outlive=False):
    fake = fake or Fake(willing)
    staged = Staged(fake, outlive, setup=setup)
    before = asyncio.all_tasks()
    try:
        yield staged
    finally:
        await staged.stop()
        await staged.aclose()
        await fake.gone()
        assert asyncio.all_tasks() <= before


# The connection.


async def test_it_is_made_once_however_many_want_it():
    async with meeting() as staged:
        peers = await asyncio.gather(*(staged.met() for _ in range(20)))

        assert set(peers) == {staged.peer}
        assert len(staged.fake.others) == 1


async def test_who_stops_waiting_does_not_stop_it_for_the_others():
    fake = Late(willing)
    async with meeting(fake) as staged:
        one, other = (asyncio.create_task(staged.met()) for _ in range(2))
        await fake.knocked.wait()
        one.cancel()
        fake.there.set()

        assert await other is staged.peer
        assert one.cancelled()


async def test_one_that_has_ended_is_made_anew():
    async with meeting() as staged:
        first = await staged.met()
        await staged.ends()
        assert staged.peer_name == ""

        assert await staged.met() is not first
        assert staged.peer_name == "Somebody"


# Trouble.


async def test_why_nobody_is_met_is_known_until_somebody_is():
    async with meeting(Fake(BackendUnavailable("Nobody is there."), willing)) as staged:
        with pytest.raises(BackendUnavailable, match="Nobody is there"):
            await staged.met()
        assert (staged.peer_name, staged.trouble) == ("", "Nobody is there.")

        await staged.met()
        assert (staged.peer_name, staged.trouble) == ("Somebody", "")


async def test_all_who_wait_are_told_why():
    async with meeting(Fake(BackendUnavailable("Nobody is there."))) as staged:
        failures = await asyncio.gather(*(staged.met() for _ in range(3)), return_exceptions=True)

        assert [str(failure) for failure in failures] == ["Nobody is there."] * 3
        assert len(staged.fake.others) == 1


async def test_who_does_not_answer_is_given_up_with_what_to_do():
    async with meeting(Late(), setup=0.05) as staged:
        with pytest.raises(
            BackendTimeout, match=r"Somebody did not get ready .* 0\.05 s.* Look"
        ) as late:
            await staged.met()

        assert staged.trouble == str(late.value)


# Being stuck.


async def test_who_does_not_get_ready_in_time_is_named_with_what_to_do():
    async with meeting(setup=0.05) as staged:
        with pytest.raises(BackendTimeout, match=r"did not get ready within 0\.05 s.* Look after"):
            async with staged.patiently():
                await asyncio.Event().wait()


async def test_and_left_for_the_connection_may_be_dead():
    async with meeting() as staged:
        await staged.met()
        with pytest.raises(BackendTimeout):
            async with staged.patiently():
                raise TimeoutError

        assert staged.peer is None


async def test_but_not_while_a_turn_goes_on():
    async with meeting() as staged:
        await staged.met()
        staged.turns.append("one")
        with pytest.raises(BackendTimeout):
            async with staged.patiently():
                raise TimeoutError

        assert staged.peer_name == "Somebody"


async def test_nor_while_somebody_is_being_met():
    fake = Late(willing)
    async with meeting(fake) as staged:
        asking = asyncio.create_task(staged.met())
        await fake.knocked.wait()
        session = staged.keep("s1")
        with pytest.raises(BackendTimeout):
            async with staged.patiently():
                raise TimeoutError
        fake.there.set()
        await asking

        assert staged.sessions.all() == [session]


async def test_without_a_limit_nobody_is_hurried():
    async with meeting(setup=0.0) as staged, staged.patiently():
        await staged.met()


# What is left behind.


async def test_sessions_end_with_their_connection():
    async with meeting() as staged:
        await staged.met()
        staged.keep("s1")
        await staged.leave()
        await staged.bequeath(Session("s2", ""))
        await staged.settle()

        assert staged.sessions.all() == []
        assert len(staged.fake.others) == 1


async def test_those_that_outlive_it_are_handed_on_with_the_next():
    async with meeting(outlive=True) as staged:
        await staged.met()
        session = staged.keep("s1")
        await staged.ends()
        assert staged.inherited == []
        second = await staged.met()

        assert staged.inherited == [(session, second)]


async def test_so_is_one_that_was_in_use():
    async with meeting(outlive=True) as staged:
        await staged.met()
        await staged.ends()
        session = Session("s1", "")
        await staged.bequeath(session)
        await staged.bequeath(session)

        assert staged.inherited == [(session, staged.peer)] * 2
        assert len(staged.fake.others) == 2


async def test_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr("lingma_proxy.backends.meeting.MOST_LEFT", 2)
    async with meeting(outlive=True) as staged:
        for id in ("s1", "s2", "s3"):
            staged.keep(id)
        await staged.met()

        assert [session.id for session, _ in staged.inherited] == ["s2", "s3"]


# The end.


async def test_nobody_is_met_any_more_and_who_waits_is_told():
    fake = Late(willing)
    async with meeting(fake) as staged:
        asking = asyncio.create_task(staged.met())
        await fake.knocked.wait()
        await staged.stop()
        with pytest.raises(BackendUnavailable, match="stopping"):
            await asking
        with pytest.raises(BackendUnavailable, match="stopping"):
            await staged.met()

        assert fake.others == []


async def test_but_for_those_that_were_left_behind():
    async with meeting(outlive=True) as staged:
        await staged.met()
        session = staged.keep("s1")
        await staged.stop()
        await staged.leave()
        await staged.bequeath(other := Session("s2", ""))
        assert staged.inherited == []
        await staged.settle()

        assert staged.inherited == [(session, staged.peer), (other, staged.peer)]


async def test_when_nobody_is_there_for_them_that_is_the_end_all_the_same():
    fake = Fake(willing, BackendUnavailable("Nobody is there."))
    async with meeting(fake, outlive=True) as staged:
        await staged.met()
        staged.keep("s1")
        await staged.stop()
        await staged.leave()
        await staged.settle()

        assert staged.inherited == []
