import logging

import pytest

from lingma_proxy.recording.log_lines import LONGEST, LogLines


@pytest.fixture
def log():
    """A logger of its own, and the lines that it leaves."""
    logger = logging.Logger("lingma_proxy.some_part")  # noqa: LOG001 - not one of the program's
    lines = LogLines(3)
    logger.addHandler(lines)
    return logger, lines


def test_the_newest_lines_come_first_and_the_oldest_are_forgotten(log):
    logger, lines = log
    for number in range(5):
        logger.warning("line %d", number)

    assert [line.message for line in lines.newest(2)] == ["line 4", "line 3"]
    assert [line.message for line in lines.newest(50)] == ["line 4", "line 3", "line 2"]
    assert {line.level for line in lines.newest(50)} == {"warning"}
    assert lines.newest(1)[0].time > 1e9


def test_of_an_exception_there_is_the_name_and_nothing_of_where_it_came_from(log):
    logger, lines = log
    try:
        raise RuntimeError("/home/me/secret")
    except RuntimeError:
        logger.exception("It broke")
    [line] = lines.newest(1)

    assert (line.level, line.message) == ("error", "It broke (RuntimeError)")


def test_requests_are_kept_elsewhere():
    lines = LogLines()
    logger = logging.Logger("lingma_proxy.access")  # noqa: LOG001 - not the program's
    logger.addHandler(lines)
    logger.info("GET / 200")

    assert lines.newest(1) == []


def test_a_line_is_not_endless_and_one_that_does_not_fit_together_does_no_harm(log, capsys):
    logger, lines = log
    logger.warning("x" * 10 * LONGEST)
    logger.warning("%d", "no number")

    assert [len(line.message) for line in lines.newest(50)] == [LONGEST]
    assert "no number" in capsys.readouterr().err
