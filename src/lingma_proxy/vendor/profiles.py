"""Which profile a model has, by its key or by what people call it.

The first line whose word occurs in the name counts.  A family writes calls the way it was
trained to, as its makers publish in the templates of their models.
"""

from lingma_proxy.profile import Profile

FAMILIES: tuple[tuple[str, Profile], ...] = (
    ("qwen3-coder", Profile("qwen3_coder")),
    ("qwen3_coder", Profile("qwen3_coder")),
    ("minimax", Profile("invoke", thinks_in_text=True)),
    ("mmodel", Profile("invoke", thinks_in_text=True)),
    ("claude", Profile("invoke")),
    ("thinking", Profile(thinks_in_text=True)),
    ("qwq", Profile(thinks_in_text=True)),
    ("deepseek", Profile(thinks_in_text=True)),
    ("glm", Profile(thinks_in_text=True)),
    ("gm51model", Profile(thinks_in_text=True)),
)
"""DeepSeek and Kimi are asked for the common form: their own markers are special tokens,
which a prompt cannot spell."""

UNKNOWN = Profile()


def profile_of(model: str) -> Profile:
    """The profile of a model, by its key or its name, in any case of letters."""
    name = model.lower()
    return next((profile for word, profile in FAMILIES if word in name), UNKNOWN)
