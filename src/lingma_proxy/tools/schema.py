"""Whether a value fits a JSON Schema, and what is wrong with it if it does not.

JSON Schema 2020-12, or the draft that `$schema` names.  Nothing is ever fetched, and no
schema can keep the validator busy: how far it reaches is counted first (`schema_extent`).
"""

from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.tools.schema_extent import extent

Check: TypeAlias = Callable[[Json], str | None]
"""What is wrong with a value, in a sentence for the model and the client; None: it fits."""

LONGEST_COMPLAINT = 300
"""Characters.  A validator's sentence can quote the whole value."""
MOST_COMPLAINTS = 3
"""There is one chance to repair them all."""
WIDE = 5_000
"""Objects in a schema, with all its references followed, up to which it is said what is
wrong with a value.  Finding out takes the validator a time that grows with their square,
and in a schema that refers to itself with a power of them; whether it fits, hardly any."""
WIDEST = 200_000
"""Objects beyond which a schema is not used."""


class Unusable(ValueError):
    """A schema that is none, or reaches too far; its text says why, as a clause."""


def by_schema(schema: JsonObject) -> Check:
    """The check of a schema.  Raises Unusable.

    The first call loads the validator, which takes a while: call it from a thread.
    """
    import jsonschema_rs  # noqa: PLC0415  # 80 ms that a start without it does not pay

    try:
        reach = extent(schema)
    except RecursionError:
        raise Unusable("its references lead on and on") from None
    if reach.objects > WIDEST:
        raise Unusable("its references amount to far too many schemas")
    try:
        validator = jsonschema_rs.validator_for(schema, offline=True)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Unusable(sentence(error)) from None
    told_in_detail = reach.objects <= WIDE and not reach.circular

    def check(value: Json) -> str | None:
        if validator.is_valid(value):
            return None
        if not told_in_detail:
            return "it does not fit the JSON Schema"
        return "; ".join(map(sentence, islice(validator.iter_errors(value), MOST_COMPLAINTS)))

    return check


def sentence(error: Exception) -> str:
    """What a validator says, and where in the value (or in the schema) it says it."""
    said = str(getattr(error, "message", error)).rstrip(".")
    if len(said) > LONGEST_COMPLAINT:
        said = said[:LONGEST_COMPLAINT] + "…"
    path = "/".join(str(step) for step in getattr(error, "instance_path", ()))
    return f"at {path}: {said}" if path else said
