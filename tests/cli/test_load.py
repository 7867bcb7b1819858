import json
import os
from pathlib import Path

import pytest

from lingma_proxy.cli.load import load
from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import Origin

pytestmark = pytest.mark.usefixtures("nobody")


def write(path, **values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    return path


def place(resolved):
    return str(resolved.origins["port"])


def test_without_a_file_the_defaults_hold():
    resolved = load(None, {})

    assert (resolved.settings.port, resolved.notices) == (8095, ())


def test_files_are_looked_for_in_this_order(nobody, tmp_path, monkeypatch):
    flagged = write(tmp_path / "flagged.json", port=1)
    variable = write(tmp_path / "variable.json", port=2)
    here = [
        write(tmp_path / "here/lingma-proxy.json", port=3),
        write(tmp_path / "here/lingma-ipc-proxy.json", port=4),
        write(nobody / ".config/lingma-proxy/config.json", port=5),
        write(nobody / ".config/lingma-ipc-proxy/config.json", port=6),
    ]
    monkeypatch.setenv("LINGMA_PROXY_CONFIG", str(variable))
    found = [load(str(flagged), {}), load(None, {})]
    monkeypatch.delenv("LINGMA_PROXY_CONFIG")
    for path in here:
        found.append(load(None, {}))
        path.unlink()

    assert [each.settings.port for each in found] == [1, 2, 3, 4, 5, 6]
    assert place(found[2]) == "lingma-proxy.json"
    assert place(found[5]) == str(Path("~/.config/lingma-ipc-proxy/config.json"))


def test_a_file_that_another_hides_is_named(tmp_path):
    write(tmp_path / "here/lingma-proxy.json", port=3)
    write(tmp_path / "here/lingma-ipc-proxy.json", port=4)

    assert load(None, {}).notices == (
        "lingma-ipc-proxy.json is not read: lingma-proxy.json comes first.",
    )


def test_a_file_that_was_named_must_be_there(monkeypatch):
    with pytest.raises(SettingsError, match=r"gone.json cannot be read: No such file"):
        load("gone.json", {})
    monkeypatch.setenv("LINGMA_PROXY_CONFIG", "gone.json")
    with pytest.raises(SettingsError, match=r"gone.json cannot be read"):
        load(None, {})


def test_a_file_that_is_not_text_is_named_with_the_line(tmp_path):
    (tmp_path / "here/lingma-proxy.json").write_bytes(b'{\n"model": "\xff"}')

    with pytest.raises(SettingsError, match=r"lingma-proxy.json is not UTF-8 text: see line 2"):
        load(None, {})


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text("from-the-file\n")
    path.chmod(0o600)
    return path


def test_the_key_is_read_from_its_file(key_file):
    resolved = load(None, {"api_key_file": str(key_file)})

    assert resolved.settings.api_key == "from-the-file"
    assert resolved.origins["api_key"] == Origin("flag", str(key_file))
    assert resolved.notices == ()


def test_the_nearer_of_key_and_key_file_counts(key_file, monkeypatch):
    monkeypatch.setenv("LINGMA_PROXY_API_KEY", "from-the-environment")

    assert load(None, {"api_key_file": str(key_file)}).settings.api_key == "from-the-file"
    monkeypatch.setenv("LINGMA_PROXY_API_KEY_FILE", str(key_file))
    resolved = load(None, {})
    assert resolved.settings.api_key == "from-the-environment"
    assert resolved.notices == (
        "api_key_file (LINGMA_PROXY_API_KEY_FILE) is not read: api_key is set (LINGMA_PROXY_API_KEY).",
    )


@pytest.mark.parametrize("content", ["", " \n", "two words", "schlüssel"])
def test_a_key_file_without_a_key_is_an_error_that_does_not_show_it(key_file, content):
    key_file.write_text(content)

    with pytest.raises(SettingsError) as caught:
        load(None, {"api_key_file": str(key_file)})
    assert "key" in caught.value.message
    assert "words" not in caught.value.message


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these permissions")
def test_a_key_that_others_can_read_is_a_notice(key_file, tmp_path):
    key_file.chmod(0o644)
    file = write(tmp_path / "here/lingma-proxy.json", api_key="x")
    file.chmod(0o644)

    assert "others: chmod 600" in " ".join(load(None, {"api_key_file": str(key_file)}).notices)
    assert load(None, {}).notices == (
        "lingma-proxy.json holds the key, and others can read it: chmod 600.",
    )


FILE, FOLDER = "credentials.json", "runtime"


@pytest.mark.parametrize(
    ("file", "variables", "flags", "counts", "notices"),
    [
        ({"cache_dir": FOLDER}, {}, {}, ("auto", "", FOLDER), 0),
        ({"cache_dir": FOLDER, "login": "auto"}, {}, {}, ("auto", "", FOLDER), 0),
        ({"cache_dir": FOLDER, "remote_auth_file": FILE}, {}, {}, ("auto", FILE, ""), 1),
        ({"cache_dir": FOLDER, "remote_auth_file": FILE, "login": "x"}, {}, {}, ("x", "", ""), 2),
        ({"cache_dir": FOLDER, "login": "newest"}, {}, {}, ("newest", "", ""), 1),
        ({"login": "newest"}, {"LINGMA_CACHE_DIR": FOLDER}, {}, ("auto", "", FOLDER), 1),
        ({"remote_auth_file": FILE}, {"LINGMA_CACHE_DIR": FOLDER}, {}, ("auto", "", FOLDER), 1),
        ({}, {"LINGMA_CACHE_DIR": FOLDER}, {"login": "longest"}, ("longest", "", ""), 1),
        ({}, {"LINGMA_CACHE_DIR": FOLDER}, {"login": "auto"}, ("auto", "", ""), 1),
        ({}, {"LINGMA_PROXY_LOGIN": "x"}, {"cache_dir": ""}, ("auto", "", ""), 1),
    ],
)
def test_of_the_settings_that_name_a_login_the_nearest_counts(
    tmp_path, file, variables, flags, counts, notices
):
    config = write(tmp_path / "config.json", **file)
    resolved = load(str(config), flags, variables)
    settings = resolved.settings

    assert (settings.login, settings.remote_auth_file, settings.cache_dir) == counts
    assert len(resolved.notices) == notices
    assert all("has no effect" in notice for notice in resolved.notices)
