"""Which profile a model has, by its key or by what people call it.

The first line whose word occurs in the name counts.  A family writes calls and thinks the way
it was trained to, as its makers publish in the templates and descriptions of their models:

    Qwen3-Coder         never thinks
    Qwen3 of April 2025 thinks or not, and heeds /think and /no_think in a prompt; those of
                        July 2025 (2507) are of one kind each, and Qwen3.5 and 3.6 know no
                        words any more
    QwQ, MiniMax M2     always think; M2 is to be shown its thinking of the same turn again
    GLM, Kimi K2.5, 2.6 think or not, as a switch of their API says
"""

from functools import lru_cache

from lingma_proxy.profile import Profile

THINKS_IN_TEXT = Profile(thinks_in_text=True)
SWITCHED = Profile(thinks_in_text=True, thinks="if asked")
QWEN35 = Profile(thinks_in_text=True, thinks="if asked", counts_as="qwen3.5")
MINIMAX = Profile("invoke", thinks_in_text=True, thinks="always", recalls_thinking=True)
QWEN3 = Profile(
    thinks_in_text=True, thinks="if asked", thinking_words=("/think", "/no_think")
)  # fmt: skip
QWEN3_SIZES = ("235b", "30b", "32b", "14b", "8b", "4b", "1.7b", "0.6b")

FAMILIES: tuple[tuple[str, Profile], ...] = (
    ("qwen3-coder", Profile("qwen3_coder", thinks="never")),
    ("qwen3_coder", Profile("qwen3_coder", thinks="never")),
    ("minimax", MINIMAX),
    ("mmodel", MINIMAX),
    ("claude", Profile("invoke")),
    ("thinking-2507", Profile(thinks_in_text=True, thinks="always")),
    ("instruct-2507", Profile(thinks="never")),
    ("thinking", THINKS_IN_TEXT),
    ("qwen3.5", QWEN35),
    ("q35model", QWEN35),
    ("qwen3.6", QWEN35),
    ("qmodel", QWEN35),
    *((f"qwen3-{size}", QWEN3) for size in QWEN3_SIZES),
    *((f"qwen3:{size}", QWEN3) for size in QWEN3_SIZES),
    ("qwq", Profile(thinks_in_text=True, thinks="always")),
    ("deepseek-r1", Profile(thinks_in_text=True, thinks="always")),
    ("deepseek", THINKS_IN_TEXT),
    ("kimi-k2.", SWITCHED),
    ("kmodel", SWITCHED),
    ("glm", SWITCHED),
    ("gm51model", SWITCHED),
    ("auto", THINKS_IN_TEXT),
)
"""DeepSeek and Kimi are asked for the common form of calls: their own markers are special
tokens, which a prompt cannot spell.  `auto` may be any of them."""

UNKNOWN = Profile()


def profile_of(model: str) -> Profile:
    """The profile of a model, by its key or its name, in any case of letters."""
    return _remembered(model) if len(model) <= LONG else _found(model)


def _found(model: str) -> Profile:
    name = model.lower()
    return next((profile for word, profile in FAMILIES if word in name), UNKNOWN)


LONG = 64
"""Characters of a name up to which it is worth remembering: it is asked for with each request."""
_remembered = lru_cache(maxsize=1024)(_found)
