import sys

import pytest

from lingma_proxy.server.process import families

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="that is where /proc is")


def values(*arguments):
    return {family.name: family.samples[0][1] for family in families(*arguments)}


@LINUX
def test_what_the_process_takes_is_known():
    found = values()

    assert found["process_resident_memory_bytes"] > 10 * 2**20
    assert found["process_virtual_memory_bytes"] >= found["process_resident_memory_bytes"]
    assert 3 <= found["process_open_fds"] <= found["process_max_fds"]
    assert found["process_cpu_seconds_total"] > 0


def test_without_proc_there_is_less(tmp_path):
    assert values(tmp_path).keys() == {"process_start_time_seconds", "process_cpu_seconds_total"}


def test_a_proc_that_says_something_else_does_no_harm(tmp_path):
    (tmp_path / "statm").write_text("x")
    (tmp_path / "limits").write_text("Max open files  unlimited?\n")

    assert values(tmp_path).keys() == {"process_start_time_seconds", "process_cpu_seconds_total"}
