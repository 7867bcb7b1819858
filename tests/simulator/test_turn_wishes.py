import pytest

from lingma_proxy.simulator.plugin_faults import NONE, TABLE
from lingma_proxy.simulator.rpc import Asked
from lingma_proxy.simulator.turn_wishes import OPTIONS, doings, odd_answer, wishes


def test_a_turn_wants_nothing_unless_it_is_told_to():
    assert list(wishes("s", NONE)) == []
    assert list(doings(NONE)) == []


def test_it_can_want_everything():
    wanted = dict(
        wishes("s", TABLE.parse("permission, fs-read, fs-write, terminal, unknown-request"))
    )

    assert list(wanted) == [
        "session/request_permission",
        "fs/read_text_file",
        "fs/write_text_file",
        "terminal/create",
        "simulated/unknown",
    ]
    assert {params["sessionId"] for params in wanted.values()} == {"s"}
    assert wanted["session/request_permission"]["options"] == OPTIONS


def test_it_can_tell_of_much():
    kinds = [update.get("sessionUpdate") for update in doings(TABLE.parse("tool-calls"))]

    assert kinds == ["plan", "tool_call", "tool_call_update"]
    assert len(list(doings(TABLE.parse("unknown-updates")))) > 3


def answered(result, method="session/request_permission"):
    asked = Asked(1, method, {})
    asked.result = result
    return asked


@pytest.mark.parametrize(
    "outcome",
    [{"outcome": "cancelled"}, {"outcome": "selected", "optionId": "allow"}],
)
def test_a_permission_is_answered_with_an_outcome(outcome):
    assert odd_answer(answered({"outcome": outcome})) == ""


@pytest.mark.parametrize(
    "result",
    [None, {}, {"outcome": "cancelled"}, {"outcome": {"outcome": "selected", "optionId": "x"}}],
)
def test_anything_else_is_odd(result):
    assert odd_answer(answered(result))
    assert odd_answer(answered(result, "chat/process_step_callback")) == ""
