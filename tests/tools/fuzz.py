"""Whatever a model writes, the parser keeps its promises: tried on spoiled outputs, at random.

    make fuzz SECONDS=600          or: PYTHONPATH=tests python -m tools.fuzz 600 [SEED]

Each text is a few outputs of the corpus, cut, shuffled, and spoiled here and there.  `promises`
says what must hold.  A text for which it does not is printed with all that is needed to try it
again; it belongs in `corpus/odd.py`.
"""

import json
import random
import sys
import time
from collections.abc import Sequence

from support.cuts import at_points, one_by_one
from support.said import Called, Nothing, heard
from tools.corpus.odd import ODD
from tools.corpus.spoken import SPOKEN

TEXTS = [text for text, _ in (*SPOKEN.values(), *ODD.values()) if len(text) < 2000]
TOKENS = [
    "<", ">", "</", "|", "｜", '"', "\\", "{", "}", "[", "]", ",", ":", "`", "```", "~~~", "\n", "\r\n", " ", "\t", "\x00",
    "<tool_call>", "</tool_call>", "<function=Bash>", "<function=Nope>", "</function>", "<parameter=command>",
    "</parameter>", '<invoke name="Read">', "</invoke>", '<parameter name="path">', "<function_calls>",
    "</function_calls>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<|tool_call_begin|>",
    "<|tool_call_end|>", "<｜tool▁sep｜>", "<|tool_call_argument_begin|>", "```json action\n", "```json\n", "\n```\n",
    '{"name": "Bash", "arguments": {', '{"name": "Bash"', '"arguments"', "Bash", "\\u12", "\\ud83d", "\\", "null", "-1",
    "<think>", "</think>", "你", "“", "”", "\u2028", "😀", "\ud83d", "\ude00",
]  # fmt: skip


def spoiled(chance: random.Random) -> str:
    """A text as no model should write it."""
    pieces = []
    for _ in range(chance.randint(1, 3)):
        text = chance.choice(TEXTS)
        if chance.random() < 0.3:
            start, end = sorted(chance.choices(range(len(text) + 1), k=2))
            text = text[start:end]
        pieces.append(text)
    text = chance.choice(["", "\n", " ", "and "]).join(pieces)
    for _ in range(chance.choice([0, 0, 1, 1, 2, 3, 8])):
        at = chance.randint(0, len(text))
        match chance.randrange(4):
            case 0:
                text = text[:at] + chance.choice(TOKENS) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.choice([1, 1, 1, 2, 5, 20]) :]
            case 2:
                text = text[:at] + chance.choice(TOKENS) + text[at + 1 :]
            case _:
                other = chance.randint(0, len(text))
                text = text[:at] + text[other : other + chance.randint(1, 40)] + text[at:]
    return text


def promises(text: str, points: Sequence[int], *, cut: bool) -> None:
    """Raises AssertionError for a promise that is not kept.  `points` says where it is cut."""
    whole = heard([text], cut=cut)
    assert heard(at_points(text, list(points)), cut=cut) == whole, "cut at points"
    assert heard(one_by_one(text), cut=cut) == whole, "cut everywhere"

    kept_back = heard([text], cut=cut, streams=False)
    calls = [one for one in whole if isinstance(one, Called)]
    complete = [call for call in calls if not call.broken]
    for call in complete:
        assert isinstance(json.loads(call.arguments), dict), "arguments are an object"
    if complete == calls:
        assert kept_back == whole, "kept back"

    assert heard([text], Nothing(), cut=cut) == ([text] if text else []), "no tools"
    if not calls:
        assert "".join(map(str, whole)) == text, "no calls"
    prose, rest = "".join(one for one in kept_back if isinstance(one, str)), iter(text)
    assert all(letter in rest for letter in prose), "prose is what is left of the text, in order"


def fuzz(seconds: float, seed: int) -> int:
    """How many texts were tried.  Raises AssertionError with the first that fails."""
    chance = random.Random(seed)
    end, tried = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        text, cut = spoiled(chance), chance.random() < 0.3
        points = [chance.randint(0, len(text)) for _ in range(chance.randint(1, 8))]
        try:
            promises(text, points, cut=cut)
        except Exception as failure:
            raise AssertionError(
                f"not kept: {failure!r}\n    promises({text!r}, {points}, cut={cut})"
            ) from failure
        tried += 1
    return tried


if __name__ == "__main__":
    how_long = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    first = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**9)
    print(f"{how_long:g} seconds from seed {first} …", flush=True)  # noqa: T201  a program
    print(f"{fuzz(how_long, first)} texts, every promise kept")  # noqa: T201  a program
