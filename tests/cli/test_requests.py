import asyncio
import json

import pytest

from support.exchanges import exchange
from support.recorded import keep


@pytest.fixture
def requests(lingma_proxy, tmp_path):
    """`lingma-proxy requests …`, over three requests for a reply and one that was none."""
    none = exchange("req_3c", dialect="", path="/v1/models")
    failed = exchange("req_2b", status=429, client="codex")
    asyncio.run(keep(tmp_path / "data", exchange("req_1a"), failed, none, exchange("req_4d")))

    def run(*words, **more):
        return lingma_proxy(
            "requests", *words, LINGMA_PROXY_DATA_DIR=str(tmp_path / "data"), **more
        )

    return run


def listed(result):
    assert result.exit_code == 0, result.stderr
    return [line.split()[2] for line in result.stdout.splitlines()[1:]]


def test_the_newest_requests_for_a_reply_are_listed(requests):
    assert listed(requests()) == ["4d", "2b", "1a"]
    assert listed(requests("--all")) == ["4d", "3c", "2b", "1a"]
    assert listed(requests("-n", "1")) == ["4d"]


@pytest.mark.parametrize(
    "flags",
    [("--failed",), ("--status", "4xx"), ("--client", "codex"),
     ("--status", "429", "--model", "kmodel", "--dialect", "chat", "--path", "/v1/chat/completions")],
    ids=" ".join,
)  # fmt: skip
def test_flags_say_which(requests, flags):
    assert listed(requests(*flags)) == ["2b"]


def test_a_time_says_which(requests):
    assert listed(requests("--until", "2026-09-01", "--json")) == []
    assert listed(requests("--since", "2026-09-01")) == ["4d", "2b", "1a"]


def test_a_text_is_searched_for(requests):
    assert listed(requests("search", "hello!")) == ["4d", "2b", "1a"]
    assert listed(requests("search", "hello!", "--failed")) == ["2b"]
    assert requests("search", "goodbye").stdout == ""
    assert requests("search", " ").exit_code == 2


def test_flags_may_stand_before_the_command(requests, tmp_path):
    assert listed(requests("--failed", "search", "Hello")) == ["2b"]
    elsewhere = requests("--data-dir", str(tmp_path / "elsewhere"), "show")
    assert "Nothing has been recorded yet" in elsewhere.stderr
    refused = requests("--failed", "show")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--failed means nothing to `show`." in refused.stderr


def test_one_is_shown(requests):
    assert "req_4d" in requests("show").stdout.splitlines()[0]
    assert "req_1a" in requests("show", "1a").stdout.splitlines()[0]
    assert json.loads(requests("show", "req_1", "--json").stdout)["id"] == "req_1a"
    assert requests("show", "--pager").stdout.count("req_4d") == 1
    assert "What came back" not in requests("show", "--brief").stdout
    assert "data: Hello!" in requests("show", "--raw").stdout
    assert requests("show", "9").exit_code == 1
    assert requests("show", "9").stderr.startswith("lingma-proxy: There is no request `9`")


def test_they_are_exported(requests):
    lines = requests("export").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["req_1a", "req_2b", "req_4d"]
    assert len(requests("export", "--all").stdout.splitlines()) == 4
    one = requests("export", "--format", "curl", "--id", "last", "--port", "9000")
    assert "curl -N http://127.0.0.1:9000/v1/chat/completions" in one.stdout
    assert requests("export", "a.har").stderr == "Wrote 3 requests to a.har.\n"
    again = requests("export", "a.har")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "is there already" in again.stderr


def test_to_delete_is_asked_for_first(requests):
    refused = requests("clear", "--failed")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "This would delete 1 request for good: say --yes." in refused.stderr
    assert requests("clear", "--failed", "--yes").stdout == "Deleted 1 request.\n"
    assert listed(requests("--all")) == ["4d", "3c", "1a"]
    assert requests("clear", "--yes").stdout == "Deleted 3 requests.\n"
    assert requests("clear").stdout == "There is nothing to delete.\n"
    assert "Nothing has been recorded yet" in requests().stderr


def test_where_nothing_was_recorded_a_list_is_empty_and_all_is_well(lingma_proxy, nobody):
    empty = lingma_proxy("requests")

    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "Nothing has been recorded yet." in empty.stderr
    assert list(nobody.iterdir()) == []


def test_what_cannot_be_is_one_sentence(requests):
    for flags in (("--since", "soon"), ("--status", "many"), ("--dialect", "latin")):
        refused = requests(*flags)
        assert refused.exit_code == 2
        assert refused.stderr.splitlines()[-1].startswith("Error: Invalid value for --")


@pytest.mark.parametrize("command", ["", "show", "follow", "search", "export", "clear"])
def test_its_help_fits_and_has_examples(requests, command):
    shown = requests(*filter(None, (command,)), "--help", COLUMNS="80")

    assert shown.exit_code == 0
    assert "Examples:\n" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
