from lingma_proxy.simulator.plugin_faults import FAULTS, NONE, STEPS, TABLE, names_at
from lingma_proxy.simulator.turn_faults import TRAVEL


def test_every_fault_belongs_to_a_step():
    assert set().union(*map(names_at, STEPS)) == set(FAULTS)
    assert not NONE


def test_a_fault_belongs_to_one_step_unless_it_is_about_every_message():
    for name in set(FAULTS) - TRAVEL:
        assert len([step for step in STEPS if name in names_at(step)]) == 1, name


def test_a_fault_says_its_step_in_its_name():
    assert "hang-new" in names_at("new")
    assert "drop-after" in names_at("prompt")
    assert "no-sessions" in names_at("new")
    assert "split" in names_at("delete")


def test_every_fault_is_described():
    assert len(TABLE.describe().splitlines()) == len(FAULTS)
