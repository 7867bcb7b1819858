import signal
import sys
from pathlib import Path

import pytest

from lingma_proxy.cli.simulating import sockets_fit
from support.process import playing, run, simulated

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its signals are of another kind")


def test_its_line_leads_lingma_proxy_to_it_and_it_leaves_nothing(tmp_path):
    with simulated(tmp_path, "--pace", "0") as (simulator, variables):
        folder = variables["LINGMA_CACHE_DIR"]
        asked = run(tmp_path, "ask", "--port", "0", "exactly one word: pong", **variables)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "pong\n", "")
        assert Path(folder).exists()
        assert simulator.stop(signal.SIGTERM)[0] == 0

    assert not Path(folder).exists()


def test_a_login_in_a_folder_of_ones_own_stays_and_may_be_renewed(tmp_path):
    home = tmp_path / "someone"
    for _ in range(2):
        with simulated(tmp_path, "--home", str(home)) as (simulator, variables):
            assert variables["LINGMA_CACHE_DIR"] == str(home)
            assert simulator.stop(signal.SIGINT)[0] == 0
        assert (home / "cache" / "user").is_file()


def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(tmp_path):
    with simulated(tmp_path) as (_, variables):
        port = variables["LINGMA_REMOTE_BASE_URL"].rpartition(":")[2]
        result = run(tmp_path, "simulate", "--port", port)

    assert result.returncode == 1
    assert result.stderr.startswith(f"lingma-proxy: The simulator cannot start on port {port}")
    assert result.stderr.count("\n") == 1


def test_a_plugins_line_leads_lingma_proxy_to_it_and_it_leaves_nothing(tmp_path):
    with playing(tmp_path, "--pace", "0") as variables:
        (file,) = variables.values()
        asked = run(tmp_path, "ask", "--port", "0", "exactly one word: pong", **variables)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "pong\n", "")

    assert not Path(file).exists()


def test_a_socket_is_made_where_its_path_can_be_said(tmp_path):
    assert sockets_fit(Path("/home/me"))
    assert not sockets_fit(tmp_path / ("deep" * 20))


def test_a_plugin_in_the_home_of_its_person_is_found_without_a_word(tmp_path):
    for _ in range(2):
        with playing(tmp_path, "--home", str(tmp_path)):
            asked = run(tmp_path, "models", "--port", "0")
            assert (asked.returncode, asked.stderr) == (0, "")
            assert "kmodel" in asked.stdout
