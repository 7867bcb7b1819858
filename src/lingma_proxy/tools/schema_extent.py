"""How far a JSON Schema reaches once its references are followed.

Twenty definitions that each refer twice to the next are a million schemas when they are
applied, and the validator applies them all, in one call that nothing can interrupt.  So
they are counted first: each definition once, however often it is referred to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lingma_proxy.jsonio import Json, JsonObject, is_object

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
NAMES = ("$id", "id", "$anchor", "$dynamicAnchor")


@dataclass(frozen=True, slots=True)
class Extent:
    objects: int
    """How many there are when every reference is replaced by what it refers to."""
    circular: bool
    """Whether a reference leads back to where it stands: then the circle is followed once."""


def extent(schema: JsonObject) -> Extent:
    """Raises RecursionError for references that lead on and on."""
    return _Survey(schema).of(schema)


class _Survey:
    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._named = {
            each[name].removeprefix("#"): each
            for each in objects_in(root)
            for name in NAMES
            if isinstance(each.get(name), str)
        }
        self._known: dict[int, Extent] = {}
        self._open: set[int] = set()
        """What is being counted: who refers to it closes a circle."""

    def of(self, schema: JsonObject) -> Extent:
        if id(schema) in self._open:
            return Extent(0, circular=True)
        if id(schema) not in self._known:
            self._open.add(id(schema))
            self._known[id(schema)] = self._count(schema)
            self._open.remove(id(schema))
        return self._known[id(schema)]

    def _count(self, schema: JsonObject) -> Extent:
        count, circular = 0, False
        for each in objects_in(schema):
            count += 1
            for word in REFERENCES:
                target = self._at(each.get(word))
                if target is not None:
                    there = self.of(target)
                    count += there.objects
                    circular = circular or there.circular
        return Extent(count, circular)

    def _at(self, reference: Json) -> JsonObject | None:
        """What a reference means; None for one that the validator will refuse, too."""
        if not isinstance(reference, str):
            return None
        place, _, pointer = reference.partition("#")
        found: Json = self._named.get(place) if place else self._root
        if pointer and not pointer.startswith("/"):
            found = self._named.get(pointer)
        for step in pointer.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list):
                found = found[int(key)] if key.isdecimal() and int(key) < len(found) else None
            else:
                found = found.get(key) if is_object(found) else None
        return found if is_object(found) else None


def objects_in(value: Json) -> Iterator[JsonObject]:
    """Every object in a value, itself included."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
