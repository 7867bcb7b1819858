"""The official SDKs in front of `lingma-proxy serve`, the simulator behind it.

Those for Python, and one that is small for JavaScript.  `make clients` runs these and the
others, which are large, at the pace of a reader.
"""

import sys

import pytest

from clients.run import CLIENTS, HERE, MODES, install, run
from support import npm
from support.process import served

AT_ONCE = "SIMULATE: pace=0\n"
INSTALLING = 100.0
"""Seconds for npm."""
OLLAMA_JS = next(client for client in CLIENTS if client.name == "ollama-js")

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="their environment is spelled out for POSIX"
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """Its URL; where no client can read a login, since there is none."""
    home = tmp_path_factory.mktemp("home")
    with served(home, "--backend", "simulator", "--log-level", "error") as (_, url):
        yield url


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client", [each for each in CLIENTS if not each.packages])
def test_an_official_sdk_gets_what_it_asks_for(gateway, client, mode):
    passed, output = run(client, mode, gateway, HERE, jail=False, wish=AT_ONCE)

    assert passed, output


@pytest.fixture(scope="module")
def ollama_js():
    try:
        return install(OLLAMA_JS, INSTALLING)
    except npm.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", MODES)
def test_ollamas_client_for_javascript_does_too(gateway, ollama_js, mode):
    passed, output = run(OLLAMA_JS, mode, gateway, ollama_js, jail=False, wish=AT_ONCE)

    assert passed, output
