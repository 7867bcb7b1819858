import pytest
from click.testing import CliRunner

from lingma_proxy.cli.main import commands
from support.fresh import fresh


@pytest.fixture
def nobody(tmp_path, monkeypatch):
    """A person who has set nothing and is logged in to nothing, in an empty folder.

    Their home.
    """
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    fresh(monkeypatch, home)
    monkeypatch.chdir(here)
    return home


@pytest.fixture
def lingma_proxy(nobody):
    """The command, run in this process by that person."""

    def run(*words, stdin="", **environment):
        return CliRunner().invoke(
            commands, words, input=stdin, env=environment, prog_name="lingma-proxy"
        )

    return run
