import click
from rich.cells import cell_len

from lingma_proxy.cli.columns import columns


def test_columns_begin_at_the_same_place_in_any_script():
    lines = columns([("a", "通义千问", "1"), ("bbb", "Qwen", "2")])

    assert {cell_len(line[:-1]) for line in lines} == {cell_len("bbb  通义千问  ")}


def test_a_header_is_as_wide_as_what_it_stands_over():
    header, line = columns([("long cell", "x")], header=("A", "B"))

    assert click.unstyle(header) == "A          B"
    assert line == "long cell  x"
