import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.recording.histogram import BOUNDS, Histogram

seconds = st.lists(st.floats(0, 5000), max_size=50)


def of(times: list[float]) -> Histogram:
    histogram = Histogram()
    for time in times:
        histogram.add(time)
    return histogram


def test_nothing_has_no_middle() -> None:
    empty = of([])

    assert (empty.count, empty.mean, empty.quantile(0.5)) == (0, None, None)


def test_a_time_on_the_bound_belongs_to_its_bucket() -> None:
    assert of([BOUNDS[0]]).cumulative() == [1] * (len(BOUNDS) + 1)


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    assert of([-5.0]) == of([0.0])


def test_the_middle_of_many_in_a_bucket_is_in_it() -> None:
    histogram = of([0.6, 0.7, 0.8, 0.9])

    assert histogram.quantile(0.5) == pytest.approx(0.7)
    assert histogram.quantile(1) == histogram.longest == 0.9


def test_the_longest_may_be_beyond_all_bounds() -> None:
    assert of([1.0, 5000.0]).quantile(0.99) == pytest.approx(5000, rel=0.1)


@given(seconds.filter(bool), st.floats(0.01, 1))
def test_a_quantile_is_right_to_the_bucket(times: list[float], part: float) -> None:
    found = of(times).quantile(part)

    exact = sorted(times)[max(0, -int(-part * len(times) // 1) - 1)]
    low = max([0.0, *(bound for bound in BOUNDS if bound < exact)])
    high = min([bound for bound in BOUNDS if bound >= exact], default=max(times))
    assert found is not None
    assert low <= found <= max(high, low)
    assert found <= max(times)


@given(seconds, seconds)
def test_two_together_are_one(one: list[float], two: list[float]) -> None:
    both = of(one)
    both.merge(of(two))

    together = of(one + two)
    assert (both.counts, both.longest) == (together.counts, together.longest)
    assert both.sum == pytest.approx(together.sum)
    assert both.cumulative()[-1] == both.count == len(one) + len(two)


@given(seconds)
def test_it_survives_its_json(times: list[float]) -> None:
    histogram = of(times)

    assert msgspec.json.decode(msgspec.json.encode(histogram), type=Histogram) == histogram
