from lingma_proxy.simulator.agent_faults import FAULTS, NONE, STEPS, TABLE
from lingma_proxy.simulator.turn_faults import TURN


def test_a_turn_breaks_here_in_every_way_in_which_it_breaks_elsewhere():
    assert set(TURN) < set(FAULTS)
    assert not NONE


def test_every_step_can_hang_end_and_fail():
    assert {f"{what}-{step}" for what in ("hang", "drop", "error") for step in STEPS} < set(FAULTS)


def test_every_fault_is_described():
    assert len(TABLE.describe().splitlines()) == len(FAULTS)
