import json
import os
import sys
from pathlib import PurePosixPath, PureWindowsPath

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.logins import SYSTEMS
from lingma_proxy.vendor.places import (
    CHINA,
    INTERNATIONAL,
    Machine,
    base_url_from_file,
    base_url_from_json,
    base_url_from_text,
    hint_files,
    is_log,
    log_roots,
    login_files,
    machine_ids_from_text,
    normalize_hint,
    own_login,
    region_url,
    runtimes,
    shown,
)
from support.strategies import json_values, texts
from support.vectors import vectors

VECTORS = vectors("discovery")
HOME = PurePosixPath("/home/someone")
LINUX = Machine("linux", HOME)
MAC = Machine("darwin", PurePosixPath("/Users/someone"))
WINDOWS = Machine(
    "windows",
    PureWindowsPath(r"C:\Users\someone"),
    {"APPDATA": r"C:\Users\someone\AppData\Roaming", "ProgramData": r"C:\ProgramData"},
)
TENANT = "https://ai-lingma-example-cn-beijing.rdc.aliyuncs.com"


@pytest.mark.parametrize(
    "folder",
    [
        ".qodercn", ".qodercn/vscode/sharedClientCache", ".qoder-cn/shared_client",
        ".lingma", ".lingma/vscode/sharedClientCache", ".config/QoderCN", ".config/Lingma",
        ".config/lingma/SharedClientCache", ".local/share/Lingma",
        ".config/Cursor/User/globalStorage/alibaba-cloud.tongyi-lingma",
    ],
)  # fmt: skip
def test_the_known_folders_of_a_linux_home_are_looked_into(folder):
    assert HOME / folder in runtimes(LINUX)


def test_so_are_those_of_a_mac_and_of_windows():
    assert MAC.home / "Library/Application Support/QoderCN/SharedClientCache" in runtimes(MAC)
    assert MAC.home / "Library/Application Support/Lingma/SharedClientCache" in runtimes(MAC)
    roaming = PureWindowsPath(r"C:\Users\someone\AppData\Roaming")
    assert roaming / "Lingma" / "SharedClientCache" in runtimes(WINDOWS)
    assert PureWindowsPath(r"C:\ProgramData\qodercn") in runtimes(WINDOWS)


def test_the_folder_of_settings_may_lie_elsewhere():
    elsewhere = Machine("linux", HOME, {"XDG_CONFIG_HOME": "/srv/config", "XDG_STATE_HOME": " "})

    assert PurePosixPath("/srv/config/Lingma") in runtimes(elsewhere)
    assert PurePosixPath("/srv/config/Lingma/logs") in log_roots(elsewhere)


@pytest.mark.parametrize("machine", [LINUX, MAC, WINDOWS], ids=lambda it: it.system)
@pytest.mark.parametrize("places", [runtimes, hint_files, log_roots])
def test_no_place_comes_twice(machine, places):
    found = [str(path) for path in places(machine)]
    if machine.system != "linux":
        found = [path.lower() for path in found]

    assert len(set(found)) == len(found) > 0


def test_qoder_is_asked_before_lingma_and_both_before_the_editors():
    order = [str(path) for path in runtimes(LINUX)]

    assert order.index("/home/someone/.qodercn") < order.index("/home/someone/.lingma")
    assert "globalStorage" in order[-1]
    assert order[0] == "/home/someone/.qodercn"


def test_the_runtime_of_the_login_is_asked_for_hints_first():
    runtime = HOME / ".lingma"

    assert hint_files(LINUX, runtime)[0] == runtime / "cache/app-config.json"
    assert set(hint_files(LINUX)) < set(hint_files(LINUX, runtime))
    assert login_files(runtime)[0] == runtime / "cache/user"


@pytest.mark.parametrize("row", VECTORS["normalize_hint"], ids=lambda it: it["input"])
def test_a_hint_is_read_as_the_vectors_say(row):
    assert normalize_hint(row["input"]) == row["expect"]


@pytest.mark.parametrize(
    "url",
    [
        "http://lingma.alibabacloud.com", "https://lingma.alibabacloud.com.evil.example",
        "https://evil.example/?lingma.alibabacloud.com", "https://evil.example#.rdc.aliyuncs.com",
        "https://me@lingma.alibabacloud.com", "https://evil.example\\@lingma.alibabacloud.com",
        "https://lingma.alibabacloud.com:8443", "https://rdc.aliyuncs.com",
        "https://evilrdc.aliyuncs.com", "https://x.oss-cn.rdc.aliyuncs.com",
        "https://[::1", "//lingma.alibabacloud.com", "lingma.alibabacloud.com", "",
    ],
)  # fmt: skip
def test_a_login_is_never_sent_to_a_stranger(url):
    assert normalize_hint(url) == ""
    assert base_url_from_json({"baseUrl": url}) == ""


@pytest.mark.parametrize("row", VECTORS["base_url_from_text"], ids=lambda it: it["text"])
def test_a_log_is_read_as_the_vectors_say(row):
    assert base_url_from_text(row["text"]) == row["expect"]


def test_the_last_url_that_was_really_called_counts():
    text = f"GET {TENANT}/algo/api/v2/model/list\n{CHINA}/algo/api/v1/ping\nsee {INTERNATIONAL}/x"

    assert base_url_from_text(text) == CHINA


def test_settings_are_searched_in_their_own_order():
    text = json.dumps(
        {
            "x": [{"download_url": "https://lingma-ide.oss-cn.aliyuncs.com"}],
            "note": INTERNATIONAL,
            "deep": {"API_Domain": f"{TENANT}/algo/"},
            "baseUrl": CHINA,
        }
    )

    assert base_url_from_file(text) == TENANT


def test_a_file_that_is_no_json_is_read_as_a_log():
    assert base_url_from_file(f"endpoint config: {TENANT}") == TENANT


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('{"regionEnv":"cn"}', CHINA),
        ('{"a":{"regionEnv":"INTL"}}', INTERNATIONAL),
        ('{"regionEnv":"mars"}', ""),
        ('{"regionEnv":1}', ""),
        ("{", ""),
    ],
)
def test_a_region_has_its_own_base_url(text, url):
    assert region_url(text) == url


@pytest.mark.parametrize("row", VECTORS["machine_id_from_text"], ids=lambda it: it["text"])
def test_a_machine_id_is_read_as_the_vectors_say(row):
    assert machine_ids_from_text(row["text"])[0] == row["expect"]


@pytest.mark.parametrize(
    "text", ["", "machine id: short", "machine id:", "machine-id: C:\\no such id here", "x"]
)
def test_what_is_no_machine_id_is_not_taken_for_one(text):
    assert machine_ids_from_text(text) == ()


def test_what_jetbrains_writes_comes_after_the_plain_words():
    uuid, other = "0f1e2d3c-4b5a-4968-8778-695a4b3c2d1e", "abcdef1234567890abcdef"

    assert machine_ids_from_text(f"Generated uuid: {uuid}") == (uuid,)
    assert machine_ids_from_text(f"machine id: {other}\nGenerated uuid: {uuid}") == (other, uuid)


@given(json_values, texts)
def test_a_base_url_is_always_one_of_the_vendors(value, text):
    for found in (base_url_from_json(value), base_url_from_text(text), normalize_hint(text)):
        assert found == "" or normalize_hint(found) == found


@given(st.text())
def test_the_readers_never_fail(text):
    machine_ids_from_text(text)
    region_url(text)
    assert normalize_hint(base_url_from_file(text)) == base_url_from_file(text)


@pytest.mark.parametrize(
    ("name", "answer"),
    [("Lingma.log", True), ("renderer.log", True), ("2-Lingma.log", True), ("other.log", False),
     ("lingma.txt", False), ("qodercn-extension.log", True)],
)  # fmt: skip
def test_only_the_logs_that_may_help_are_read(name, answer):
    assert is_log(name) is answer


def test_a_path_in_a_message_does_not_tell_whose_home_it_is():
    assert shown(LINUX, HOME / ".lingma/cache/user") == "~/.lingma/cache/user"
    assert (
        shown(LINUX, PurePosixPath("/secret/data/auth/credentials.json"))
        == "…/auth/credentials.json"
    )


def test_our_own_login_lies_beside_our_own_settings(monkeypatch, tmp_path):
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    here = Machine(
        SYSTEMS.get(sys.platform, "linux"),
        tmp_path,
        dict(os.environ),
    )
    folder = platformdirs.user_config_path("lingma-proxy", appauthor=False)

    assert own_login(here) == folder / "login.json"


def test_it_lies_where_programs_of_a_system_keep_such_things():
    assert own_login(LINUX) == HOME / ".config/lingma-proxy/login.json"
    assert own_login(MAC) == MAC.home / "Library/Application Support/lingma-proxy/login.json"
    assert own_login(WINDOWS) == WINDOWS.home / "AppData/Local/lingma-proxy/login.json"
