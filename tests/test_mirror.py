"""One test file per source file, so that a test can always be found."""

from pathlib import Path

import pytest

import lingma_proxy

ROOT = Path(lingma_proxy.__file__).parent
TESTS = Path(__file__).parent


def sources() -> list[Path]:
    return [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if path.name not in {"__init__.py", "__main__.py"}
    ]


@pytest.mark.parametrize("source", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_source_file_has_its_test_file(source: Path) -> None:
    expected = TESTS / source.relative_to(ROOT).parent / f"test_{source.name}"

    assert expected.is_file(), (
        f"{source.relative_to(ROOT)} has no tests/{expected.relative_to(TESTS)}"
    )
