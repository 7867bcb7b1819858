import click
import pytest

from lingma_proxy.cli.login import command
from lingma_proxy.cli.options import SettingOption

NAMES = sorted(command.commands)


def test_there_is_a_command_for_each_thing_to_do(lingma_proxy):
    said = lingma_proxy("login", "--help")

    assert NAMES == ["check", "export", "forget", "import", "show"]
    assert all(f"\n  {name} " in said.output for name in NAMES)
    assert "no login of its own" in said.output
    assert "..." not in said.output.partition("Commands:")[2]  # nothing is cut short


@pytest.mark.parametrize("name", NAMES)
def test_each_has_help_and_takes_the_settings_that_say_which_login(lingma_proxy, name):
    said = lingma_proxy("login", name, "--help")
    settings = {
        each.name for each in command.commands[name].params if isinstance(each, SettingOption)
    }

    assert said.exit_code == 0
    assert {"login", "cache_dir", "remote_auth_file"} <= settings
    assert max(map(len, said.output.splitlines())) <= 80
    options = [each for each in command.commands[name].params if isinstance(each, click.Option)]
    assert all(each.help for each in options)


@pytest.mark.parametrize("name", ["export", "import"])
def test_a_file_must_be_named(lingma_proxy, name):
    said = lingma_proxy("login", name)

    assert said.exit_code == 2
    assert "FILE" in said.output


def test_a_setting_that_is_wrong_is_refused_in_our_words(lingma_proxy):
    said = lingma_proxy("login", "show", "--login", "two\nlines")

    assert said.exit_code == 2
    assert "--login is" in said.output
