"""Qwen's real tokenizer, the judge of our estimate: its vocabulary comes with `dashscope`.

The pattern that splits text before the merges is that of Qwen's published tokenizer.
"""

from base64 import b64decode
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import tiktoken

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@cache
def qwen() -> tiktoken.Encoding:
    spec = find_spec("dashscope")
    assert spec is not None
    assert spec.origin is not None
    # Not imported: the package does much more than carry this file.
    lines = Path(spec.origin).with_name("resources").joinpath("qwen.tiktoken").read_bytes()
    pairs = (line.split() for line in lines.splitlines() if line)
    ranks = {b64decode(token): int(rank) for token, rank in pairs}
    return tiktoken.Encoding("qwen", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


def real_count(text: str) -> int:
    return len(qwen().encode_ordinary(text))
