import pytest

from lingma_proxy.simulator.plugin_state import State
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.rpc import RpcError


def test_faults_wait_for_the_step_that_they_break():
    state = State(always="split")
    state.next("hang-new", "stall", "reason=length")
    state.next("hang-new=1")

    assert list(state.chosen("connect")) == ["split"]
    assert list(state.chosen("prompt")) == ["stall", "reason"]
    assert list(state.chosen("prompt")) == ["split"]
    assert [state.chosen("new").seconds("hang-new") for _ in range(2)] == [None, 1]


def test_a_turn_without_faults_can_be_asked_for():
    state = State(always="stall")
    state.next(times=2)

    assert [bool(state.chosen("prompt")) for _ in range(3)] == [False, False, True]


def test_faults_of_every_message_wait_for_a_prompt():
    state = State()
    state.next("split", "joined")

    assert not state.chosen("initialize")
    assert list(state.chosen("prompt")) == ["split", "joined"]
    state.always("split")
    assert list(state.travel) == ["split"]


def test_an_unknown_fault_is_refused_with_the_list():
    with pytest.raises(Refusal, match="hang-connect"):
        State(always="sing")
    with pytest.raises(Refusal):
        State().next("sing")


@pytest.mark.parametrize("name", ["key", "id", "modelId"])
def test_models_may_be_listed_under_other_names(name):
    state = State(models={"chat": [{name: "mine", "isReasoning": True}, {name: "other"}]})

    assert state.has_model("mine")
    assert state.reasons("mine")
    assert not state.reasons("other")
    assert not state.has_model("kmodel")


def test_sessions_live_until_they_are_deleted():
    state = State(new_id=lambda: "s1")
    session = state.new_session()
    assert state.session("s1") is session
    state.delete(session)

    assert list(state.deleted) == ["s1"]
    with pytest.raises(RpcError):
        state.session("s1")
    with pytest.raises(RpcError):
        state.session(7)
