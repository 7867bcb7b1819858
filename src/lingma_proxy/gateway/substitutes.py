"""Which models may answer a request when its own model does not, as the settings say.

Those that stand behind it in the list, or all of the list where it does not stand in it; without
those that the account has not got, and those that cannot do what the request needs:

    pictures   a model that is known to see: one that overlooks them makes up what they show
    tools      one that takes them, or that is told of them in words
    length     a context window with room for it, where one is known

As long as no list of models is known, the vendor's keys are taken to be there, except for who
has a model of its own choosing: for an agent, and in the stead of Auto, nobody is guessed.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from lingma_proxy.backend import Model
from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import ChatRequest, Image, ImageLink
from lingma_proxy.conversation.size import fills
from lingma_proxy.errors import ModelNotFound
from lingma_proxy.policies.choose_model import AUTO, Names, resolve
from lingma_proxy.settings import Settings
from lingma_proxy.vendor.models import KNOWN
from lingma_proxy.vendor.profiles import profile_of

USUAL = (
    "kmodel",
    "mmodel",
    "dashscope_qwen3_coder",
    "dashscope_qmodel",
    "dashscope_qwen_max_latest",
    "dashscope_qwen_plus_20250428_thinking",
)
"""The list where the setting is empty: that of Lingma Proxy 1.6."""
UNNAMED = frozenset(("", *AUTO))
"""Models that are whichever somebody else chooses."""

_KNOWN = {model.key: model for model in KNOWN}


def substitutes(
    settings: Settings,
    known: Callable[[], Sequence[Model]],
    names: Callable[[], Names],
    answering: Callable[[ChatRequest], str],
) -> Callable[[ChatRequest], Sequence[str]]:
    """What lists them, best first, for a request.

    `known` are the models of the account, `names` what other names mean, `answering` says which
    backend answers a request.
    """

    def of(request: ChatRequest) -> Sequence[str]:
        models = known()
        if not models and (request.model in UNNAMED or answering(request) == "acp"):
            return ()
        order = keys(settings.remote_fallback_models or USUAL, models, names())
        if request.model in order:
            order = order[order.index(request.model) + 1 :]
        listed = {model.key: model for model in models}
        shows = has(request.messages, Image, ImageLink)
        return [
            key
            for key in order
            if (key in listed or not listed)
            and able(
                request,
                listed.get(key) or _KNOWN.get(key) or Model(key, key),
                shows=shows,
                in_words=settings.emulate_tools != "never",
            )
        ]

    return of


def keys(wanted: Sequence[str], models: Sequence[Model], names: Names) -> list[str]:
    """The keys that names mean, in their order; what means nothing here is left out."""
    found: dict[str, None] = {}
    for name in wanted:
        with suppress(ModelNotFound):  # another account, or another backend, may have it
            found[resolve(name, models, names)] = None
    return list(found)


def able(request: ChatRequest, model: Model, *, shows: bool, in_words: bool) -> bool:
    """Whether a model can do what the request needs."""
    if not model.enabled or (shows and not model.sees):
        return False
    if request.tools and not (in_words or profile_of(model.key).native_tools):
        return False
    return model.context_window is None or not fills(request, model.context_window)
