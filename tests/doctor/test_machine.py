import pytest

from lingma_proxy import __version__
from lingma_proxy.doctor.finding import Level
from lingma_proxy.doctor.machine import check_program, check_proxies, check_settings
from lingma_proxy.settings import FileContent, resolve


async def test_the_program_and_its_python_are_named():
    (finding,) = await check_program()

    assert f"Lingma Proxy {__version__}, Python 3." in finding.found


async def test_it_is_said_where_settings_come_from():
    file = FileContent("~/x.json", '{"port": 1, "model": "a", "colour": 1}')
    first, second = await check_settings(resolve(file, {"LINGMA_PROXY_HOST": "::1"}, {"port": "2"}))

    assert first.found == "1 from ~/x.json; 1 from the environment; 1 from flags"
    assert (second.level, second.found) == (Level.WARNING, '"colour" in ~/x.json is no setting.')


async def test_without_settings_the_defaults_hold():
    (finding,) = await check_settings(resolve(None, {}, {}))

    assert finding.found == "all at their defaults"


@pytest.mark.parametrize(
    ("environment", "proxy", "levels"),
    [
        ({}, "", ["ok"]),
        ({}, "http://proxy", ["ok"]),
        ({"https_proxy": "x"}, "", ["warning"]),
        ({"https_proxy": "x"}, "http://proxy", ["ok"]),
        ({"HTTP_PROXY": "x"}, "http://proxy", ["ok", "warning"]),
        ({"ALL_PROXY": "x", "no_proxy": "localhost"}, "", ["warning", "warning"]),
        ({"HTTP_PROXY": "x", "NO_PROXY": "localhost, 127.0.0.1"}, "http://proxy", ["ok"]),
        ({"HTTP_PROXY": "x", "no_proxy": "*"}, "", ["warning"]),
    ],
)
async def test_proxy_variables_that_lead_astray_are_named(environment, proxy, levels):
    findings = await check_proxies(environment, proxy)

    assert [finding.level for finding in findings] == levels
    assert all(bool(finding.cure) == (finding.level != "ok") for finding in findings)


async def test_the_password_of_a_proxy_is_not_told():
    (finding,) = await check_proxies({}, "http://me:canary@proxy:3128")

    assert finding.found == "Lingma is reached through http://proxy:3128"
