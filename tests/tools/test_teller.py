from lingma_proxy.tools.said import CallArguments, CallBegan, CallBroken, CallEnded, Prose
from lingma_proxy.tools.teller import Teller


def test_a_call_is_said_as_it_comes() -> None:
    teller = Teller(streams=True)
    call = teller.call("Read")
    call.say('{"a"')
    call.say(":1")

    assert teller.take() == [CallBegan("Read"), CallArguments('{"a":1')]
    assert call.say_rest_of({"a": 1, "b": 2})
    call.end()
    assert teller.take() == [CallArguments(',"b":2}'), CallEnded()]


def test_a_call_is_said_when_it_is_complete() -> None:
    teller = Teller(streams=False)
    call = teller.call("Read")
    call.say("{")
    call.say("}")
    assert teller.take() == []

    call.end()

    assert teller.take() == [CallBegan("Read"), CallArguments("{}"), CallEnded()]


def test_what_nobody_saw_is_not_broken() -> None:
    shown, hidden = Teller(streams=True), Teller(streams=False)

    assert shown.call("Read").give_up("Why.")
    assert not hidden.call("Read").give_up("Why.")
    assert shown.take() == [CallBegan("Read"), CallBroken("Why.")]
    assert hidden.take() == []


def test_calls_that_prove_to_be_none_are_not_said() -> None:
    teller = Teller(streams=True)
    teller.begin_to_wait()
    call = teller.call("Read")
    call.say("{}")
    call.end()
    teller.end_to_wait(certain=False)
    teller.prose("a")
    teller.prose("b")

    assert teller.take() == [Prose("ab")]
