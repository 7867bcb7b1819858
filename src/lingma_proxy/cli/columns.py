"""Columns for people: as wide as a terminal shows them, in whichever script."""

from collections.abc import Sequence

import click


def columns(rows: Sequence[Sequence[str]], *, header: Sequence[str] = ()) -> list[str]:
    """Lines in which the cells of a column begin at the same place."""
    from rich.cells import cell_len  # noqa: PLC0415 — a Chinese letter is two wide; seldom needed

    table = [header, *rows] if header else list(rows)
    widths = [max(cell_len(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]
    return [click.style(lines[0], bold=True), *lines[1:]] if header else lines
