"""Fit the weights of `lingma_proxy.conversation.token_shapes` to Qwen's real vocabularies.

    python bench/fit_tokens.py            prints the table of weights of each family

Reads the standard library of the Python that runs it, and the texts in
`tests/conversation/corpus/fit`.  Needs the test dependencies.
"""

import sys
import sysconfig
from collections import Counter, defaultdict
from pathlib import Path

import regex  # type: ignore[import-untyped]  # it has no stubs, and is used for one call

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT / "tests"), str(ROOT / "src")]

from lingma_proxy.conversation.token_shapes import PIECES, Family, features, shape_of  # noqa: E402 - the path is set just above
from support.qwen_tokenizer import PATTERNS, real_count  # noqa: E402 - likewise

FOLDERS = ("", "asyncio", "concurrent/futures", "email", "http", "importlib", "json", "logging")
EVERY = 2
"""One in so many files of the standard library is read."""
OWN_TEXTS_COUNT = 40
"""Our own texts are short beside the library, and weigh so many times more."""


def texts() -> list[tuple[str, int]]:
    library = Path(sysconfig.get_path("stdlib"))
    sources = [path for folder in FOLDERS for path in sorted((library / folder).glob("*.py"))]
    code = [path.read_text("utf-8", "replace") for path in sources[::EVERY]]
    own = [path.read_text("utf-8") for path in (ROOT / "tests/conversation/corpus/fit").iterdir()]
    return [*((text, 1) for text in code), *((text, OWN_TEXTS_COUNT) for text in own)]


def observations(family: Family) -> dict[frozenset[tuple[str, float]], list[float]]:
    """(features of a word) → how often they were seen, and their tokens in all.

    The words are those of the real tokenizer, which merges within them and not beyond.
    """
    seen: dict[frozenset[tuple[str, float]], list[float]] = defaultdict(lambda: [0, 0])
    words: Counter[str] = Counter()
    for text, weight in texts():
        for word in regex.findall(PATTERNS[family], text):
            words[word] += weight
    for word, times in words.items():
        found: Counter[str] = Counter()
        for piece in PIECES.findall(shape_of(word)):
            found.update(features(piece))
        entry = seen[frozenset(found.items())]
        entry[0] += times
        entry[1] += times * real_count(word, family)
    return seen


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss-Jordan elimination with pivoting."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        pivot = rows[at][at]
        rows[at] = [value / pivot for value in rows[at]]
        for row in range(size):
            if row != at and (factor := rows[row][at]):
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at], strict=True)]
    return [row[-1] for row in rows]


def fit(family: Family) -> dict[str, float]:
    seen = observations(family)
    names = sorted({name for found in seen for name, _ in found})
    place = {name: at for at, name in enumerate(names)}
    matrix = [[0.0] * len(names) for _ in names]
    right = [0.0] * len(names)
    for found, (times, total) in seen.items():
        for name, value in found:
            right[place[name]] += value * total
            for other, factor in found:
                matrix[place[name]][place[other]] += times * value * factor
    for at in range(len(names)):
        matrix[at][at] += 1e-3  # a feature that is always nought has no weight
    return dict(zip(names, solve(matrix, right), strict=True))


if __name__ == "__main__":
    for family in PATTERNS:
        print(f'    "{family}": {{')
        for name, weight in fit(family).items():
            print(f"        {name!r}: {weight:.3f},".replace("'", '"'))
        print("    },")
