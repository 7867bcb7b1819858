from dataclasses import replace

import pytest

from lingma_proxy.cli.asking import answer
from lingma_proxy.cli.reach import reach, refusal, wants_simulator
from lingma_proxy.errors import NotAllowed
from lingma_proxy.settings import Settings, resolve
from lingma_proxy.simulator.plugin import Plugin
from support.fresh import fresh, install
from support.login import write_cache
from support.served import HELLO, scripted

SIMULATED = {"backend": "simulator"}


async def said(resolved):
    async with reach(resolved) as reached:
        pieces = [text async for text in answer(reached, "kmodel", "one word: pong", stream=True)]
        return "".join(pieces), reached.ours


async def test_a_gateway_that_is_running_is_used():
    async with scripted(HELLO) as served:
        assert await said(resolve(None, {}, {"port": str(served.port)})) == ("Hello!", False)


async def test_without_one_there_is_one_of_our_own():
    text, ours = await said(resolve(None, {"LINGMA_PROXY_BACKEND": "simulator"}, {"port": "0"}))

    assert ours
    assert "simulator" in text


async def test_flags_that_set_up_a_gateway_get_one_of_their_own():
    async with scripted() as served:
        text, ours = await said(resolve(None, {}, {"port": str(served.port), **SIMULATED}))

    assert ours
    assert "simulator" in text


async def test_the_key_of_the_settings_opens_it():
    async with scripted(HELLO, api_key="secret") as served:
        port = {"port": str(served.port)}
        assert await said(resolve(None, {}, {**port, "api_key": "secret"})) == ("Hello!", False)
        with pytest.raises(NotAllowed, match="another key"):
            await said(resolve(None, {}, port))


@pytest.fixture
def home(tmp_path, monkeypatch):
    fresh(monkeypatch, tmp_path)
    return tmp_path


async def test_the_simulator_stands_in_only_where_it_is_asked_for(home):
    nobody = Settings()

    assert await wants_simulator(replace(nobody, backend="simulator"))
    assert await wants_simulator(replace(nobody, simulate_without_login=True))
    assert not await wants_simulator(nobody)


@pytest.mark.parametrize("who", ["login", "plugin", "agent"])
async def test_the_simulator_stands_in_only_where_nobody_else_is(home, who):
    asked = Settings(simulate_without_login=True)
    match who:
        case "login":
            write_cache(home / ".lingma", expire_time=None)
            assert not await wants_simulator(asked)
        case "plugin":
            async with Plugin(home=home):
                assert not await wants_simulator(asked)
                assert await wants_simulator(replace(asked, backend="remote"))
            assert await wants_simulator(asked)
        case "agent":
            install(home, "opencode")
            assert not await wants_simulator(asked)
            assert await wants_simulator(replace(asked, backend="ipc"))


def test_a_refusal_without_words_names_the_status():
    assert "502" in refusal(502, b"<html>").message
    assert refusal(400, b'{"error": {"message": "No."}}').message == "No."
