"""Imports only go down (design.md, section 4).  Says which import broke it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lingma_proxy

ROOT = Path(lingma_proxy.__file__).parent

FLOORS: dict[str, int] = {
    "errors": 0,
    "jsonio": 1,
    "lately": 1,
    "settings": 1,
    "conversation": 2,
    "wire": 2,
    "dialect": 3,
    "backend": 3,
    "profile": 3,
    "dialects": 4,
    "vendor": 4,
    "tools": 4,
    "images": 4,
    "documents": 4,
    "transports": 4,
    "aside": 4,
    "backends": 5,
    "policies": 5,
    "recording": 5,
    "gateway": 6,
    "server": 7,
    "console": 8,
    "doctor": 8,
    "connect": 8,
    "simulator": 8,
    "cli": 9,
    "desktop": 9,
    "__main__": 10,
    "__init__": -1,
}
ONLY: dict[str, set[str]] = {"simulator": {"errors", "jsonio", "wire", "conversation"}}
"""The simulator is a second opinion on the codecs that it faces."""

PURE_BELOW = 5
EXEMPT = {"transports", "aside"}
IO = {
    "asyncio",
    "socket",
    "ssl",
    "aiohttp",
    "subprocess",
    "sqlite3",
    "threading",
    "tempfile",
    "shutil",
}
FILE_CALLS = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield module
            if module == "lingma_proxy":
                yield from (f"lingma_proxy.{alias.name}" for alias in node.names)


def complaints(path: Path) -> Iterator[str]:
    name = str(path.relative_to(ROOT))
    here = part(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    pure = FLOORS[here] < PURE_BELOW and here not in EXEMPT and here != "__init__"
    for module in imported(tree):
        top, _, rest = module.partition(".")
        if top != "lingma_proxy":
            if pure and top in IO:
                yield f"{name} imports {top}, but below floor {PURE_BELOW} nothing does I/O"
            continue
        there = rest.split(".")[0]
        if not there or there == here or there.startswith("__version__"):
            continue
        if FLOORS[there] >= FLOORS[here]:
            yield f"{name} imports {there}, which is not below {here}"
        if here in ONLY and there not in ONLY[here]:
            yield f"{name} imports {there}, but {here} knows only {', '.join(sorted(ONLY[here]))}"
        if there == "settings" and FLOORS[here] < FLOORS["gateway"]:
            yield f"{name} imports settings, but settings stop at the gateway"
    if pure and here != "settings":
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else getattr(node.func, "id", "")
                )
                if called in FILE_CALLS:
                    yield f"{name} calls {called}() in line {node.lineno}, but does no I/O"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_part_imports_only_from_below(path: Path) -> None:
    assert list(complaints(path)) == []


def test_every_part_has_a_floor() -> None:
    assert {part(path) for path in modules()} <= set(FLOORS)


POSSESSIVE = re.compile(r"(?<![\\[])[+*?}]\+|\(\?>")


def patterns(path: Path) -> Iterator[str]:
    """The texts in calls of re.compile."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile":
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pattern_is_possessive(path: Path) -> None:
    """In Debian 12's Python 3.11.2 such a pattern can match half of what it should: half an escape."""
    assert not [pattern for pattern in patterns(path) if POSSESSIVE.search(pattern)]
