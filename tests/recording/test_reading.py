"""What is asked of the rows, in SQL's terms."""

import pytest

from lingma_proxy.recording.kept import Wanted
from lingma_proxy.recording.reading import condition, spellings, statuses


@pytest.mark.parametrize(
    ("wanted", "range_"),
    [("404", (404, 404)), ("4xx", (400, 499)), ("40X", (400, 409)), ("0", (0, 0)), ("no", (1, 0))],
    ids=str,
)
def test_a_status_or_a_class_of_them_is_a_range(wanted, range_):
    assert statuses(wanted) == range_


def test_a_text_is_looked_for_as_json_writers_spell_it():
    assert spellings("abc") == ["%abc%"]
    assert spellings('"é🙂') == ['%"é🙂%', '%\\"é🙂%', '%\\"\\u00e9\\ud83d\\ude42%']


def test_what_means_something_in_a_pattern_means_itself():
    assert spellings("100%_~") == ["%100~%~_~~%"]


def test_no_value_stands_in_the_statement():
    wish = "x' OR 1=1 --"
    where, values = condition(
        Wanted(model=wish, client=wish, dialect=wish, path=wish, status=wish, text=wish), 0
    )

    assert "OR 1=1" not in where
    assert where.count("?") == len(values)
