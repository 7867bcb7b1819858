import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lingma_proxy.backends import logins as subject
from lingma_proxy.backends.logins import Found, Logins, choose, here, open_to_others
from lingma_proxy.vendor.credentials import Credentials
from lingma_proxy.vendor.places import LOG_FILES, runtimes
from support.login import MACHINE_ID, write_cache
from support.remote import loaded, machine, message_of
from support.vectors import vectors

FILE = vectors("credential_files")["lingma_proxy"]
LATER = 1893456001
"""Seconds, after the made-up login has run out."""
NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


PLACES = [path.relative_to("/h").as_posix() for path in runtimes(machine(Path("/h")))]


@pytest.mark.parametrize("place", PLACES)
def test_a_login_is_found_in_every_place_where_the_ide_keeps_one(home, place):
    write_cache(home / place)

    login = loaded(home)

    assert login.current().machine_id == MACHINE_ID
    assert login.current().source == f"~/{place}"
    assert login.runtime == home / place


def test_the_first_place_counts_and_one_that_has_run_out_comes_last(home):
    write_cache(home / ".qodercn", uid="qoder", expire_time=10**12)
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
        assert loaded(home, named).current().user_id == "docker"
    empty = loaded(home, tmp_path / "empty", named_by="cache_dir (LINGMA_CACHE_DIR)")
    assert "LINGMA_CACHE_DIR" in message_of(empty)


def test_a_credential_file_goes_before_all(home, tmp_path):
    write_cache(home / ".lingma", uid="cache")
    (tmp_path / "credentials.json").write_text(json.dumps(FILE))
    login = loaded(home, tmp_path / "credentials.json")

    assert login.current().user_id == FILE["auth"]["user_id"]
    assert login.runtime is None


def test_the_environment_goes_before_the_caches(home):
    write_cache(home / ".lingma", uid="cache")
    environment = {
        "LINGMA_COSY_KEY": "k", "LINGMA_ENCRYPT_USER_INFO": "i",
        "LINGMA_USER_ID": "env", "LINGMA_MACHINE_ID": "m",
    }  # fmt: skip

    assert loaded(home, environment=environment).current().user_id == "env"
    assert loaded(home, home / ".lingma", environment=environment).current().user_id == "cache"
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


def test_the_machine_we_run_on_is_described(tmp_path):
    found = here({"X": "1"}, tmp_path)

    assert found.home == tmp_path
    assert found.environment == {"X": "1"}
    assert found.system in {"linux", "darwin", "windows"}


def test_a_user_without_a_home_is_no_trouble(home, monkeypatch):
    def nobody(*_):
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.setattr(Path, "expanduser", nobody)

    assert here({}).home == Path(os.sep)
    assert "x.json" in message_of(loaded(home, "~nobody/x.json"))


def found(place="~/.lingma", kind="cache", *, ends=None, written=0.0, problem=""):
    """One login; `ends` in days from now."""
    expires_at = None if ends is None else int((NOW + ends * 86400) * 1000)
    credentials = None if problem else Credentials("cosy", "info", place, "machine", expires_at)
    return Found(place, kind, Path(place), credentials, problem, written)


QODER = found("qoder", ends=10, written=1)
LINGMA = found("lingma", ends=30, written=2)
VAGUE = found("vague", written=3)
ENDED = found("ended", ends=-1, written=9)
LONG_GONE = found("long gone", ends=-100, written=8)
BROKEN = found("broken", problem="it is damaged")
VARIABLES = found("environment", "environment")


@pytest.mark.parametrize(
    ("policy", "there", "used", "why"),
    [
        ("auto", [QODER, LINGMA, VAGUE], QODER, "first place"),
        ("newest", [QODER, LINGMA, VAGUE], VAGUE, "written last"),
        ("longest", [QODER, LINGMA, VAGUE], LINGMA, "ends last"),
        ("auto", [ENDED, BROKEN, QODER, LINGMA], QODER, "of those that have not ended"),
        ("newest", [ENDED, BROKEN, QODER, LINGMA], LINGMA, "of those that have not ended"),
        ("longest", [ENDED, VAGUE], VAGUE, "of those that have not ended"),
        ("auto", [LONG_GONE, ENDED], LONG_GONE, "all have ended"),
        ("newest", [LONG_GONE, ENDED], ENDED, "all have ended"),
        ("longest", [LONG_GONE, ENDED], ENDED, "all have ended"),
        ("newest", [BROKEN, LINGMA], LINGMA, "only one that can be used"),
        ("longest", [ENDED], ENDED, "only one"),
        ("longest", [VARIABLES, LINGMA], VARIABLES, "the environment has it"),
        ("auto", [BROKEN], None, "none can be used"),
        ("auto", [], None, "none can be used"),
    ],
)
def test_the_choice_among_several(policy, there, used, why):
    choice = choose(there, policy, NOW)

    assert choice.used is used
    assert why in choice.why


@pytest.mark.parametrize("policy", ["auto", "newest", "longest"])
def test_of_two_that_are_equal_the_one_in_the_better_place_counts(policy):
    first, second = replace(QODER, place="first"), replace(QODER, place="second")

    assert choose([first, second], policy, NOW).used is first


def put_credentials(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(FILE))


def test_an_imported_login_goes_before_the_caches_and_is_read_where_it_was_put(home):
    write_cache(home / ".qodercn")
    put_credentials(home / ".config/lingma-proxy/login.json")
    imported, cache = Logins(machine(home), lambda: NOW).everywhere()

    assert (imported.kind, imported.place) == ("imported", "~/.config/lingma-proxy/login.json")
    assert (cache.kind, cache.place) == ("cache", "~/.qodercn")
    assert imported.written_at is not None
    assert cache.file == home / ".qodercn/cache/user"


@pytest.mark.parametrize("name", ["", "cache", "cache/user"])
def test_a_folder_may_be_named_by_what_is_inside_of_it(home, name):
    write_cache(home / "here")
    (one,) = Logins(machine(home), lambda: NOW).at(home / "here" / name)

    assert (one.kind, one.path) == ("cache", home / "here")


@pytest.mark.parametrize("name", ["login.json", "a file without an end"])
def test_a_file_that_is_named_is_a_credential_file(home, name):
    put_credentials(home / name)
    (one,) = Logins(machine(home), lambda: NOW).at(home / name)

    assert (one.kind, one.path, one.problem) == ("file", home / name, "")


def test_what_is_named_and_not_there_is_said_to_be_missing(home):
    logins = Logins(machine(home), lambda: NOW)
    (file,) = logins.at(home / "login.json")

    assert file.problem == "it does not exist"
    assert logins.at(home / "folder") == []


@pytest.mark.skipif(os.name != "posix", reason="other systems keep rights otherwise")
@pytest.mark.parametrize(
    ("folder", "file", "seen"),
    [(0o755, 0o644, True), (0o755, 0o604, True), (0o750, 0o640, True),
     (0o755, 0o600, False), (0o700, 0o644, False), (0o750, 0o604, False)],
)  # fmt: skip
def test_a_file_is_open_to_others_if_they_can_read_it_and_come_there(
    tmp_path, monkeypatch, folder, file, seen
):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in/user"
    path.write_text("x")
    path.chmod(file)
    (tmp_path / "in").chmod(folder)
    # Above it lies a folder that is for nobody else, as on every machine that runs tests.
    monkeypatch.setattr(Path, "resolve", lambda self: Path("in/user") if self == path else self)
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)

    assert open_to_others(path) is seen


def test_a_file_that_is_not_there_is_open_to_nobody(tmp_path):
    assert not open_to_others(tmp_path / "none")
