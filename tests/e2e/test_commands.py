"""The commands as processes, their output read by another program: no colours, exit codes."""

import json
import socket
import sys
from pathlib import Path

import pytest

from lingma_proxy.cli.main import COMMANDS
from lingma_proxy.simulator.home import new_login, write_home
from support.process import LISTENS, run, running, served, simulated

SIMULATOR = ("--backend", "simulator", "--port", "0")
CONFIG = "LINGMA_PROXY_CONFIG"


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A home in which somebody is logged in to the simulator, and the variables that say so."""
    home = tmp_path_factory.mktemp("home")
    with simulated(home, "--pace", "0") as (_, variables):
        yield home, variables


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("models",), "\nkmodel "),
        (("models", "--json"), '"id":"kmodel"'),
        (("ask", "exactly one word: pong"), "pong\n"),
        (("doctor",), "All is well."),
        (("doctor", "--json"), '"about":"answer","level":"ok"'),
        (("settings",), "  port "),
        (("settings", "--json"), '"from":"environment","place":"LINGMA_REMOTE_BASE_URL"'),
        (("settings", "--markdown"), "\n### port\n"),
    ],
)
def test_a_command_writes_its_result_and_nothing_else(account, words, wanted):
    home, variables = account
    result = run(home, *words, "--port", "0", **variables)

    assert (result.returncode, result.stderr) == (0, "")
    assert wanted in result.stdout
    assert "\x1b" not in result.stdout
    if "--json" in words:
        json.loads(result.stdout)


def test_what_is_written_fits_80_columns(account):
    home, variables = account
    for words in (("doctor",), ("--help",), *((command, "--help") for command in COMMANDS)):
        result = run(home, *words, COLUMNS="80", **variables)
        assert max(map(len, result.stdout.splitlines())) <= 80, words


@pytest.mark.parametrize("words", [("models",), ("ask", "exactly one word: pong")])
def test_a_running_gateway_is_asked(account, words):
    home, variables = account
    with served(home, **variables) as (_, url):
        # The command itself has no login: only the gateway can have answered.
        result = run(home, *words, LINGMA_PROXY_PORT=url.rpartition(":")[2])

    assert result.returncode == 0, result.stderr
    assert "kmodel" in result.stdout or result.stdout == "pong\n"


@pytest.mark.parametrize(
    ("lifetime", "level", "words"),
    [(-3600, "problem", "it ended on"), (24 * 3600, "warning", "it ends on")],
)
def test_the_doctor_sees_that_a_login_has_ended_or_will(tmp_path, account, lifetime, level, words):
    write_home(tmp_path, new_login(lifetime=lifetime))
    variables = account[1] | {"LINGMA_CACHE_DIR": str(tmp_path)}
    result = run(tmp_path, "doctor", "--json", "--port", "0", **variables)

    login = next(each for each in json.loads(result.stdout) if each["about"] == "login")
    assert login["level"] == level
    assert words in login["found"]
    assert "Open the IDE" in login["cure"]
    assert result.returncode == int(level == "problem")


@pytest.mark.parametrize(
    ("file", "words", "variables", "sentence"),
    [
        ('{"port" 8095}', (), {}, "lingma-proxy.json is not JSON: line 1, column 9"),
        ('{"port": "many"}', (), {}, '"port" in lingma-proxy.json is "many"; it must be a whole'),
        ("", (), {"LINGMA_PROXY_PORT": "99999"}, 'LINGMA_PROXY_PORT is "99999"; it must be a'),
        ("", ("--port", "-1"), {}, '--port is "-1"; it must be a whole number from 0 to 65535'),
        (
            "",
            ("--backend", "me"),
            {},
            '--backend is "me"; it must be auto, remote, ipc, acp or simulator',
        ),
        (
            "",
            ("--ws-url", "http://x"),
            {},
            '--ws-url is "http://x"; it must be a URL such as wss://',
        ),
        ("", ("--backend", "acp"), {}, "--backend acp needs an agent: set acp_command (--acp-"),
        ("", ("--backend", "ipc", "--cwd", "nowhere"), {}, "cwd: there is no such folder."),
        ("", ("--config", "nothing.json"), {}, "nothing.json cannot be read"),
        ("", (), {CONFIG: "nothing.json"}, "nothing.json cannot be read"),
    ],
)
def test_what_is_wrong_with_the_settings_is_one_sentence(
    tmp_path, file, words, variables, sentence
):
    if file:
        (tmp_path / "lingma-proxy.json").write_text(file)
    result = run(tmp_path, "serve", *words, **variables)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"lingma-proxy: {sentence}")
    assert result.stderr.count("\n") == 1
    assert str(tmp_path) not in result.stderr


def test_a_port_that_another_program_has_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = run(tmp_path, "serve", "--port", str(other.getsockname()[1]))

    assert result.returncode == 1
    assert result.stderr.startswith("lingma-proxy: Port ")
    assert result.stderr.count("\n") == 1


def test_the_incumbents_command_file_and_variables_serve(tmp_path):
    file = {
        "host": "127.0.0.1",
        "port": 1,
        "backend": "remote",
        "mode": "agent",
        "session_mode": "auto",
        "model": "MiniMax-M2.7",
        "timeout": 300,
        "remote_fallback_enabled": True,
        "remote_fallback_models": ["kmodel"],
        "warmup_timeout": 30,
    }
    (tmp_path / "lingma-ipc-proxy.json").write_text(json.dumps(file))
    variables = {"LINGMA_PROXY_PORT": "2", "LINGMA_PROXY_MAX_CONCURRENT": "4"}
    words = ("--backend", "simulator")
    shown = run(tmp_path, "settings", "--json", *words, "--port=3", **variables)
    values = json.loads(shown.stdout)["settings"]

    assert {name: values[name]["value"] for name in ("port", "max_concurrent", "timeout")} == {
        "port": 3,
        "max_concurrent": 4,
        "timeout": 300,
    }
    assert (values["model"]["value"], values["model"]["from"]) == ("MiniMax-M2.7", "file")
    assert values["backend"] == {"value": "simulator", "from": "flag", "place": "--backend"}
    with running(tmp_path, *words, "-port", "0", **variables) as process:
        assert LISTENS.fullmatch(process.line())
        assert "has no effect in this version" in process.complaint()


def test_the_incumbents_command_is_there(tmp_path):
    installed = Path(sys.executable).with_name("lingma-ipc-proxy")
    result = run(tmp_path, "--version", program=(str(installed),))

    assert result.returncode == 0
    assert result.stdout.startswith("lingma-proxy")
