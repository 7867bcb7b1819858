import pytest

from lingma_proxy.doctor.checkup import checkup
from lingma_proxy.doctor.finding import Level
from lingma_proxy.settings import Settings, resolve
from lingma_proxy.simulator.remote import Simulator


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
        "runtimes",
        "login",
        "address",
        "clock",
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
    simulator.next(fault, times=5)
    found = await findings(remote_base_url=simulator.url, cache_dir=str(simulator.home))

    assert found["answer"].level is Level.PROBLEM
    assert found["models"].level is Level.OK
