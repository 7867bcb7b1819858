"""The commands in this process; `tests/e2e` has them as processes, and asks a simulator."""

import json
import logging
import os
import sys
import traceback
from dataclasses import replace

import pytest

from lingma_proxy.cli import logins as subject
from lingma_proxy.gateway import login_of
from lingma_proxy.simulator.home import new_login, write_credentials, write_home
from lingma_proxy.vendor.places import CHINA

KEPT = ".config/lingma-proxy/login.json"
DAY = 86400


@pytest.fixture
def person(nobody):
    return write_home(nobody, layout=".lingma")


def secrets(*people):
    return [
        secret
        for person in people
        for secret in (person.cosy_key, person.info, person.machine_id, person.uid)
    ]


def test_the_login_in_use_is_shown_masked_with_its_end_and_why(lingma_proxy, person):
    said = lingma_proxy("login", "show")

    assert said.exit_code == 0
    assert said.output.startswith("~/.lingma\n")
    assert "it is the only one" in said.output
    assert "60 days" in said.output
    for value in (person.cosy_key, person.uid, person.machine_id):
        assert f"{value[:4]}…{value[-4:]}" in said.output
    assert not any(secret in said.output for secret in secrets(person))


def test_all_others_are_shown_with_what_is_wrong_with_them(lingma_proxy, nobody, person):
    other = write_home(nobody, new_login(lifetime=-DAY), layout=".qodercn")
    write_home(nobody, layout=".config/Lingma", corrupt=True)
    said = lingma_proxy("login", "show")
    head, _, rest = said.output.partition("Not used:\n")

    assert head.startswith("~/.lingma\n")
    assert "that have not ended" in head
    assert [line.split()[0] for line in rest.splitlines()] == ["~/.qodercn", "~/.config/Lingma"]
    assert "it ended on" in rest
    assert "the login cache " in rest
    assert not any(secret in said.output for secret in secrets(person, other))


def test_as_json_it_says_the_same(lingma_proxy, nobody, person):
    other = write_home(nobody, new_login(lifetime=DAY), layout=".qodercn")
    said = lingma_proxy("login", "show", "--json", "--login", "longest")
    body = json.loads(said.output)

    assert (body["used"]["place"], body["why"]) == ("~/.lingma", "it ends last")
    assert body["used"]["expires_at"].endswith("Z")
    assert body["used"]["cosy_key"] == f"{person.cosy_key[:4]}…{person.cosy_key[-4:]}"
    assert [each["place"] for each in body["others"]] == ["~/.qodercn"]
    assert not any(secret in said.output for secret in secrets(person, other))


def test_who_names_one_sees_the_others_as_well(lingma_proxy, nobody, person):
    write_credentials(nobody / "mine.json", new_login())
    said = lingma_proxy("login", "show", "--json", "--login", str(nobody / "mine.json"))
    body = json.loads(said.output)

    assert (body["used"]["place"], body["used"]["kind"]) == ("~/mine.json", "file")
    assert [each["place"] for each in body["others"]] == ["~/.lingma"]


def test_without_a_login_it_is_said_what_to_do_and_the_exit_code_is_1(lingma_proxy):
    said, as_json = lingma_proxy("login", "show"), lingma_proxy("login", "show", "--json")

    assert said.exit_code == as_json.exit_code == 1
    assert "Log in to Lingma" in said.stderr
    body = json.loads(as_json.stdout)
    assert (body["used"], body["others"]) == (None, [])
    assert "Log in to Lingma" in body["problem"]


def test_what_others_can_read_is_told(lingma_proxy, person, monkeypatch):
    assert "Others" not in lingma_proxy("login", "show").output
    monkeypatch.setattr(subject, "open_to_others", lambda _: True)
    said = lingma_proxy("login", "show")

    assert said.exit_code == 0
    assert "Others on this machine can read it: ~/.lingma/cache/user" in said.output


def test_an_export_is_what_lingma_proxy_1_6_reads_and_is_for_its_owner(
    lingma_proxy, nobody, person
):
    said = lingma_proxy("login", "export", "~/mine.json")
    file = nobody / "mine.json"

    assert said.exit_code == 0
    assert json.loads(file.read_text()) == {
        "source": "lingma-proxy",
        "token_expire_time": str(person.expire_time),
        "auth": {
            "cosy_key": person.cosy_key,
            "encrypt_user_info": person.info,
            "user_id": person.uid,
            "machine_id": person.machine_id,
        },
        "user_type": "personal_standard",
        "data_policy_agreed": True,
    }
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert said.stdout == ""
    assert "use your account" in said.stderr
    assert not any(secret in said.output for secret in secrets(person))


def test_an_export_says_where_the_login_is_good_if_that_is_known(lingma_proxy, nobody, person):
    (nobody / ".lingma/cache/cache.json").write_text('{"regionEnv":"cn"}')
    exported = json.loads(lingma_proxy("login", "export", "-").stdout)
    assert exported["base_url"] == CHINA

    here = {"LINGMA_REMOTE_BASE_URL": "http://127.0.0.1:1"}
    exported = json.loads(lingma_proxy("login", "export", "-", **here).stdout)
    assert "base_url" not in exported


def test_an_export_replaces_nothing_unless_told_to(lingma_proxy, nobody, person):
    file = nobody / "mine.json"
    file.write_text("precious")
    said = lingma_proxy("login", "export", str(file))
    assert said.exit_code == 1
    assert "--force replaces it" in said.output
    assert file.read_text() == "precious"

    assert lingma_proxy("login", "export", str(file), "--force").exit_code == 0
    assert "precious" not in file.read_text()


def test_there_must_be_a_login_to_export(lingma_proxy, nobody):
    said = lingma_proxy("login", "export", str(nobody / "mine.json"))

    assert said.exit_code == 1
    assert not (nobody / "mine.json").exists()


def test_a_secret_is_shown_on_a_screen_only_by_force(lingma_proxy, person, monkeypatch):
    piped = lingma_proxy("login", "export", "-")
    assert json.loads(piped.stdout)["auth"]["cosy_key"] == person.cosy_key
    assert person.cosy_key not in piped.stderr

    def on_a_screen(*words):
        def here(settings):
            monkeypatch.setattr(sys.stdout, "isatty", lambda: True)  # click's, by now
            return login_of(settings)

        with monkeypatch.context() as patch:
            patch.setattr(subject, "login_of", here)
            return lingma_proxy("login", "export", "-", *words)

    refused = on_a_screen()
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert on_a_screen("--force").stdout == piped.stdout


def test_what_was_exported_can_be_imported_elsewhere(lingma_proxy, nobody, person):
    exported = lingma_proxy("login", "export", "-").stdout
    (nobody / ".lingma").rename(nobody / "gone")
    assert lingma_proxy("login", "show").exit_code == 1

    said = lingma_proxy("login", "import", "-", stdin=exported)
    assert said.exit_code == 0
    assert "uses it from now on" in said.output
    assert not any(secret in said.output for secret in secrets(person))
    file = nobody / KEPT
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == exported
    assert lingma_proxy("login", "export", "-").stdout == exported
    assert lingma_proxy("login", "show").output.startswith(f"~/{KEPT}\n")

    assert "removed" in lingma_proxy("login", "forget").output
    assert not file.exists()
    again = lingma_proxy("login", "forget")
    assert (again.exit_code, "There is no imported login." in again.output) == (0, True)


@pytest.mark.parametrize("kind", ["\ufeff{}", "\n{}\n"])
def test_what_editors_add_to_a_file_does_no_harm(lingma_proxy, nobody, kind):
    write_credentials(nobody / "mine.json", new_login())
    text = kind.format((nobody / "mine.json").read_text())
    (nobody / "mine.json").write_text(text, encoding="utf-8")

    assert lingma_proxy("login", "import", str(nobody / "mine.json")).exit_code == 0
    assert lingma_proxy("login", "import", "-", stdin=text).exit_code == 0


def test_an_import_replaces_the_one_before_and_goes_before_the_ides(lingma_proxy, nobody, person):
    for _ in range(2):
        new = new_login()
        write_credentials(nobody / "mine.json", new)
        assert lingma_proxy("login", "import", str(nobody / "mine.json")).exit_code == 0
        used = json.loads(lingma_proxy("login", "show", "--json").output)["used"]
        assert used["user_id"] == f"{new.uid[:4]}…{new.uid[-4:]}"
        assert used["kind"] == "imported"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"auth":{"cosy_key":"top-secret-key"}}', "\udcff", "x" * (2**20 + 1)],
    ids=["empty", "torn", "a list", "half", "not text", "enormous"],
)  # fmt: skip
@pytest.mark.parametrize("by", ["file", "standard input"])
def test_what_is_no_login_is_not_imported_and_not_quoted(lingma_proxy, nobody, text, by):
    data = text.encode("utf-8", "surrogateescape")
    (nobody / "bad.json").write_bytes(data)
    name = "-" if by == "standard input" else str(nobody / "bad.json")
    said = lingma_proxy("login", "import", name, stdin=data)

    assert said.exit_code != 0
    assert "cannot be imported" in said.output
    assert "top-secret-key" not in said.output
    assert not (nobody / KEPT).exists()


def test_a_login_that_has_ended_is_imported_only_by_force(lingma_proxy, nobody):
    write_credentials(nobody / "old.json", new_login(lifetime=-DAY))
    said = lingma_proxy("login", "import", str(nobody / "old.json"))
    assert said.exit_code != 0
    assert "it ended on" in said.output
    assert not (nobody / KEPT).exists()

    assert lingma_proxy("login", "import", "--force", str(nobody / "old.json")).exit_code == 0


def test_if_another_login_counts_the_import_says_so(lingma_proxy, nobody):
    write_credentials(nobody / "mine.json", new_login())
    write_home(nobody, layout="runtime")
    said = lingma_proxy(
        "login", "import", str(nobody / "mine.json"), LINGMA_CACHE_DIR=str(nobody / "runtime")
    )

    assert said.exit_code == 0
    assert "the login in use is that of ~/runtime" in said.output
    assert "cache_dir (LINGMA_CACHE_DIR) names it" in said.output


CANARY = {
    "uid": "canary-uid-4711-of-the-person",
    "name": "Canary Person",
    "security_oauth_token": "pt-canary-token",
    "refresh_token": "rt-canary-token",
}


def canary(**more):
    return replace(new_login(**more), **CANARY)  # type: ignore[arg-type]  # all of them are words


def leaked(login, text):
    sealed = [login.cosy_key, login.info, login.machine_id, login.temp_key]
    parts = [cut for each in (login.cosy_key, login.info) for cut in (each[:30], each[-30:])]
    return [secret for secret in [*CANARY.values(), *sealed, *parts] if secret in text]


def test_no_command_about_the_login_tells_a_secret(lingma_proxy, nobody, caplog):
    caplog.set_level(logging.DEBUG)
    people = used, other = canary(lifetime=3 * DAY), canary()
    write_home(nobody, used, layout=".qodercn")
    write_home(nobody, other, layout=".lingma")
    file, user = str(nobody / "mine.json"), str(nobody / ".lingma/cache/user")
    said = []
    for words in (
        ("show",), ("show", "--json"), ("show", "--login", "longest"), ("show", "--login", user),
        ("check",), ("check", "--json"), ("export", file), ("export", file),
        ("export", "--force", file), ("export", "/"), ("import", file), ("show",),
        ("import", user), ("forget",),
    ):  # fmt: skip
        done = lingma_proxy("login", *words, LINGMA_REMOTE_BASE_URL="http://127.0.0.1:1")
        assert done.output, words
        said.append(done.output)
        if done.exception is not None:
            said.append("".join(traceback.format_exception(done.exception)))

    assert used.cosy_key in (nobody / "mine.json").read_text()
    assert [leaked(person, "\n".join(said)) for person in people] == [[], []]
    assert [leaked(person, caplog.text) for person in people] == [[], []]
