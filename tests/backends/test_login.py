import asyncio
import json
import os
from pathlib import Path

import pytest

from lingma_proxy.backends import login as subject
from lingma_proxy.backends.login import BaseUrl, Login, detect_base_url, here
from lingma_proxy.errors import NotLoggedIn, SettingsError
from lingma_proxy.vendor.places import CHINA, INTERNATIONAL, LOG_FILES, runtimes
from support.login import MACHINE_ID, user, write_cache
from support.remote import machine
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


def loaded(home, **more):
    environment = more.pop("environment", {})
    login = Login(machine=machine(home, **environment), **more)
    login.load()
    return login


def message_of(login):
    with pytest.raises(NotLoggedIn) as raised:
        login.current()
    return raised.value.message


PLACES = [path.relative_to("/h").as_posix() for path in runtimes(machine(Path("/h")))]


@pytest.mark.parametrize("place", PLACES)
def test_a_login_is_found_in_every_place_where_the_ide_keeps_one(home, place):
    write_cache(home / place)

    login = loaded(home)

    assert login.current().machine_id == MACHINE_ID
    assert login.current().source == f"~/{place}"
    assert login.runtime == home / place


def test_the_first_place_counts_and_one_that_has_run_out_comes_last(home):
    write_cache(home / ".qodercn", uid="qoder", expire_time=1000)
    write_cache(home / ".lingma", uid="lingma")

    assert loaded(home).current().user_id == "lingma"
    assert loaded(home, now=lambda: LATER).current().user_id == "qoder"
    assert [each.place for each in loaded(home).looked] == ["~/.qodercn", "~/.lingma"]


def test_a_broken_place_does_not_hide_a_good_one(home):
    write_cache(home / ".qodercn", "another-machine-id-0123456789")
    (home / ".qodercn/cache/id").write_text(MACHINE_ID)
    write_cache(home / ".lingma")
    login = loaded(home)

    assert login.current().source == "~/.lingma"
    assert "another machine id" in login.looked[0].problem


def test_the_folder_that_is_named_is_the_only_one(home, tmp_path):
    write_cache(home / ".lingma")
    write_cache(tmp_path / "docker", uid="docker")

    for named in (tmp_path / "docker", tmp_path / "docker/cache"):
        assert loaded(home, cache_dir=named).current().user_id == "docker"
    assert "LINGMA_CACHE_DIR" in message_of(loaded(home, cache_dir=tmp_path / "empty"))


def test_a_credential_file_goes_before_all(home, tmp_path):
    write_cache(home / ".lingma", uid="cache")
    (tmp_path / "credentials.json").write_text(json.dumps(FILE))
    login = loaded(home, file=tmp_path / "credentials.json")

    assert login.current().user_id == FILE["auth"]["user_id"]
    assert login.runtime is None


def test_the_environment_goes_before_the_caches(home):
    write_cache(home / ".lingma", uid="cache")
    environment = {
        "LINGMA_COSY_KEY": "k", "LINGMA_ENCRYPT_USER_INFO": "i",
        "LINGMA_USER_ID": "env", "LINGMA_MACHINE_ID": "m",
    }  # fmt: skip

    assert loaded(home, environment=environment).current().user_id == "env"
    del environment["LINGMA_USER_ID"]
    assert "LINGMA_USER_ID" in message_of(loaded(home, environment=environment))


@pytest.mark.parametrize(
    "log", [f"logs/{name}" for name in LOG_FILES] + ["logs/2026/window1/x.log"]
)
def test_a_missing_machine_id_is_found_in_the_logs(home, log):
    runtime = home / ".lingma"
    write_cache(runtime, id=False)
    file = runtime / log
    file.parent.mkdir(parents=True)
    file.write_text(
        f"machine id: some-other-machine-0123\nusing machine id from file: {MACHINE_ID}\n"
    )

    assert loaded(home).current().machine_id == MACHINE_ID


def test_it_is_found_in_the_logs_of_the_editor_too_and_in_its_own_file(home):
    write_cache(home / ".lingma", id=False)
    log = home / ".config/Lingma/logs/20260506T1/window1/exthost/renderer.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"Generated uuid: deadbeef-dead-beef-dead\nGenerated uuid: {MACHINE_ID}\n")
    assert loaded(home).current().machine_id == MACHINE_ID

    log.unlink()
    assert "machine id is missing" in message_of(loaded(home))
    (home / ".lingma/cli/.auth").mkdir(parents=True)
    (home / ".lingma/cli/.auth/id").write_text(MACHINE_ID)
    assert loaded(home).current().machine_id == MACHINE_ID


def test_logs_are_not_searched_again_and_again(home, monkeypatch):
    write_cache(home / ".lingma", id=False)
    log = home / ".lingma/logs/lingma.log"
    log.parent.mkdir()
    log.write_text(f"machine id: {MACHINE_ID}")
    login = loaded(home)
    monkeypatch.setattr(subject, "glance", lambda path: pytest.fail("a log was read again"))

    write_cache(home / ".lingma", id=False, uid="new")
    login.load()

    assert login.current().user_id == "new"


def test_without_a_login_the_message_says_what_to_do(home):
    message = message_of(loaded(home))

    assert "Log in" in message
    assert "remote_auth_file" in message
    assert "~/.lingma" in message


@pytest.mark.parametrize("text", ["", "{", '{"auth":{"cosy_key":"secret-value"}}'])
def test_a_bad_file_is_named_and_nothing_of_it_is_shown(home, text):
    (home / "credentials.json").write_text(text)
    message = message_of(loaded(home, file=home / "credentials.json"))

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
    login = Login(file=file, machine=machine(home), poll=QUICK)
    login.start()
    await until(login, FILE["auth"]["user_id"])
    file.write_text(json.dumps(FILE)[:50])
    os.utime(file, ns=(5, 5))
    await eventually(lambda: any(each.problem for each in login.looked))
    assert login.current().user_id == FILE["auth"]["user_id"]
    file.write_text(json.dumps(FILE | {"auth": FILE["auth"] | {"user_id": "new"}}))
    await until(login, "new")
    await login.aclose()


def test_the_machine_we_run_on_is_described(tmp_path):
    found = here({"X": "1"}, tmp_path)

    assert found.home == tmp_path
    assert found.environment == {"X": "1"}
    assert found.system in {"linux", "darwin", "windows"}


# Base URLs.


def put(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://example.com/", "https://example.com"),
        (f"{TENANT}/algo/", TENANT),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" http://localhost:1 ", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_what_the_user_has_set_stands(home, given, url):
    put(home / ".lingma/bin/config.json", json.dumps({"baseUrl": CHINA}))

    assert detect_base_url(given, machine(home)) == (url, "the settings")


@pytest.mark.parametrize(
    "given",
    ["http://example.com", "ftp://x", "lingma", "https://", "https://me@x", "https://x?y=1"],
)
def test_a_setting_that_would_send_the_login_astray_is_refused(home, given):
    with pytest.raises(SettingsError, match="remote_base_url"):
        detect_base_url(given, machine(home))


def test_otherwise_the_vendors_own_files_are_asked(home):
    put(home / ".lingma/bin/config.json", json.dumps({"baseUrl": "http://evil.lingma.example"}))
    put(home / ".lingma/logs/lingma.log", f"GET {TENANT}/algo/api/v1/ping")

    assert detect_base_url("", machine(home)) == (TENANT, "~/.lingma/logs/lingma.log")


def test_those_of_the_login_before_all_others(home):
    put(home / ".qodercn/bin/config.json", json.dumps({"baseUrl": INTERNATIONAL}))
    put(home / ".lingma/cache/app-config.json", json.dumps({"api": {"domain": CHINA}}))

    assert detect_base_url("", machine(home))[0] == INTERNATIONAL
    assert detect_base_url("", machine(home), home / ".lingma")[0] == CHINA


def test_then_the_logs_of_the_editors_and_the_region(home):
    put(home / ".lingma/cache/cache.json", '{"regionEnv":"cn"}')
    where = "the region in ~/.lingma/cache/cache.json"
    assert detect_base_url("", machine(home)) == (CHINA, where)
    assert detect_base_url("", machine(home), home / ".lingma") == (CHINA, where)

    put(home / ".config/Lingma/logs/20260506/window1/2-Lingma.log", f"endpoint config: {TENANT}")
    assert detect_base_url("", machine(home))[0] == TENANT


def test_and_at_last_the_default(home):
    assert detect_base_url("", machine(home)) == (INTERNATIONAL, "the default")


async def test_it_is_looked_for_once_until_it_is_forgotten(home):
    login = Login(machine=machine(home))
    base_url = BaseUrl("", login)
    assert base_url.known == ""
    one, other = await asyncio.gather(base_url(), base_url())
    assert one == other == INTERNATIONAL
    assert (base_url.known, base_url.origin) == (INTERNATIONAL, "the default")

    put(home / ".lingma/cache/cache.json", '{"regionEnv":"cn"}')
    assert await base_url() == INTERNATIONAL
    base_url.forget()
    assert await base_url() == CHINA


async def test_another_login_may_live_elsewhere(home):
    write_cache(home / ".lingma")
    login = Login(machine=machine(home))
    base_url = BaseUrl("", login)
    await login.ready()
    assert await base_url() == INTERNATIONAL

    write_cache(home / ".qodercn")
    put(home / ".qodercn/cache/app-config.json", json.dumps({"baseUrl": CHINA}))
    await login.reload()
    assert await base_url() == CHINA


def test_a_user_without_a_home_is_no_trouble(home, monkeypatch):
    def nobody(*_):
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setattr(Path, "expanduser", nobody)

    assert here({}).home == Path(os.sep)
    assert "x.json" in message_of(loaded(home, file="~nobody/x.json"))


def test_the_made_up_user_is_the_one_of_the_vectors():
    assert user()["uid"] == FILE["auth"]["user_id"]
