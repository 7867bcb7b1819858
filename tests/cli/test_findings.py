import click
import pytest

from lingma_proxy.cli.findings import lines, verdict
from lingma_proxy.doctor.finding import Level, ok, problem


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_finding_fits_the_screen_and_keeps_every_word(width):
    finding = problem("clock", "one " * 60, "two " * 40)
    shown = [click.unstyle(line) for line in lines(finding, width)]

    assert max(map(len, shown)) <= max(width, 40)
    assert " ".join(shown).split() == ["BAD", "clock", *["one"] * 60, *["two"] * 40]


def test_what_is_well_is_one_line():
    assert [click.unstyle(line) for line in lines(ok("port", "8095 is free"))] == [
        "ok    port       8095 is free"
    ]


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ([Level.OK], "All is well."),
        ([Level.OK, Level.WARNING], "No problem. 1 note."),
        ([Level.PROBLEM, Level.WARNING, Level.PROBLEM], "2 problems to mend."),
    ],
)
def test_the_verdict_counts(levels, text):
    assert verdict(levels) == text
