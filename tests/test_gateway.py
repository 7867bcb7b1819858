import asyncio

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import ModelNotFound, SettingsError
from lingma_proxy.gateway import Behind, assemble, is_loopback, over, serving
from lingma_proxy.policies.check_grammar import CheckGrammar
from lingma_proxy.settings import Settings


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example", False),
    ],
)
def test_what_is_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "a-name"])
def test_the_network_needs_a_key_or_a_clear_word(host):
    with pytest.raises(SettingsError, match="api_key"):
        serving(Settings(host=host))

    assert serving(Settings(host=host, api_key="k")).host == host
    assert serving(Settings(host=host, open_bind=True)).host == host


async def test_nothing_is_done_before_it_starts(tmp_path):
    gateway = assemble(Settings(cache_dir=str(tmp_path / "nowhere")))

    assert gateway.remembered.known() == ()
    assert len(asyncio.all_tasks()) == 1
    await gateway.aclose()


async def test_without_a_login_there_is_a_hurdle_that_says_what_to_do(tmp_path):
    gateway = assemble(Settings(cache_dir=str(tmp_path / "nowhere")))
    gateway.start()
    while not (hurdle := gateway.behind.hurdle()) or "not been looked for" in hurdle:
        await asyncio.sleep(0.01)
    await gateway.aclose()

    assert "log" in hurdle.lower()
    assert len(asyncio.all_tasks()) == 1


async def test_aliases_of_the_user_come_before_ours():
    settings = Settings(model_aliases={"Kimi-K2.6": "mmodel", "mine": "kmodel"})
    gateway = over(Behind(Scripted([])), settings)

    assert gateway.resolve("kimi-k2.6") == "mmodel"
    assert gateway.resolve("mine") == "kmodel"
    assert gateway.resolve("claude-opus-4-6") == "kmodel"
    assert gateway.resolve("") == "kmodel"


async def test_an_unknown_name_is_refused_once_the_list_is_known():
    from support.served import MODELS

    gateway = over(Behind(Scripted([], MODELS)), Settings())
    assert gateway.resolve("nonsense") == "nonsense"
    await gateway.backend.models()

    with pytest.raises(ModelNotFound):
        gateway.resolve("nonsense")


def test_the_grammar_is_checked_when_the_settings_say_so():
    gateway = over(Behind(Scripted([])), Settings(check_grammar=True))

    assert isinstance(gateway.backend, CheckGrammar)


@pytest.mark.parametrize("url", ["http://example.com", "https://user:pw@example.com", "ftp://x"])
def test_a_login_is_not_sent_just_anywhere(url):
    with pytest.raises(SettingsError, match="remote_base_url"):
        assemble(Settings(remote_base_url=url))
