r"""JSON that is almost JSON, read with good will: a comma too many, a bracket too few, a key bare.

The library guesses; so it is only asked about what stands between strings.  Each string is
put aside before and put back after, as it was, and must be in its place:

    {path: "a “b” c", "text": "x",}   ─▶   {path: "~0", "~1": "~2",}   ─▶   repaired, put back

When the strings themselves are not well formed (a quote within that should have been escaped),
the library sees it all, and each string of its answer must stand in the text word for word.

Either way no word or number may be lost, and none may come from nowhere.
"""

import json
import re
from collections.abc import Iterator

from lingma_proxy.jsonio import Json

MOST = 8_000
"""Characters between strings.  The library takes up to 5 µs for each, and nothing interrupts it."""

STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*("|\\?\Z)', re.DOTALL)
"""A string, or what may have been meant as one: it always matches, so that no quote within is
tried as another beginning."""
ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|)')
NO_WORD = re.compile(r"[\W_]+")


def mended(text: str) -> Json:
    """The value that the text can only mean; None if that cannot be told."""
    import json_repair  # noqa: PLC0415  # few need it, and a start without it is quicker

    strings: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        if match[1] != '"':
            return match[0]
        strings.append(_meant(match[0]))
        return f'"~{len(strings) - 1}"'

    outline = STRING.sub(put_aside, text)
    if len(outline) > MOST:
        return None
    try:
        value = json_repair.loads(outline, skip_json_loads=True)
        leaves = [*_leaves(value)]
        if _words(outline) == _words(*leaves) and [
            leaf for leaf in leaves if leaf.startswith("~")
        ] == [f"~{number}" for number in range(len(strings))]:
            return _put_back(value, strings)
        if len(text) > MOST:
            return None
        value = json_repair.loads(text, skip_json_loads=True)
        text, leaves = _unescaped(text), [*_leaves(value)]
    except (ValueError, RecursionError):
        return None  # nested beyond all reason
    return value if _words(text) == _words(*leaves) and _stand_in(text, leaves) else None


def closed_by_itself(text: str) -> bool:
    """Whether every bracket is closed in the end, though in between it is not JSON."""
    outline = STRING.sub(lambda found: "" if found[1] == '"' else found[0], text).rstrip()
    return (
        outline.endswith(("}", "]"))
        and '"' not in outline
        and outline.count("{") == outline.count("}")
        and outline.count("[") == outline.count("]")
    )


def _meant(string: str) -> str:
    """A string's text.  A backslash that escapes nothing is one."""
    text: str = json.loads(
        ESCAPE.sub(lambda found: found[0] if len(found[0]) > 1 else r"\\", string), strict=False
    )
    return text


def _unescaped(text: str) -> str:
    return ESCAPE.sub(
        lambda found: json.loads(f'"{found[0]}"') if len(found[0]) > 1 else "\\", text
    )


def _leaves(value: Json) -> Iterator[str]:
    """All that is no bracket, keys too, in order."""
    match value:
        case str():
            yield value
        case dict():
            for key, item in value.items():
                yield key
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case _:
            yield json.dumps(value)


def _words(*texts: str) -> str:
    """Letters and digits alone, so that two texts can be compared."""
    return NO_WORD.sub("", "".join(texts)).lower().replace("none", "null")


def _put_back(value: Json, strings: list[str]) -> Json:
    match value:
        case str() if value.startswith("~"):
            return strings[int(value[1:])]
        case dict():
            return {_put_back(k, strings): _put_back(item, strings) for k, item in value.items()}
        case list():
            return [_put_back(item, strings) for item in value]
        case _:
            return value


def _stand_in(text: str, leaves: list[str]) -> bool:
    """Whether they are in the text, one after the other.  Words may be spelled in Python's way."""
    text, at = text.lower().replace("none", "null"), 0
    for leaf in leaves:
        at = text.find(leaf.lower().replace("none", "null"), at)
        if at < 0:
            return False
        at += len(leaf)
    return True
