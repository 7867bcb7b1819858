import asyncio
import json
import os
import threading

import pytest

from lingma_proxy.backends.disk import stamp
from lingma_proxy.backends.login import Login
from lingma_proxy.errors import NotLoggedIn
from support.login import MACHINE_ID, user, write_cache
from support.remote import loaded, machine, message_of
from support.vectors import vectors

FILE = vectors("credential_files")["lingma_proxy"]
TENANT = "https://ai-lingma-example-cn-beijing.rdc.aliyuncs.com"
QUICK = 0.01
LATER = 1893456001
"""Seconds, after the made-up login has run out."""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_without_a_login_the_message_says_what_to_do(home):
    message = message_of(loaded(home))

    assert "Log in" in message
    assert "remote_auth_file" in message
    assert "~/.lingma" in message


@pytest.mark.parametrize("text", ["", "{", '{"auth":{"cosy_key":"secret-value"}}'])
def test_a_bad_file_is_named_and_nothing_of_it_is_shown(home, text):
    (home / "credentials.json").write_text(text)
    message = message_of(loaded(home, home / "credentials.json"))

    assert "~/credentials.json" in message
    assert str(home) not in message
    assert "secret-value" not in message


def test_the_end_of_a_login_is_told_in_seconds(home):
    assert loaded(home).expires_at is None
    write_cache(home / ".lingma", expire_time="1893456000000")
    assert loaded(home).expires_at == 1893456000
    write_cache(home / ".lingma", expire_time=0)
    assert loaded(home).expires_at is None


def test_what_must_not_be_written_is_told_and_that_of_just_before_too(home):
    login = loaded(home)
    assert login.secrets() == ()
    for name in ("one", "two"):
        write_cache(home / ".lingma", uid=name * 8, key=name * 50, encrypt_user_info=name * 99)
        login.load()
        login.load()
    told = login.secrets()

    assert len(told) == len(set(told))
    assert set(told) == {
        MACHINE_ID, *(name * times for name in ("one", "two") for times in (8, 50, 99))
    }  # fmt: skip


def test_before_the_first_look_there_is_no_login(home):
    write_cache(home / ".lingma")

    assert "not been looked for" in message_of(Login(machine=machine(home)))


async def test_whoever_needs_it_first_waits_for_the_first_look(home):
    write_cache(home / ".lingma")
    login = Login(machine=machine(home))

    assert (await login.ready()).source == "~/.lingma"


async def test_many_who_ask_at_once_cause_one_look(home, monkeypatch):
    write_cache(home / ".lingma")
    login = Login(machine=machine(home))
    looks = []
    read = login._look

    def look():
        looks.append(1)
        return read()

    monkeypatch.setattr(login, "_look", look)

    await asyncio.gather(*(login.reload() for _ in range(20)))

    assert len(looks) == 1


@pytest.fixture
async def watched(home):
    write_cache(home / ".lingma", uid="old")
    login = Login(machine=machine(home), poll=QUICK)
    await login.ready()
    login.start()
    login.start()
    yield login
    await login.aclose()
    await login.aclose()


async def eventually(holds):
    async with asyncio.timeout(20):
        while True:
            if holds():
                return
            await asyncio.sleep(QUICK)


def who(login):
    """The user of a login; None if there is none."""
    try:
        return login.current().user_id
    except NotLoggedIn:
        return None


async def until(login, user_id):
    await eventually(lambda: who(login) == user_id)


async def test_a_new_login_is_noticed(watched, home):
    write_cache(home / ".lingma", uid="new")

    await until(watched, "new")


async def test_a_login_in_a_better_place_is_noticed(watched, home):
    write_cache(home / ".qodercn", uid="better")

    await until(watched, "better")


async def test_a_file_that_is_half_written_leaves_the_last_login(watched, home):
    write_cache(home / ".vscode", uid="new")
    whole = (home / ".vscode/cache/user").read_text()
    write_cache(home / ".config/Lingma", uid="another")
    await eventually(lambda: len(watched.looked) == 2)
    (home / ".lingma/cache/user").write_text(whole[:100])
    await eventually(lambda: any(each.problem for each in watched.looked))
    assert watched.current().user_id == "old"

    (home / ".lingma/cache/user").write_text(whole)
    await until(watched, "new")


async def test_who_logs_out_is_logged_out(watched, home):
    (home / ".lingma/cache/user").unlink()
    (home / ".lingma/cache/id").unlink()

    await until(watched, None)


async def test_a_login_that_comes_later_is_found(home):
    login = Login(machine=machine(home), poll=QUICK)
    login.start()
    await eventually(lambda: "not been looked for" not in message_of(login))
    write_cache(home / ".lingma", uid="late")
    await until(login, "late")
    await login.aclose()


async def test_a_credential_file_is_watched_too(home):
    file = home / "credentials.json"
    file.write_text(json.dumps(FILE))
    login = Login(file, machine=machine(home), poll=QUICK)
    login.start()
    await until(login, FILE["auth"]["user_id"])
    file.write_text(json.dumps(FILE)[:50])
    os.utime(file, ns=(5, 5))
    await eventually(lambda: any(each.problem for each in login.looked))
    assert login.current().user_id == FILE["auth"]["user_id"]
    file.write_text(json.dumps(FILE | {"auth": FILE["auth"] | {"user_id": "new"}}))
    await until(login, "new")
    await login.aclose()


# The choice among several, while they change.


DAY = 24 * 3600
NOW = 1_800_000_000.0
WRITTEN = 1_700_000_000.0
"""Before whatever the machine's own clock says: what is written in a test is newer."""


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def milliseconds(days):
    return int((NOW + days * DAY) * 1000)


def written(home, place, uid, *, days=30, ago=0):
    write_cache(home / place, uid=uid, expire_time=milliseconds(days))
    os.utime(home / place / "cache/user", (WRITTEN - ago, WRITTEN - ago))


@pytest.mark.parametrize(
    ("policy", "used"), [("auto", "one"), ("newest", "two"), ("longest", "three")]
)
def test_the_choice_follows_the_policy_and_says_why(home, policy, used):
    written(home, ".qodercn", "one", ago=30)
    written(home, ".lingma", "two", ago=10)
    written(home, ".config/Lingma", "three", ago=20, days=31)
    login = loaded(home, policy, now=Clock())

    assert who(login) == used
    assert login.why
    assert len(login.looked) == 3


def test_only_a_path_leads_to_a_login_that_has_ended(home):
    written(home, ".qodercn", "ended", days=-1)
    written(home, ".lingma", "lasting", ago=10)
    for policy in ("auto", "newest", "longest"):
        assert who(loaded(home, policy, now=Clock())) == "lasting"

    login = loaded(home, home / ".qodercn", now=Clock(), named_by="cache_dir")
    assert who(login) == "ended"
    assert login.why == "the setting cache_dir names it"


@pytest.mark.parametrize("policy", ["newest", "longest"])
def test_the_choice_stays_while_the_file_of_it_is_half_written(home, policy):
    written(home, ".qodercn", "other", ago=10, days=20)
    written(home, ".lingma", "chosen")
    login = loaded(home, policy, now=Clock())
    user = home / ".lingma/cache/user"
    whole = user.read_text()
    for length in (0, 1, len(whole) // 2):
        user.write_text(whole[:length])
        login.load()
        assert who(login) == "chosen"

    user.write_text(whole)
    login.load()
    assert (who(login), login.runtime) == ("chosen", home / ".lingma")


def test_one_that_is_being_written_is_not_chosen_before_it_is_whole(home):
    written(home, ".qodercn", "chosen", ago=10)
    written(home, ".lingma", "newer")
    user = home / ".lingma/cache/user"
    whole = user.read_text()
    user.write_text(whole[:50])
    login = loaded(home, "newest", now=Clock())
    assert who(login) == "chosen"

    user.write_text(whole)
    login.load()
    assert who(login) == "newer"


async def test_a_file_that_is_away_for_a_moment_does_not_change_who_we_are(home):
    written(home, ".qodercn", "chosen")
    written(home, ".lingma", "other")
    login = Login(machine=machine(home), poll=3600, now=Clock())
    await login.ready()
    seen = dict.fromkeys(login._watched())
    assert login._misses(tuple(seen.values()))
    user = home / ".qodercn/cache/user"
    seen[user] = stamp(user)
    assert not login._misses(tuple(seen.values()))


async def test_when_a_login_ends_another_takes_its_place(home):
    clock = Clock()
    written(home, ".qodercn", "first", days=1)
    written(home, ".lingma", "second")
    login = Login(machine=machine(home), poll=QUICK, now=clock)
    login.start()
    try:
        await until(login, "first")
        clock.now += DAY
        await until(login, "second")
        assert login.expires_at == NOW + 30 * DAY
    finally:
        await login.aclose()


# Its end, told in good time.


async def test_the_end_is_logged_once_at_each_stage_and_again_for_a_new_login(home, caplog):
    clock = Clock()
    written(home, ".lingma", "one", days=8)
    login = Login(machine=machine(home), poll=QUICK, now=clock)
    await login.ready()
    login.start()

    async def passes(days):
        before = len(told())
        clock.now += days * DAY
        await eventually(lambda: len(told()) > before)

    def told():
        return [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]

    try:
        for days in (1, 6, 23.5 / 24, 1):
            await passes(days)
        assert [each.partition(", ")[2].partition(".")[0] for each in told()] == [
            "in 7 days", "in 1 day", "in 30 minutes", "23 hours ago",
        ]  # fmt: skip
        assert all("Open the IDE" in each for each in told())
        assert login.ending() == told()[-1]

        write_cache(home / ".lingma", uid="two", expire_time=int((clock.now + DAY) * 1000))
        await eventually(lambda: len(told()) == 5)
        clock.now += 60
        login._tell_the_end()
        assert len(told()) == 5
    finally:
        await login.aclose()


@pytest.mark.parametrize("expire_time", [None, 0, "0", "soon", 3600, 2**63 - 1, milliseconds(60)])
async def test_of_an_end_that_is_far_or_not_known_nothing_is_said(home, caplog, expire_time):
    write_cache(home / ".lingma", expire_time=expire_time)
    login = Login(machine=machine(home), now=Clock())
    await login.ready()
    login._tell_the_end()

    assert login.ending() == ""
    assert caplog.records == []


async def test_a_login_that_nobody_has_asked_for_may_end_in_silence(home, caplog):
    written(home, ".lingma", "one", days=-1)
    login = Login(machine=machine(home), now=Clock())
    await login.reload()
    login._tell_the_end()
    assert caplog.records == []

    await login.ready()
    login._tell_the_end()
    login._tell_the_end()
    assert len(caplog.records) == 1


# A request looks before it uses a login.


@pytest.fixture
async def unwatched(home, monkeypatch):
    monkeypatch.setattr("lingma_proxy.backends.login.GLANCE", 20)  # this machine is slow
    write_cache(home / ".lingma", uid="old")
    login = Login(machine=machine(home), poll=3600, fresh=0)
    await login.ready()
    yield login
    await login.aclose()


async def test_who_asks_right_after_a_change_gets_the_new_login(unwatched, home):
    write_cache(home / ".lingma", uid="new")

    assert {(await unwatched.ready()).user_id for _ in range(3)} == {"new"}
    assert unwatched.looks == 2


async def test_many_who_ask_right_after_a_change_cause_one_look(unwatched, home):
    write_cache(home / ".lingma", uid="new")
    asked = await asyncio.gather(*(unwatched.ready() for _ in range(100)))

    assert {each.user_id for each in asked} == {"new"}
    assert unwatched.looks == 2


async def test_who_logs_in_is_logged_in_with_the_next_request(home, monkeypatch):
    monkeypatch.setattr("lingma_proxy.backends.login.GLANCE", 20)
    login = Login(machine=machine(home), poll=3600, fresh=0)
    with pytest.raises(NotLoggedIn):
        await login.ready()
    write_cache(home / ".lingma", uid="new")

    assert (await login.ready()).user_id == "new"


async def test_a_file_that_is_away_for_a_moment_is_left_to_the_watch(unwatched, home):
    (home / ".lingma/cache/user").unlink()
    (home / ".lingma/cache/id").unlink()

    assert (await unwatched.ready()).user_id == "old"
    assert unwatched.looks == 1


async def test_a_disk_that_does_not_answer_keeps_nobody_waiting(home, monkeypatch):
    write_cache(home / ".lingma", uid="old")
    login = Login(machine=machine(home), poll=3600, fresh=0)
    await login.ready()
    answers = threading.Event()
    monkeypatch.setattr("lingma_proxy.backends.login.stamps", lambda _: answers.wait(20) and ())
    try:
        assert (await login.ready()).user_id == "old"
    finally:
        answers.set()
        await login.aclose()


def test_the_made_up_user_is_the_one_of_the_vectors():
    assert user()["uid"] == FILE["auth"]["user_id"]
