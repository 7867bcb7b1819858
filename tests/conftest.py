"""How far hypothesis goes: EXAMPLES=100000 is for the night (`make properties`)."""

from hypothesis import HealthCheck, settings

from support.strategies import EXAMPLES

SLOW = [HealthCheck.too_slow]
"""Two slow cores are no reason to fail."""

# By day the examples are the same each time: a change passes or fails for its own sake.
settings.register_profile(
    "day", max_examples=100, deadline=None, derandomize=True, suppress_health_check=SLOW
)
settings.register_profile(
    "night",
    max_examples=EXAMPLES or 100,
    deadline=None,
    print_blob=True,
    suppress_health_check=SLOW,
)
settings.load_profile("night" if EXAMPLES else "day")
