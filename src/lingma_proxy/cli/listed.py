"""A list of requests for people: a line each, as wide as the terminal, and errors below.

    TIME      ID      CLIENT       MODEL          HTTP  FIRST  TOTAL    TOKENS  TOOLS
    12:59:16  1a2b3c  claude-code  claude→kmodel   200  412ms   3.2s  1.2k→345  Bash ×2

What a client sent may be anything: it is cut to its column, and no terminal obeys it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import click

from lingma_proxy.cli.moments import at, took
from lingma_proxy.recording.exports.terminal import on_one_line
from lingma_proxy.recording.kept import Summary

HEADER = ("TIME", "ID", "CLIENT", "MODEL", "HTTP", "FIRST", "TOTAL", "TOKENS", "TOOLS")
CLIENT, MODEL, TOOLS = 2, 3, 8
TO_THE_RIGHT = frozenset((4, 5, 6, 7))
GIVES = {TOOLS: 8, MODEL: 10, CLIENT: 8}
"""Columns that become narrower where there is no room, and how narrow."""
USUAL = (8, 6, 14, 24, 4, 5, 5, 10, 16)
"""Widths for those who do not know yet what is to come."""
PREFIX = "req_"
SHORT = 6
"""Characters of an id: of 20,000 requests, one in a thousand has a newer namesake."""


@dataclass(frozen=True)
class Layout:
    widths: Sequence[int]
    width: int | None
    """Of the terminal; None: as wide as it gets."""

    def header(self) -> str:
        return click.style(self._line(HEADER), bold=True)

    def lines(self, summary: Summary, now: float) -> Iterator[str]:
        row = cells(summary, now)
        line = self._line([*row[:MODEL], model_of(summary, self.widths[MODEL]), *row[MODEL + 1 :]])
        bad = summary.status >= 400 or summary.error
        yield (
            click.style(line, fg="red" if bad else "yellow") if bad or not summary.status else line
        )
        if summary.error:
            words = (
                f"{summary.error_kind}: {summary.error}" if summary.error_kind else summary.error
            )
            room = None if self.width is None else self.width - 2
            yield click.style("  " + clipped(on_one_line(words), room), fg="red")

    def _line(self, row: Sequence[str]) -> str:
        parts = [
            padded(clipped(cell, width), width, right=column in TO_THE_RIGHT)
            for column, (cell, width) in enumerate(zip(row, self.widths, strict=True))
            if width
        ]
        return "  ".join(parts).rstrip()


def layout(summaries: Sequence[Summary], width: int | None, now: float) -> Layout:
    """Columns for these, within so many characters; None: as wide as it gets."""
    rows = [HEADER, *(cells(each, now) for each in summaries)]
    natural = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    if not any(row[TOOLS] for row in rows[1:]):
        natural[TOOLS] = 0
    return Layout(fitted(natural, width), width)


def usual(width: int | None) -> Layout:
    """Columns for whatever comes."""
    return Layout(fitted(USUAL, width), width)


def fitted(natural: Sequence[int], width: int | None) -> list[int]:
    """Takes from the widest of those that give, until there is room or nothing to give."""
    widths = list(natural)
    if width is None:
        return widths
    excess = sum(each + 2 for each in widths if each) - 2 - width
    while excess > 0:
        giving = [each for each, least in GIVES.items() if widths[each] > least]
        if not giving:
            break
        widths[max(giving, key=lambda each: widths[each])] -= 1
        excess -= 1
    return widths


def cells(summary: Summary, now: float) -> list[str]:
    return [
        at(summary.began, now),
        short(summary.id),
        on_one_line(summary.client) or "-",
        model_of(summary),
        str(summary.status or "left"),
        took(None if summary.first is None else summary.first - summary.began),
        took(None if summary.ended is None else summary.ended - summary.began),
        tokens(summary),
        tools(summary),
    ]


def short(id: str) -> str:
    """As much of an id as it takes to find it."""
    return on_one_line(id.removeprefix(PREFIX))[:SHORT]


def model_of(summary: Summary, width: int | None = None) -> str:
    """Which was asked for, and which answered: that one is cut last.  Else what was asked."""
    asked, answered = on_one_line(summary.asked_model), on_one_line(summary.model)
    if not (asked or answered or summary.dialect):
        return f"{on_one_line(summary.method)} {on_one_line(summary.path)}"
    if not answered or asked in {"", answered}:
        return answered or asked or "-"
    room = None if width is None else max(1, width - 1 - cell_len(answered))
    return f"{clipped(asked, room)}→{answered}"


def tokens(summary: Summary) -> str:
    if summary.usage is None:
        return "-"
    about = "~" if summary.usage.estimated else ""
    return f"{about}{many(summary.usage.input)}→{many(summary.usage.output)}"


def tools(summary: Summary) -> str:
    counted = Counter(on_one_line(each) for each in summary.tools)
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counted.items())


def many(number: int) -> str:
    """`345`, `1.2k`, `34k`, `1.2M`."""
    if number < 1000:
        return str(number)
    for unit, size in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if number < 9.95 * size:
            return f"{number / size:.1f}{unit}"
        if number < 999.5 * size:
            return f"{number / size:.0f}{unit}"
    return "many"


def clipped(text: str, width: int | None) -> str:
    if width is None or cell_len(text) <= width:
        return text
    from rich.cells import set_cell_size  # noqa: PLC0415 - see `cell_len`

    return set_cell_size(text, max(0, width - 1)).rstrip() + "…"


def padded(text: str, width: int, *, right: bool) -> str:
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def cell_len(text: str) -> int:
    from rich.cells import cell_len as wide  # noqa: PLC0415 - a Chinese letter is two wide

    return wide(text)
