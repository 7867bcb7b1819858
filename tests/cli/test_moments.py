from datetime import datetime

import pytest

from lingma_proxy.cli.moments import at, moment, took

NOW = datetime.fromisoformat("2026-11-22 12:59:16").timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("2h ago", 7200), ("1.5 h", 5400), ("3D", 259200),
     ("1w", 604800), ("0s", 0)],
)  # fmt: skip
def test_a_while_ago(text, seconds):
    assert moment(text, NOW) == NOW - seconds


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("12:30", "2026-11-22 12:30:00"),
        ("12:59:16", "2026-11-22 12:59:16"),
        ("23:00", "2026-11-21 23:00:00"),
        ("2026-11-20", "2026-11-20 00:00:00"),
        (" 2026-11-20 08:05 ", "2026-11-20 08:05:00"),
        ("2026-11-20T08:05Z", "2026-11-20 08:05:00+00:00"),
        ("1960-01-01", "1970-01-01 00:00:00+00:00"),
    ],
)
def test_a_time_of_this_machine_unless_it_says_where(text, then):
    assert moment(text, NOW) == datetime.fromisoformat(then).timestamp()


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:60", "2026-13-01", "2h30", "-2h", "9" * 40 + "h", "\x1b[2J"]
)
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="is no time; write 30m") as refused:
        moment(text, NOW)

    assert "\x1b" not in str(refused.value)


def test_a_time_is_as_short_as_it_can_be():
    day = 86400

    assert at(NOW, NOW) == "12:59:16"
    assert at(NOW - day, NOW) == "11-21 12:59"
    assert at(NOW - 365 * day, NOW) == "2025-11-22"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0, "0ms"), (0.4124, "412ms"), (0.9994, "999ms"), (0.9996, "1.0s"), (3.21, "3.2s"),
     (9.949, "9.9s"), (9.96, "10s"), (42, "42s"), (99.4, "99s"), (102, "1m42"), (3599, "59m59"),
     (7500, "2h05"), (-1, "0ms")],
)  # fmt: skip
def test_a_duration_takes_five_characters(seconds, text):
    assert took(seconds) == text
    assert len(text) <= 5


def test_an_hour_is_no_sixty_minutes():
    assert took(3600) == "1h00"
    assert took(2 * 3600 - 1) == "2h00"
