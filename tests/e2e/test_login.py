"""The login as people take it from one machine to another, by processes: two homes, a simulator."""

from dataclasses import replace

import pytest

from lingma_proxy.simulator.home import new_login, write_home
from support.process import ask, get, run, served, simulated


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A home in which somebody is logged in to the simulator, and the variables that say so."""
    home = tmp_path_factory.mktemp("home")
    with simulated(home, "--pace", "0") as (_, variables):
        yield home, variables


def elsewhere(variables):
    """The simulator is there, its login is not."""
    return {"LINGMA_REMOTE_BASE_URL": variables["LINGMA_REMOTE_BASE_URL"]}


def test_a_login_is_exported_here_and_serves_there(account, tmp_path):
    home, variables = account
    there = elsewhere(variables)
    exported = run(home, "login", "export", "-", **variables)
    assert exported.returncode == 0

    refused = run(tmp_path, "login", "check", **there)
    assert refused.returncode == 1
    assert "No Lingma login was found" in refused.stderr
    with served(tmp_path, "--backend", "remote", **there) as (_, url):
        assert ask(f"{url}/v1/chat/completions")[0] == 401
        imported = run(tmp_path, "login", "import", "-", stdin=exported.stdout, **there)
        assert imported.returncode == 0, imported.stderr
        status, said = ask(f"{url}/v1/chat/completions")  # nobody had to restart it
        assert (status, said["choices"][0]["message"]["content"]) == (200, "pong")

        checked = run(tmp_path, "login", "check", **there)
        assert checked.returncode == 0, checked.stderr
        assert "Lingma takes this login" in checked.stdout
        assert there["LINGMA_REMOTE_BASE_URL"] in checked.stdout

        assert run(tmp_path, "login", "forget", **there).returncode == 0


def test_lingma_may_not_take_a_login(account, tmp_path):
    home, variables = account
    # Sealed with another key than the one that goes along.
    write_home(tmp_path / ".lingma", replace(new_login(), temp_key="0" * 16))
    refused = run(tmp_path, "login", "check", **elsewhere(variables))

    assert refused.returncode == 1
    assert "does not accept this login" in refused.stderr
    assert "user 9" in refused.stdout


def test_a_server_says_in_its_log_and_when_asked_that_the_login_ends(account, tmp_path):
    _, variables = account
    write_home(tmp_path / ".lingma", new_login(lifetime=2 * 86400 + 60))
    with served(tmp_path, "--backend", "remote", **elsewhere(variables)) as (program, url):
        assert program.complaint().endswith(
            "in 2 days. Open the IDE (Lingma or Qoder CN): it renews the login, or asks you to "
            "log in."
        )
        login = get(f"{url}/readyz")["login"]
        assert "in 2 days" in login["warning"]
        assert login["expires_at"] > 1_700_000_000
