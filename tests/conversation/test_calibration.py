from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.calibration import (
    BOUNDS,
    FEW,
    LATEST,
    LEAST,
    MODELS,
    Calibration,
    Calibrations,
)


def learnt(*ratios: float) -> float:
    calibration = Calibration()
    for ratio in ratios:
        calibration.learn(1000, round(1000 * ratio))
    return calibration.factor


def test_the_first_few_change_nothing_yet() -> None:
    assert learnt(*[1.3] * (FEW - 1)) == 1
    assert learnt(*[1.3] * FEW) == 1.3


def test_a_few_wild_ones_do_not_move_it() -> None:
    assert learnt(1.3, 2.4, 1.3, 0.5, 1.3, 2.4, 1.3) == 1.3


def test_it_follows_a_change() -> None:
    assert learnt(*[1.3] * 100, *[0.9] * LATEST) == 0.9


def test_what_is_too_short_teaches_nothing() -> None:
    calibration = Calibration()
    for _ in range(10):
        calibration.learn(LEAST - 1, 150)

    assert calibration.factor == 1


@given(st.lists(st.tuples(st.integers(-5, 10**6), st.integers(-(10**9), 10**9)), max_size=60))
def test_no_vendor_can_push_it_out_of_bounds(counts: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for estimated, actual in counts:
        calibration.learn(estimated, actual)

    assert BOUNDS[0] <= calibration.factor <= BOUNDS[1]


@given(st.lists(st.sampled_from([0, -1, 1, 10**9, -(10**9)]), max_size=60))
def test_lies_teach_nothing(lies: list[int]) -> None:
    calibration = Calibration()
    for actual in (1300, 1300, 1300, *lies):
        calibration.learn(1000, actual)

    assert calibration.factor == 1.3


def test_models_have_nothing_to_do_with_each_other_nor_has_input_with_output() -> None:
    learnt = Calibrations()
    for _ in range(FEW):
        learnt.learn("kmodel", (1000, 1000), (1300, 900))
        learnt.learn("mmodel", (1000, 10), (800, 100))

    assert (learnt.input("kmodel"), learnt.output("kmodel")) == (1.3, 0.9)
    assert (learnt.input("mmodel"), learnt.output("mmodel")) == (0.8, 1)
    assert (learnt.input("another"), learnt.output("another")) == (1, 1)


def test_only_so_many_models_are_known() -> None:
    learnt = Calibrations()
    for number in range(MODELS + 1):
        for _ in range(FEW):
            learnt.learn(f"model-{number}", (1000, 1000), (1300, 1300))

    factors = [learnt.input(f"model-{number}") for number in range(MODELS + 1)]
    assert factors == [1.0, *[1.3] * MODELS]
