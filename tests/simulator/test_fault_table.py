import pytest

from lingma_proxy.simulator.fault_table import Fault, Table
from lingma_proxy.simulator.refusal import Refusal

TABLE = Table(
    {
        "crlf": Fault("lines end otherwise"),
        "hang": Fault("silence", "seconds"),
        "stall": Fault("silence in the middle", "seconds", "2"),
        "cut": Fault("not all of it", "number", "0"),
        "done": Fault("the end", "word", "bare", ("bare", "none")),
    }
)


def test_faults_come_with_and_without_values():
    faults = TABLE.parse("crlf, stall=2.5,cut=7 , hang, done")

    assert "crlf" in faults
    assert faults.seconds("stall") == 2.5
    assert faults.number("cut") == 7
    assert faults.seconds("hang") is None
    assert faults.word("done") == "bare"
    assert list(faults) == ["crlf", "stall", "cut", "hang", "done"]
    assert repr(faults) == "Faults(crlf, stall=2.5, cut=7, hang, done=bare)"


def test_nothing_is_no_fault():
    assert not TABLE.parse("")
    assert not TABLE.parse(" , ")
    assert not TABLE.none


def test_an_unknown_name_is_answered_with_the_list():
    with pytest.raises(Refusal) as caught:
        TABLE.parse("stal=3")

    assert caught.value.status == 400
    for name in TABLE.faults:
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
        TABLE.parse(text)


def test_a_fault_that_is_asked_about_must_be_in_the_table():
    with pytest.raises(AssertionError):
        assert "crfl" not in TABLE.none


def test_a_text_asks_for_faults_on_lines_of_their_own():
    text = "Hello\n  SIMULATE: crlf, stall=3\nand SIMULATE: nothing\nSIMULATE: cut"

    assert repr(TABLE.in_text(text)) == "Faults(crlf, stall=3, cut=0)"


def test_the_later_of_two_values_wins():
    assert (TABLE.parse("stall=1,crlf") | TABLE.parse("stall=2")).seconds("stall") == 2


def test_faults_can_be_picked_by_name():
    assert list(TABLE.parse("crlf,stall,cut").only({"cut", "crlf"})) == ["crlf", "cut"]


def test_every_fault_is_described():
    lines = TABLE.describe().splitlines()

    assert len(lines) == len(TABLE.faults)
    assert lines[1] == "hang[=seconds]   silence"
    assert lines[-1].endswith("the end (bare, none)")
