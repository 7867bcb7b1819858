"""Whether a model is to think, and how that is said to it: by its profile.

    remote API        a switch in the request (`remote_request`)
    plugin, agents    a word in the prompt, for the few families that were taught one

No way to say how hard is known: an effort or a budget only switches thinking on, but for
the effort `none`, which switches it off.
"""

from lingma_proxy.conversation.request import ChatRequest, Reasoning
from lingma_proxy.vendor.profiles import profile_of


def wanted(reasoning: Reasoning) -> bool | None:
    """Whether thinking is asked for; None: nothing is said of it."""
    if reasoning.wanted is False or reasoning.effort == "none":
        return False
    asked = reasoning.wanted or reasoning.effort is not None or reasoning.budget_tokens is not None
    return True if asked else None


def word(request: ChatRequest) -> str:
    """What tells the model at the end of its prompt whether to think; "" for most of them."""
    words = profile_of(request.model).thinking_words
    asked = wanted(request.reasoning)
    return "" if words is None or asked is None else words[0 if asked else 1]
