from lingma_proxy.simulator.turn_faults import TRAVEL, TURN, at_steps, step_of


def test_each_step_can_hang_end_and_fail():
    assert set(at_steps(["new"])) == {"hang-new", "drop-new", "error-new"}


def test_a_step_is_read_off_a_name():
    assert step_of("hang-new", ["new"]) == "new"
    assert step_of("drop-after", ["new"]) == "prompt"
    assert step_of("no-usage", ["usage"]) == "prompt"


def test_what_concerns_every_message_is_among_them():
    assert TRAVEL - {"binary"} <= set(TURN)
