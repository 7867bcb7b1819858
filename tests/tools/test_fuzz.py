"""The fuzz target runs for a minute with every test; `make fuzz` takes its time, and other seeds."""

import os

import pytest

from tools.fuzz import fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS") or 60)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
"""The same each time: a change passes or fails for its own sake."""


@pytest.mark.timeout(SECONDS + 60)
def test_spoiled_outputs_break_no_promise() -> None:
    assert fuzz(SECONDS, SEED) > 0
