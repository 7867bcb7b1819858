"""Make the name that the client gave into a key that the vendor knows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from lingma_proxy.backend import Backend, EventStream, Model, refused
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import ModelNotFound
from lingma_proxy.policies.base import Policy

AUTO = ("org_auto", "auto")
"""The keys under which the vendor lists the model that chooses a model."""
CLAUDE = "claude-"
LATEST = ":latest"
"""The tag that Ollama's clients put behind a name that has none."""
LONGEST_NAME = 100
"""Characters of a name that are compared and shown; no model has a longer one."""
MANY_NAMES = 200
"""More than any client uses; beyond it somebody is making them up."""


@dataclass(frozen=True)
class Names:
    """What names mean, apart from what the list says."""

    default: str = ""
    """What "" means; "" again: the list's default, else Auto."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The user's own: another name for a key (or for another name), in any case."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """Patterns (`claude-*`) of names that other vendors use → a name, or "" for the default."""
    claude_names: bool = False
    """Whether `claude-<key>` means the key."""
    vendor_keys: frozenset[str] = frozenset()
    """Keys that are good even when the list lacks them."""
    usual: Mapping[str, str] = field(default_factory=dict)
    """Names that people use, in lower case → keys; the list's own names go before them."""
    auto: str = AUTO[0]
    """What Auto means while no list is known; "": whatever answers chooses."""


def resolve(name: str, models: Sequence[Model], names: Names) -> str:
    """The key that a client's name means.  Raises ModelNotFound.

    In this order: the default · a key as it is spelled · Auto · the user's alias · a name or
    key of the list in any case · a usual name · any of these with `:latest` behind it ·
    `claude-<key>` · a pattern of foreign names.  While no list is known, what none of these
    knows passes as it is; once there is one, it is not found.

    A model that the list calls disabled passes: the list may be old, and only the vendor
    knows; it refuses in its own words.
    """
    if name == "":
        return _default(models, names)
    key = _ours(name, models, names)
    if key is None:
        key = _foreign(name, models, names)
    if key is not None:
        return key
    if not models:
        return name
    raise ModelNotFound(_not_found(name, models))


def _default(models: Sequence[Model], names: Names) -> str:
    if names.default:
        return _taken_at_its_word(names.default, models, names)
    chosen = next((model.key for model in models if model.is_default), None)
    return chosen or _auto(models, names)


def _taken_at_its_word(target: str, models: Sequence[Model], names: Names) -> str:
    """What a setting names, "" being the default.

    If nobody knows it, it still goes to the vendor as it is: that is how a person reaches a
    model that the list hides.
    """
    if not target:
        return _default(models, names)
    key = _ours(target, models, names)
    return target if key is None else key


def _ours(name: str, models: Sequence[Model], names: Names) -> str | None:
    """The key that a name of ours, the vendor's or the user's means, if it is one."""
    if any(model.key == name for model in models):
        return name
    folded = name.casefold()
    if folded == "auto":
        return _auto(models, names)
    if name in names.vendor_keys:
        return name
    target = _alias(folded, names)
    if target is not None:
        return _taken_at_its_word(target, models, _without(folded, names))
    fitting = [model for model in models if folded in {model.name.casefold(), model.key.casefold()}]
    if fitting:  # two models may share a name: one that is enabled is meant
        return max(fitting, key=lambda model: model.enabled).key
    if folded in names.usual:
        return names.usual[folded]
    if folded.endswith(LATEST):
        return _ours(name[: -len(LATEST)], models, names)
    if names.claude_names and folded.startswith(CLAUDE):
        return _ours(name[len(CLAUDE) :], models, replace(names, claude_names=False))
    return None


def _auto(models: Sequence[Model], names: Names) -> str:
    """The user's own meaning of it, else the key that is listed.

    A list without one: "", and the server chooses; no list: the usual key
    (`protocol/disagreements.md` D-16).
    """
    target = _alias("auto", names)
    if target is not None:
        return _taken_at_its_word(target, models, _without("auto", names))
    listed = {model.key for model in models}
    return next((key for key in AUTO if key in listed), "" if models else names.auto)


def _alias(folded: str, names: Names) -> str | None:
    return next((to for alias, to in names.aliases.items() if alias.casefold() == folded), None)


def _without(folded: str, names: Names) -> Names:
    """The names without one alias: aliases may lead to aliases, but never in a circle."""
    rest = {alias: to for alias, to in names.aliases.items() if alias.casefold() != folded}
    return replace(names, aliases=rest)


def _foreign(name: str, models: Sequence[Model], names: Names) -> str | None:
    folded = name.casefold()
    for pattern, target in names.foreign.items():
        if fnmatchcase(folded, pattern.casefold()):
            return _taken_at_its_word(target, models, names)
    return None


def _not_found(name: str, models: Sequence[Model]) -> str:
    short = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"
    spellings = {
        spelling.casefold(): model
        for model in models
        if model.enabled
        for spelling in (model.name, model.key)
    }
    close = get_close_matches(name[:LONGEST_NAME].casefold(), spellings, n=3, cutoff=0.5)
    nearest = list(dict.fromkeys(_spelled(spellings[spelling]) for spelling in close))
    hint = f" Nearest: {', '.join(nearest)}." if nearest else ""
    return (
        f'There is no model "{short}".{hint}'
        " `lingma-proxy models` lists those of this login; an alias in the settings can lead"
        " to one of them."
    )


def _spelled(model: Model) -> str:
    return model.key if model.name in {"", model.key} else f"{model.key} ({model.name})"


def _nobody() -> None:
    """Nobody wants to know."""


class ChooseModel(Policy):
    """Asks `known` for the models and `names` for what names mean besides; neither waits.

    Both may change when somebody else answers.  `missed` is told when a name is not among
    the models, for the list may have grown since.
    """

    def __init__(
        self,
        inner: Backend,
        known: Callable[[], Sequence[Model]],
        names: Callable[[], Names],
        *,
        missed: Callable[[], None] = _nobody,
    ) -> None:
        super().__init__(inner)
        self._known = known
        self._names = names
        self._missed = missed
        self._resolved: dict[str, str] = {}
        """Names that have been asked for, as long as the list stays the same."""
        self._of: tuple[Sequence[Model], Names] | None = None

    def resolve(self, name: str) -> str:
        """The key that a client's name means.  Raises ModelNotFound."""
        models, names = self._known(), self._names()
        same = self._of is not None and self._of[0] is models and self._of[1] is names
        if not same or len(self._resolved) > MANY_NAMES:
            self._resolved, self._of = {}, (models, names)
        key = self._resolved.get(name)
        if key is None:
            try:
                key = resolve(name, models, names)
            except ModelNotFound:
                self._missed()
                raise
            self._resolved[name] = key
        return key

    def reply(self, request: ChatRequest) -> EventStream:
        try:
            key = self.resolve(request.model)
        except ModelNotFound as error:
            return refused(error)
        if request.notes is not None:
            request.notes.meant_model = key
        return self.inner.reply(request if key == request.model else replace(request, model=key))
