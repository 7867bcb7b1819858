import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.cli.log_lines import FORMATS, Lines, Text, told
from lingma_proxy.errors import BackendUnavailable


def record(message="hello %s", *args, error=None, **fields):
    thrown = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.LogRecord("lingma_proxy.x", logging.INFO, "x.py", 1, message, args, thrown)
    made.created = 1795348800.5
    made.__dict__.update(fields)
    return made


def raised(error, cause=None):
    try:
        try:
            if cause is not None:
                raise cause
        except type(cause) as first:
            raise error from first
        raise error
    except type(error) as made:
        return made


def test_a_line_for_programs_is_an_object_with_its_fields():
    line = Lines().format(record("%s done", "all", request_id="req_1", status=200, first_ms=0.5))

    assert json.loads(line) == {
        "time": "2026-11-22T12:00:00.500Z",
        "level": "info",
        "logger": "lingma_proxy.x",
        "message": "all done",
        "request_id": "req_1",
        "status": 200,
        "first_ms": 0.5,
    }


@given(st.text(), st.text())
def test_whatever_is_in_it_a_line_is_one_line(said, field):
    made = record("%s", said, field=field, other=object)

    line = Lines().format(made)
    assert "\n" not in line
    assert json.loads(line)["other"] == "<class 'object'>"
    assert len(Text().format(made).splitlines()) == 1
    assert "\x1b" not in Text().format(made)


def test_a_line_for_people_has_the_time_and_the_level():
    assert Text().format(record("hello %s", "you"))[8:] == " INFO hello you"


@pytest.mark.parametrize("name", FORMATS)
def test_of_an_exception_there_are_its_frames_and_not_what_it_was_given(name):
    error = raised(KeyError("the prompt: sesame"), ValueError("'sesame' is no number"))

    line = FORMATS[name]().format(record("a fault", error=error))

    assert "sesame" not in line
    assert "in raised" in line
    assert line.index("ValueError") < line.rindex("KeyError")


@pytest.mark.parametrize("name", FORMATS)
def test_what_we_say_ourselves_is_told(name):
    line = FORMATS[name]().format(record("x", error=raised(BackendUnavailable("Open it\n!"))))

    assert "BackendUnavailable: Open it !" in line


def test_programs_get_the_class_of_an_exception():
    error = raised(KeyError("x"))

    line = json.loads(Lines().format(record("a fault", error=error)))

    assert (line["message"], line["exception"]) == ("a fault", "KeyError")
    assert line["traceback"] == told(error)


def test_a_long_chain_comes_to_an_end():
    error = KeyError("0")
    for number in range(20):
        error = raised(KeyError(str(number)), error)
    error.__context__ = error.__cause__ = error

    assert told(error).count("KeyError") < 20


def test_an_exception_that_is_none_is_none():
    assert sys.exc_info() == (None, None, None)
    made = record("x")
    made.exc_info = (None, None, None)

    assert Text().format(made)[8:].startswith(" INFO ")
    assert "exception" not in json.loads(Lines().format(made))
