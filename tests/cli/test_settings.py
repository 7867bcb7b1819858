import json
from functools import partial
from pathlib import Path

import pytest

from lingma_proxy.settings import TABLE


@pytest.fixture
def shown(lingma_proxy):
    return partial(lingma_proxy, "settings")


def test_every_setting_is_shown_with_its_value_and_where_it_comes_from(shown):
    Path("lingma-proxy.json").write_text('{"port": 9000, "warmup_timeout": 30}')
    result = shown("--model", "Qwen3", LINGMA_PROXY_MAX_CONCURRENT="3")
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}

    assert set(lines) >= {setting.name for setting in TABLE}
    assert lines["port"] == ["port", "9000", "(lingma-proxy.json)"]
    assert lines["max_concurrent"] == ["max_concurrent", "3", "(LINGMA_PROXY_MAX_CONCURRENT)"]
    assert lines["model"] == ["model", "Qwen3", "(--model)"]
    assert lines["host"] == ["host", "127.0.0.1"]
    assert (
        result.stderr
        == 'note: "warmup_timeout" has no effect in this version (lingma-proxy.json).\n'
    )


def test_secrets_are_masked_in_both_forms(shown):
    environment = {
        "LINGMA_PROXY_API_KEY": "canary",
        "LINGMA_REMOTE_PROXY_URL": "http://me:canary@proxy:3128",
    }
    for words in ([], ["--json"]):
        output = shown(*words, **environment).output
        assert "canary" not in output
        assert "http://proxy:3128" in output


def test_as_json_the_values_keep_their_types(shown):
    settings = json.loads(shown("--json", "--allowed-hosts", "a,b").stdout)["settings"]

    assert settings["port"] == {"value": 8095, "from": "default", "place": None}
    assert settings["open_bind"]["value"] is False
    assert settings["foreign_models"]["value"]["claude-*"] == ""
    assert settings["allowed_hosts"] == {
        "value": ["a", "b"],
        "from": "flag",
        "place": "--allowed-hosts",
    }


def test_a_wrong_value_is_one_sentence_and_exit_code_2(shown):
    result = shown("--port", "70000")

    assert result.exit_code == 2
    assert result.stderr == (
        'lingma-proxy: --port is "70000"; it must be a whole number from 0 to 65535.\n'
    )


def test_markdown_is_the_page_of_the_documents(shown):
    assert shown("--markdown").stdout.startswith("# Settings\n")
