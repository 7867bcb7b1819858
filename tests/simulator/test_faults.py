import pytest

from lingma_proxy.simulator.faults import FAULTS, NONE, describe, in_text, parse
from lingma_proxy.simulator.refusal import Refusal


def test_faults_come_with_and_without_values():
    faults = parse("crlf, stall=2.5,cut=7 , hang")

    assert "crlf" in faults
    assert "split" not in faults
    assert faults.seconds("stall") == 2.5
    assert faults.number("cut") == 7
    assert faults.seconds("hang") is None
    assert repr(faults) == "Faults(crlf, stall=2.5, cut=7, hang)"


def test_nothing_is_no_fault():
    assert not parse("")
    assert not parse(" , ")
    assert not NONE


def test_an_unknown_name_is_answered_with_the_list():
    with pytest.raises(Refusal) as caught:
        parse("stal=3")

    assert caught.value.status == 400
    for name in FAULTS:
        assert name in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "crlf=1",
        "stall=soon",
        "stall=-1",
        "stall=1e9",
        "cut=-1",
        "cut=x",
        "cut=99999999999",
        "done=x",
        "cut=²",
        "=3",
        "stall=",
    ],
)
def test_a_wrong_value_is_refused(text):
    with pytest.raises(Refusal):
        parse(text)


def test_a_text_asks_for_faults_on_lines_of_their_own():
    faults = in_text("Hello\n  SIMULATE: crlf, stall=3\nand SIMULATE: nothing\nSIMULATE: direct")

    assert repr(faults) == "Faults(crlf, stall=3, direct)"


def test_the_later_of_two_values_wins():
    assert (parse("stall=1,crlf") | parse("stall=2")).seconds("stall") == 2


def test_every_fault_is_described():
    lines = describe().splitlines()

    assert len(lines) == len(FAULTS)
    assert all(fault.says for fault in FAULTS.values())


@pytest.mark.parametrize("name", FAULTS)
def test_every_default_is_a_value_that_could_be_given(name):
    value = FAULTS[name].default

    assert value is None or parse(f"{name}={value}").word(name) == value
