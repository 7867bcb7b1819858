"""Findings for people: a mark, what was looked at, what was found, and the cure below."""

import shutil
import textwrap
from collections.abc import Iterator

import click

from lingma_proxy.doctor.finding import Finding, Level

MARKS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("note", "yellow"),
    Level.PROBLEM: ("BAD", "red"),
}
"""Words, not only colours: not everybody sees them, and a file has none."""
MARGIN = 17
"""Columns before the text: two, the mark, and what was looked at."""


def lines(finding: Finding, width: int | None = None) -> Iterator[str]:
    width = max(40, min(width or shutil.get_terminal_size().columns, 100)) - MARGIN
    word, colour = MARKS[finding.level]
    text = textwrap.wrap(finding.found, width, break_long_words=False, break_on_hyphens=False)
    mark = click.style(f"{word:<5}", fg=colour, bold=finding.level is not Level.OK)
    yield f"{mark} {finding.about:<{MARGIN - 7}} {text[0]}"
    for more in text[1:]:
        yield " " * MARGIN + more
    for cure in textwrap.wrap(finding.cure, width, break_on_hyphens=False):
        yield " " * MARGIN + click.style(cure, bold=True)


def verdict(levels: list[Level]) -> str:
    problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
    if problems:
        return f"{_many(problems, 'problem')} to mend."
    return f"No problem. {_many(warnings, 'note')}." if warnings else "All is well."


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
