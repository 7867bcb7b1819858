import click
import pytest
from click.testing import CliRunner

from lingma_proxy.cli.options import SettingsCommand, given, with_settings
from lingma_proxy.settings import TABLE


def run(*words, names=None):
    seen: dict[str, str | None] = {}

    @click.command(cls=SettingsCommand)
    @with_settings(names)
    def command(*, config, **flags):
        seen.update(given(flags), config=config)

    result = CliRunner().invoke(command, words, catch_exceptions=False)
    return (seen, result.output) if result.exit_code == 0 else (None, result.output)


def test_a_flag_hands_on_its_text_and_nothing_else_is_given():
    assert run("--port", "many")[0] == {"port": "many", "config": None}


def test_every_setting_has_a_flag():
    words = [word for setting in TABLE for word in (setting.flag, "x")]

    assert set(run(*words)[0]) == {setting.name for setting in TABLE} | {"config"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--open-bind"], "true"),
        (["--open-bind", "--port", "1"], "true"),
        (["--open-bind=false"], "false"),
        (["--open-bind", "off"], "off"),
    ],
)
def test_a_switch_needs_no_value_to_be_on(words, text):
    assert run(*words)[0]["open_bind"] == text


@pytest.mark.parametrize(
    "words",
    [
        ["-port", "9000", "-remote-fallback=false", "-config=x"],
        ["--port=9000", "--remote-fallback=false", "--config", "x"],
    ],
)
def test_one_dash_does_as_for_the_incumbent(words):
    assert run(*words)[0] == {"port": "9000", "remote_fallback_enabled": "false", "config": "x"}


def test_a_value_may_begin_with_a_dash():
    assert run("--model=-port")[0]["model"] == "-port"


def test_help_is_in_the_groups_of_the_table():
    output = run("--help")[1]

    assert all(f"\n{setting.group}:\n" in output for setting in TABLE)


def test_a_command_takes_only_the_settings_it_names():
    assert run("--port", "1", names=["port"])[0] == {"port": "1", "config": None}
    assert "No such option" in run("--model", "x", names=["port"])[1]
