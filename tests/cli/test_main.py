import pytest
from click.testing import CliRunner

from lingma_proxy import __version__
from lingma_proxy.cli.main import COMMANDS, commands
from lingma_proxy.errors import BackendUnavailable, SettingsError


def run(*words):
    return CliRunner().invoke(commands, words, prog_name="lingma-proxy")


def test_the_version_is_told():
    assert run("--version").output == f"lingma-proxy, version {__version__}\n"


def test_help_names_every_command_with_what_it_does():
    lines = run("--help").output.splitlines()

    for name in COMMANDS:
        assert any(line.split()[:1] == [name] and len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_examples_and_exit_codes(name, flag):
    result = run(name, flag)

    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert max(map(len, result.output.splitlines())) <= 100


@pytest.mark.parametrize("words", [[], ["--port", "x"], ["-port", "x"], ["serve", "--port=x"]])
def test_flags_without_a_command_are_meant_for_serve(words, monkeypatch):
    called = []
    monkeypatch.setattr(
        "lingma_proxy.cli.serve.load", lambda config, flags: called.append((config, flags))
    )
    monkeypatch.setattr("lingma_proxy.cli.serve.tell_notices", lambda resolved: 1 / 0)
    run(*words)

    assert called == [(None, {"port": "x"} if words else {})]


def test_an_unknown_command_is_exit_code_2():
    result = run("sevre")

    assert result.exit_code == 2
    assert "No such command" in result.stderr


@pytest.mark.parametrize(
    ("error", "cause", "code"),
    [
        (SettingsError("Wrong."), None, 2),
        (SettingsError("The port is taken."), OSError(), 1),
        (BackendUnavailable("Nobody is there."), None, 1),
    ],
)
def test_an_error_is_one_sentence_and_its_exit_code(error, cause, code, monkeypatch):
    def refuse(*_):
        raise error from cause

    monkeypatch.setattr("lingma_proxy.cli.settings.load", refuse)
    result = run("settings")

    assert (result.exit_code, result.stderr) == (code, f"lingma-proxy: {error.message}\n")
