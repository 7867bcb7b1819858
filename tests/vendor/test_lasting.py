import pytest

from lingma_proxy.vendor.lasting import CURES, DAY, HOUR, ended, says, span, stage, warning

NOW = 1_800_014_400.0  # noon, so that it is one day in most time zones


@pytest.mark.parametrize(
    ("left", "number"),
    [
        (60 * DAY, 0), (7 * DAY + 1, 0),
        (7 * DAY, 1), (DAY + 1, 1),
        (DAY, 2), (HOUR + 1, 2),
        (HOUR, 3), (1, 3),
        (0, 4), (-DAY, 4), (-20_000 * DAY, 4),
    ],
)  # fmt: skip
def test_a_week_a_day_an_hour_before_the_end_and_at_the_end_a_stage_begins(left, number):
    assert stage(NOW + left, NOW) == number
    assert ended(NOW + left, NOW) == (number == 4)
    assert bool(warning("cache", "~/.lingma", NOW + left, NOW)) == (number > 0)


def test_of_a_login_that_does_not_say_when_it_ends_nothing_is_said():
    assert stage(None, NOW) == 0
    assert not ended(None, NOW)
    assert warning("cache", "~/.lingma", None, NOW) == ""


@pytest.mark.parametrize(
    ("left", "clause"),
    [
        (30 * DAY, "until 2027-02-14, 30 days"),
        (2 * DAY, "it ends on 2027-01-17, in 2 days"),
        (5 * HOUR, "it ends on 2027-01-15, in 5 hours"),
        (90, "it ends on 2027-01-15, in 1 minute"),
        (1, "it ends on 2027-01-15, in 1 minute"),
        (-DAY, "it ended on 2027-01-14, 1 day ago"),
    ],
)
def test_the_end_is_told_in_words_and_as_a_day(left, clause):
    assert says(NOW + left, NOW) == clause


@pytest.mark.parametrize("kind", CURES)
def test_the_warning_says_what_to_do_about_this_kind(kind):
    told = warning(kind, "here", NOW + HOUR, NOW)

    assert told.startswith("The login of here: it ends on")
    assert told.endswith(CURES[kind])


def test_a_hair_less_than_a_day_is_a_day():
    assert span(30 * DAY - 5) == "30 days"
    assert span(1.5 * DAY) == "1 day"
    assert span(DAY - 3600) == "23 hours"
