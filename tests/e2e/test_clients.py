"""The official SDKs for Python in front of `lingma-proxy serve`, the simulator behind it.

`make clients` runs these and the others, which are large, at the pace of a reader.
"""

import sys

import pytest

from clients.run import CLIENTS, HERE, MODES, run
from support.process import served

AT_ONCE = "SIMULATE: pace=0\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """Its URL; where no client can read a login, since there is none."""
    home = tmp_path_factory.mktemp("home")
    with served(home, "--backend", "simulator", "--log-level", "error") as (_, url):
        yield url


@pytest.mark.skipif(sys.platform == "win32", reason="their environment is spelled out for POSIX")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("client", [each for each in CLIENTS if not each.packages])
def test_an_official_sdk_gets_what_it_asks_for(gateway, client, mode):
    passed, output = run(client, mode, gateway, HERE, jail=False, wish=AT_ONCE)

    assert passed, output
