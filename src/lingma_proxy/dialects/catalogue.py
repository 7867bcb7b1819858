"""What all the lists of models have in common, whoever's shape they take."""

from collections.abc import Sequence

from lingma_proxy.backend import Model
from lingma_proxy.errors import ModelNotFound

SINCE = 0
"""When a model was made, in Unix time.  The vendor does not say, and a time that changes
with each call would be a lie that breaks caches; the epoch is what Anthropic's API
documents for "not known", and nobody takes it for a date."""
SINCE_TEXT = "1970-01-01T00:00:00Z"

OWNER = "lingma"


def offered(models: Sequence[Model]) -> list[Model]:
    """The models that may be asked for, each key once, in the vendor's order."""
    first: dict[str, Model] = {}
    for model in models:
        if model.enabled:
            first.setdefault(model.key, model)
    return list(first.values())


def find(models: Sequence[Model], id: str) -> Model:
    """The model with that key, or else with that name.  Raises ModelNotFound."""
    choice = offered(models)
    by_name = (model for model in choice if model.name.casefold() == id.casefold())
    found = next((model for model in choice if model.key == id), None) or next(by_name, None)
    if found is None:
        raise ModelNotFound(f"There is no model {id[:100]!r}; `GET /v1/models` lists them.")
    return found


def default(models: Sequence[Model], key: str) -> Model | None:
    """The model that answers when none is named: the one with `key`, else the vendor's."""
    choice = offered(models)
    named = (model for model in choice if model.key == key)
    marked = (model for model in choice if model.is_default)
    return next(named, None) or next(marked, None)
