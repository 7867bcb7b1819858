r"""What decides how many tokens a text becomes: the shapes of its pieces, and their weights.

    text    " getUserName(42)\n"
    shape   " aaaBaaaBaaa.00.n"      one class for each character
    pieces  " aaa" · "Baaa" · "Baaa" · "." · "00" · ".n"

Qwen's tokenizer splits text into pieces first (words with the character before them,
single digits, runs of punctuation, runs of blanks), and then merges each piece into as
few tokens as its vocabulary allows.  The splitting is a rule, so we do it too.  What
becomes of a piece depends on the vocabulary; that we estimate from its shape.  Most
pieces are one token; long words, capitals, and text that is no language are more.

The weights are a least-squares fit (`bench/fit_tokens.py`) against the real vocabularies,
on the source of Python's standard library (code and English) and on the texts of our own
in `tests/conversation/corpus/fit` (Chinese, other languages, symbols).
"""

import re
from functools import lru_cache
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["qwen", "qwen3.5"]
"""Models that share a vocabulary: Qwen up to 3 (and whoever's vocabulary is not to be had),
Qwen from 3.5 on."""


def _classes() -> bytes:
    """The class of each byte that can begin a character of UTF-8."""
    table = bytearray(b"s" * 256)  # C2 and what is left: signs of Latin-1

    def put(letter: str, *bytes: int) -> None:
        for byte in bytes:
            table[byte] = ord(letter)

    put(".", *range(128))
    put(" ", *b" \t\x0b\x0c\x1c\x1d\x1e\x1f")
    put("n", *b"\r\n")
    put("-", *b"-=*#~")
    put("0", *b"0123456789")
    put("A", *b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    put("a", *b"abcdefghijklmnopqrstuvwxyz")
    put("l", *range(0xC3, 0xCA))  # é, ß, ł
    put("g", *range(0xCA, 0xD4))  # Greek, Cyrillic
    put("h", *range(0xD4, 0xE0))  # Hebrew, Arabic
    put("i", 0xE0, 0xE1)  # the scripts of India and their neighbours
    put("y", 0xE2)  # curly quotes, dashes, arrows, boxes
    put("j", 0xE3)  # Japanese syllables
    put("c", *range(0xE4, 0xEA))  # Chinese characters
    put("k", *range(0xEA, 0xEE))  # Korean syllables
    put("f", 0xEE, 0xEF)  # full-width punctuation
    put("e", *range(0xF0, 0xF8))  # emoji
    return bytes(table)


CLASSES = _classes()
CONTINUATION = bytes(range(0x80, 0xC0))

PIECES = re.compile(
    # A word, with one character before it; a capital or another script begins a new one.
    rb"[ .\-sfye]?(?:[AB]?[al]+|[AB]A*(?![al])|c+|[ghijk]+)"
    rb"|0+"
    rb"| ?[.\-sfye]+n*"
    rb"|[ n]*n"
    rb"| +(?![^ n])"
    rb"| +"
)

KNEES = {"a": 5, "A": 4, "U": 2}
"""Up to how many letters a segment is likely to be one token."""

WEIGHTS: dict[Family, dict[str, float]] = {
    "qwen": {
        "Chinese+": 0.557,
        "bare A": 0.993,
        "bare A+": 0.081,
        "bare Chinese": 0.349,
        "bare U": 0.874,
        "bare U+": 0.214,
        "bare a": 1.025,
        "bare a+": 0.147,
        "blank A": 0.893,
        "blank A+": 0.088,
        "blank Chinese": 1.417,
        "blank U": 0.852,
        "blank U+": 0.161,
        "blank a": 1.010,
        "blank a+": 0.052,
        "blanks": 1.000,
        "digits": 1.000,
        "e": 1.864,
        "f": 1.315,
        "f before": 1.309,
        "g": 0.372,
        "h": 0.356,
        "i": 1.127,
        "inner A": 0.814,
        "inner A+": -0.002,
        "inner U": 2.250,
        "inner U+": -0.268,
        "inner short": 1.726,
        "j": 0.388,
        "k": 0.728,
        "l": 1.148,
        "long marks": 0.223,
        "long rule": 0.021,
        "mark A": 1.082,
        "mark A+": 0.204,
        "mark U": 1.087,
        "mark U+": 0.175,
        "mark a": 1.080,
        "mark a+": 0.154,
        "marks": 0.995,
        "s": 1.000,
        "s before": 1.628,
        "y": 0.396,
        "y before": 0.899,
    },
    "qwen3.5": {
        "Chinese+": 0.464,
        "bare A": 0.989,
        "bare A+": 0.081,
        "bare Chinese": 0.479,
        "bare U": 0.855,
        "bare U+": 0.216,
        "bare a": 1.026,
        "bare a+": 0.145,
        "blank A": 0.902,
        "blank A+": 0.074,
        "blank Chinese": 1.155,
        "blank U": 0.849,
        "blank U+": 0.158,
        "blank a": 1.008,
        "blank a+": 0.050,
        "blanks": 1.000,
        "digits": 1.000,
        "e": 2.945,
        "f": 1.596,
        "f before": 1.228,
        "g": 0.267,
        "h": 0.308,
        "i": 0.550,
        "inner A": 0.823,
        "inner A+": -0.003,
        "inner U": 2.280,
        "inner U+": -0.271,
        "inner short": 1.692,
        "j": 0.244,
        "k": 0.502,
        "l": 0.316,
        "long marks": 0.256,
        "long rule": 0.029,
        "mark A": 1.089,
        "mark A+": 0.202,
        "mark U": 1.087,
        "mark U+": 0.174,
        "mark a": 1.080,
        "mark a+": 0.153,
        "marks": 1.293,
        "s": 1.000,
        "s before": 1.733,
        "y": 0.534,
        "y before": 0.648,
    },
}


def features(shape: bytes) -> dict[str, float]:
    """What the weights are for, counted in one piece."""
    if not shape.strip(b" n"):
        return {"blanks": 1}
    if shape[0] == ord("0"):
        return {"digits": len(shape)}
    if word := shape.lstrip(b" .-sfyen"):
        return _word(shape[: len(shape) - len(word)].decode(), word.decode())
    return _marks(shape.strip(b" n").decode())


def _word(before: str, word: str) -> dict[str, float]:
    """A word, or a part of one that a capital or another script sets off."""
    place = "blank" if before == " " else "mark" if before in {".", "-"} else "bare"
    if word[0] == "B":
        place = "inner"
    found: dict[str, float] = {f"{before} before": 1} if before and before in "sfye" else {}
    match word[0]:
        case "c":
            found |= {f"{place} Chinese": 1, "Chinese+": len(word)}
        case "g" | "h" | "i" | "j" | "k":
            found |= {kind: word.count(kind) for kind in set(word)}
        case first:
            kind = "a" if first in "al" else "U" if set(word) <= {"A", "B"} else "A"
            if place == "inner" and len(word) < 3:
                kind = "short"
            found |= {f"{place} {kind}": 1, "l": word.count("l")}
            if kind in KNEES:
                found[f"{place} {kind}+"] = max(0, len(word) - KNEES[kind])
    return found


def _marks(marks: str) -> dict[str, float]:
    found: dict[str, float] = {kind: count for kind in "sfye" if (count := marks.count(kind))}
    if plain := marks.count(".") + marks.count("-"):
        found["marks"] = 1
        if marks == "-" * len(marks):
            found["long rule"] = max(0, plain - 4)
        else:
            found["long marks"] = max(0, plain - 2)
    return found


def shape_of(text: str) -> bytes:
    """One byte for each character: its class."""
    data = text.encode("utf-8", "replace")
    if b"\xe3\x80" in data:
        data = data.replace(b"\xe3\x80", b"\xef\x80")  # 、。「」 are punctuation, not syllables
    # A capital inside a word is one of another kind.
    return data.translate(CLASSES, CONTINUATION).replace(b"aA", b"aB")


def weight_of(shape: bytes, family: Family = "qwen") -> float:
    """The tokens that a piece of this shape has on average."""
    return _weigh(shape, family) if len(shape) > LONG else _remembered(shape, family)


def _weigh(shape: bytes, family: Family) -> float:
    weights = WEIGHTS[family]
    # No piece is nothing: a part of a word may be merged with its neighbour, though.
    return max(0.5, sum(weights.get(name, 0) * n for name, n in features(shape).items()))


LONG = 48
"""Shapes up to this length come again and again, and are weighed once."""
_remembered = lru_cache(maxsize=8192)(_weigh)
