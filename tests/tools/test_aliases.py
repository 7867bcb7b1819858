import pytest

from lingma_proxy.tools.aliases import ARGUMENTS, TOOLS, also_called, plain


@pytest.mark.parametrize("name", ["read_file", "read-file", "Read File", "ReadFile", "readFile"])
def test_a_name_is_the_same_in_every_spelling(name: str) -> None:
    assert plain(name) == "readfile"


def test_other_scripts_are_letters_too() -> None:
    assert plain("读取_文件") == "读取文件"
    assert plain("__--") == ""


@pytest.mark.parametrize(
    ("said", "declared"),
    [
        ("read_file", "Read"),
        ("Read", "read_file"),
        ("terminal", "Bash"),
        ("Bash", "terminal"),
        ("execute_command", "exec_command"),
        ("write_to_file", "Write"),
        ("apply_patch", "edit"),
        ("web_search", "WebSearch"),
        ("web_extract", "WebFetch"),
        ("ls", "search_files"),
    ],
)
def test_aliases_hold_both_ways(said: str, declared: str) -> None:
    for one, other in ((said, declared), (declared, said)):
        assert plain(other) in {plain(one), *also_called(one, TOOLS)}


def test_a_name_is_no_alias_of_itself() -> None:
    assert "read" not in also_called("Read", TOOLS)


def test_what_is_in_no_line_means_nothing_else() -> None:
    assert also_called("frobnicate", TOOLS) == frozenset()


def test_units_are_not_mixed() -> None:
    assert also_called("timeout", ARGUMENTS) == frozenset()
