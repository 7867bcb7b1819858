import shlex
import sys

import pytest

from lingma_proxy.doctor.checkup import checkup
from lingma_proxy.doctor.finding import Level
from lingma_proxy.settings import Settings, resolve
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.plugin_home import closed_port, write_info
from lingma_proxy.simulator.remote import Simulator
from support.fresh import fresh, install


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    fresh(monkeypatch, home)
    return home


@pytest.fixture
async def simulator(tmp_path):
    async with Simulator(home=tmp_path / "runtime") as simulator:
        yield simulator


async def findings(**changes):
    settings = Settings(port=0, **changes)
    found = [finding async for finding in checkup(resolve(None, {}, {}), settings, {}, patience=10)]
    return {finding.about: finding for finding in found}


async def test_with_a_login_that_works_all_is_well(simulator):
    found = await findings(remote_base_url=simulator.url, cache_dir=str(simulator.home))

    assert list(found) == [
        "program",
        "settings",
        "port",
        "proxies",
        "backend",
        "runtimes",
        "login",
        "address",
        "clock",
        "plugin",
        "agent",
        "models",
        "answer",
    ]
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert "kmodel began to speak" in found["answer"].found


async def test_without_a_login_nothing_is_asked(simulator, tmp_path):
    found = await findings(remote_base_url=simulator.url, cache_dir=str(tmp_path / "empty"))

    assert found["login"].level is Level.PROBLEM
    assert found["answer"].found == "not tried: see the problem above"
    assert not simulator.requests


@pytest.mark.parametrize("fault", ["user-invalid", "rate-limit", "status=500", "drop"])
async def test_a_refusal_is_a_problem_in_words(simulator, fault):
    simulator.next(fault, times=50)  # whoever is asked
    found = await findings(remote_base_url=simulator.url, cache_dir=str(simulator.home))

    assert found["answer"].level is Level.PROBLEM
    assert found["models"].level is Level.OK


async def test_with_a_plugin_that_answers_no_login_is_missed(home):
    async with Plugin(home=home):
        found = await findings()

    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found["backend"].found.startswith("ipc: Qoder CN is running (")
    assert found["login"].found == "there is none (and none is needed)"
    assert found["connection"].found.startswith("Qoder CN answers, by ws://127.0.0.1:")
    assert "kmodel began to speak" in found["answer"].found
    assert "address" not in found


async def test_a_plugin_that_is_wanted_and_not_there_is_a_problem_and_nothing_is_asked():
    found = await findings(backend="ipc")

    assert found["plugin"].level is Level.PROBLEM
    assert found["answer"].found == "not tried: see the problem above"
    assert {name for name, each in found.items() if each.level is Level.PROBLEM} == {"plugin"}


async def test_what_is_amiss_with_others_is_no_problem(simulator, home):
    write_info(home, port=closed_port())
    found = await findings(
        remote_base_url=simulator.url,
        cache_dir=str(simulator.home),
        acp_command="not-there --acp",
        pipe="\\\\.\\pipe\\elsewhere",
    )

    assert found["backend"].found.startswith("remote: the login of ")
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert "pipe: this system has no named pipes" in found["plugin"].found
    assert "there is no program not-there" in found["agent"].found


async def test_an_agent_that_does_not_start_is_a_problem_in_words(home):
    install(home, "opencode")
    found = await findings(backend="acp", acp_command="opencode")

    assert found["backend"].found.startswith("acp: opencode is installed. ")
    assert found["agent"].level is Level.OK
    assert found["models"].level is Level.PROBLEM
    assert found["answer"].level is Level.PROBLEM


@pytest.mark.skipif(sys.platform == "win32", reason="its command line is spelled out for POSIX")
async def test_an_agent_that_wants_a_login_says_how_one_logs_in():
    command = shlex.join([sys.executable, "-m", "lingma_proxy.simulator.agent"])
    good = await findings(acp_command=command)
    bad = await findings(acp_command=f"{command} --fault needs-login")

    assert Level.PROBLEM not in {finding.level for finding in good.values()}
    assert good["answer"].found.startswith("it began to speak")
    assert good["connection"].found.startswith("Simulated 1.0.0 answers, by ")
    assert bad["models"].level is Level.PROBLEM
    assert bad["agent"].found.startswith("one logs in there so: ")
