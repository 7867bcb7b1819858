"""How base64 is found: `test_redact.py` has what stands in its place."""

import pytest

from lingma_proxy.recording.pictures import LONG, large, long_runs, marker


@pytest.mark.parametrize("before", [0, 1, 1000, 1023, 1024, 1025, 5000])
def test_a_long_run_is_found_wherever_it_begins(before):
    data = b" " * before + b"A" * LONG + b"== "
    [span] = long_runs(data)

    assert data[span.begin : span.end] == b"A" * LONG + b"=="


def test_a_shorter_one_is_none():
    assert not list(long_runs(b" " + b"A" * (LONG - 1) + b" "))


def test_the_type_is_what_it_is_and_not_what_is_said():
    assert marker(b"R0lGODlhAQABAIAAAAUEBA", "image/png") == b"[image/gif, 0.0 KB]"
    assert marker(b"AAAA", "video/mp4") == b"[video/mp4, 0.0 KB]"


def test_sizes_are_for_people():
    assert [large(35_328), large(3 * 2**20)] == ["34.5 KB", "3.0 MB"]
