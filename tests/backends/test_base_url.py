import asyncio
import json

import pytest

from lingma_proxy.backends.base_url import BaseUrl, detect_base_url
from lingma_proxy.backends.login import Login
from lingma_proxy.errors import SettingsError
from lingma_proxy.vendor.places import CHINA, INTERNATIONAL
from support.login import write_cache
from support.remote import machine
from support.vectors import vectors

TENANT = "https://ai-lingma-example-cn-beijing.rdc.aliyuncs.com"


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def put(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://example.com/", "https://example.com"),
        (f"{TENANT}/algo/", TENANT),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (" http://localhost:1 ", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_what_the_user_has_set_stands(home, given, url):
    put(home / ".lingma/bin/config.json", json.dumps({"baseUrl": CHINA}))

    assert detect_base_url(given, machine(home)) == (url, "the settings")


@pytest.mark.parametrize(
    "given",
    ["http://example.com", "ftp://x", "lingma", "https://", "https://me@x", "https://x?y=1"],
)
def test_a_setting_that_would_send_the_login_astray_is_refused(home, given):
    with pytest.raises(SettingsError, match="remote_base_url"):
        detect_base_url(given, machine(home))


def test_otherwise_the_vendors_own_files_are_asked(home):
    put(home / ".lingma/bin/config.json", json.dumps({"baseUrl": "http://evil.lingma.example"}))
    put(home / ".lingma/logs/lingma.log", f"GET {TENANT}/algo/api/v1/ping")

    assert detect_base_url("", machine(home)) == (TENANT, "~/.lingma/logs/lingma.log")


def test_those_of_the_login_before_all_others(home):
    put(home / ".qodercn/bin/config.json", json.dumps({"baseUrl": INTERNATIONAL}))
    put(home / ".lingma/cache/app-config.json", json.dumps({"api": {"domain": CHINA}}))

    assert detect_base_url("", machine(home))[0] == INTERNATIONAL
    assert detect_base_url("", machine(home), home / ".lingma")[0] == CHINA


def test_then_the_logs_of_the_editors_and_the_region(home):
    put(home / ".lingma/cache/cache.json", '{"regionEnv":"cn"}')
    where = "the region in ~/.lingma/cache/cache.json"
    assert detect_base_url("", machine(home)) == (CHINA, where)
    assert detect_base_url("", machine(home), home / ".lingma") == (CHINA, where)

    put(home / ".config/Lingma/logs/20260506/window1/2-Lingma.log", f"endpoint config: {TENANT}")
    assert detect_base_url("", machine(home))[0] == TENANT


def test_and_at_last_the_default(home):
    assert detect_base_url("", machine(home)) == (INTERNATIONAL, "the default")


async def test_it_is_looked_for_once_until_it_is_forgotten(home):
    login = Login(machine=machine(home))
    base_url = BaseUrl("", login)
    assert base_url.known == ""
    one, other = await asyncio.gather(base_url(), base_url())
    assert one == other == INTERNATIONAL
    assert (base_url.known, base_url.origin) == (INTERNATIONAL, "the default")

    put(home / ".lingma/cache/cache.json", '{"regionEnv":"cn"}')
    assert await base_url() == INTERNATIONAL
    base_url.forget()
    assert await base_url() == CHINA


async def test_another_login_may_live_elsewhere(home):
    write_cache(home / ".lingma")
    login = Login(machine=machine(home))
    base_url = BaseUrl("", login)
    await login.ready()
    assert await base_url() == INTERNATIONAL

    write_cache(home / ".qodercn")
    put(home / ".qodercn/cache/app-config.json", json.dumps({"baseUrl": CHINA}))
    await login.reload()
    assert await base_url() == CHINA


def test_what_the_login_states_goes_after_the_settings_and_before_all_files(home):
    put(home / ".lingma/bin/config.json", json.dumps({"baseUrl": INTERNATIONAL}))

    assert detect_base_url("", machine(home), None, CHINA) == (CHINA, "the login")
    assert detect_base_url(TENANT, machine(home), None, CHINA) == (TENANT, "the settings")


async def test_a_login_that_states_another_address_is_asked_there(home):
    file = home / ".config/lingma-proxy/login.json"
    auth = vectors("credential_files")["lingma_proxy"]
    login = Login(machine=machine(home))
    base_url = BaseUrl("", login)
    for stated, url in ((CHINA, CHINA), (None, INTERNATIONAL), (TENANT, TENANT)):
        put(file, json.dumps(auth | {"base_url": stated}))
        await login.reload()
        assert await base_url() == url
