"""What is written for people agrees with the program."""

import re
from pathlib import Path

import click
import pytest

from lingma_proxy.cli.main import COMMANDS, commands
from lingma_proxy.settings.document import markdown

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lingma_proxy"
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
SPAN = re.compile(r"`([\w.-]+/[\w./-]*)`")
"""A path in code: relative, and of plain letters, so no URL, no route, nobody's home."""
ELSEWHERE = {".venv/bin", "cache/user"}
"""Paths that appear when the program is installed, or that are the vendor's."""
EXAMPLE = re.compile(r"\ba/(test_)?b\.py$")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_settings_page_is_fresh() -> None:
    assert read("docs/settings.md") == markdown(), "run `make docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = commands.get_command(click.Context(commands), name)

    assert command is not None
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            assert param.help, f"{name} {param.opts[0]}"


def test_the_readme_opens_with_two_commands_that_the_makefile_has() -> None:
    named = re.findall(r"^\s*make (\w+)", read("README.md"), re.MULTILINE)
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))

    assert named[:2] == ["run", "test"]
    assert set(named) <= targets


def test_ci_runs_what_the_readme_says() -> None:
    assert read(".ci/run").splitlines()[-1] == "make test"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_file_has_hashes_and_names_no_place(lock: str) -> None:
    text = read(lock)
    entries = re.split(r"\n(?=\S)", text.strip())

    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "@" not in text


def test_what_runs_is_tested_in_the_same_versions() -> None:
    run, test = (
        set(re.findall(r"^\S+==\S+", read(lock), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-test.lock")
    )

    assert run < test


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = [link for link in LINK.findall(read(page)) if "://" not in link]

    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    named = {path for path in SPAN.findall(read(page)) if not EXAMPLE.search(path)} - ELSEWHERE

    assert [path for path in named if not any((at / path).exists() for at in (ROOT, SOURCE))] == []


def test_the_tour_comes_past_every_source_file() -> None:
    shown = {(ROOT / "docs" / link).resolve() for link in LINK.findall(read("docs/tour.md"))}
    missed = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py" and not shown & {path, path.parent} - {SOURCE}
    ]

    assert missed == []


def test_the_tour_begins_with_the_data() -> None:
    stops = re.findall(r"^\d+\. \[([^\]]+)\]", read("docs/tour.md"), re.MULTILINE)

    assert stops[:2] == ["conversation/request.py", "conversation/events.py"]
    assert stops[-1] == "server/chat.py"
