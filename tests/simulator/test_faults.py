import pytest

from lingma_proxy.simulator.faults import FAULTS, NONE, describe, in_text, parse, parse_all
from lingma_proxy.simulator.refusal import Refusal


def test_faults_are_chosen_by_name():
    faults = parse("crlf, stall=2.5,cut=7 , hang")

    assert repr(faults) == "Faults(crlf, stall=2.5, cut=7, hang)"
    assert repr(parse_all(["crlf", "done"])) == "Faults(crlf, done=bare)"
    assert repr(in_text("Hello\nSIMULATE: direct")) == "Faults(direct)"
    assert not NONE


def test_an_unknown_name_is_answered_with_the_list():
    with pytest.raises(Refusal, match=", ".join(FAULTS)):
        parse("stal=3")


def test_every_fault_is_described():
    lines = describe().splitlines()

    assert len(lines) == len(FAULTS)
    assert all(fault.says for fault in FAULTS.values())
