"""The fuzz target runs for a minute with every test, and always from another seed."""

import os
import random

import pytest

from tools.fuzz import fuzz

SECONDS = float(os.environ.get("FUZZ_SECONDS") or 60)


@pytest.mark.timeout(SECONDS + 60)
def test_spoiled_outputs_break_no_promise() -> None:
    assert fuzz(SECONDS, random.randrange(10**9)) > 0
