r"""Custom tools, whose input is text of any form, for models that know functions only.

A custom tool is offered as a function with one parameter, `input`, and what the model
writes there is the tool's input:

    {"input": "*** Begin Patch\n…"}    ▸    *** Begin Patch
                                            …

`InputReader` reads it while it is still being written.  A grammar is told in words, for
nobody here could hold the model to it.
"""

import re

from lingma_proxy.conversation.request import Tool
from lingma_proxy.dialects import openai_shared as shared
from lingma_proxy.dialects.openai_shared import kind_of, refused, string
from lingma_proxy.jsonio import Json, JsonObject, dumps, joined, loads

PARAMETER = "input"

OPENING = '{"input":"'
OPENED = re.compile(r'B\{B"input"B:B"'.replace("B", r"[ \t\r\n]{0,100}"))
LONGEST_OPENING = 4 * 100 + len(OPENING)
BLANKS = " \t\r\n"
WITHOUT_BLANKS = {ord(blank): None for blank in BLANKS}
SPECIAL = re.compile(r'["\\]')
ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
LONGEST_ESCAPE = 6
HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{4}")


# How it is offered.


def custom(value: JsonObject, place: str) -> Tool:
    """A custom tool `{name, description?, format?}` as a function."""
    name = shared.tool_name(value, place)
    described = string(value, "description", f"{place}.") or ""
    form = format_in_words(value.get("format"), f"{place}.format")
    return Tool(name, f"{described}\n\n{form}" if described else form, schema())


def schema() -> JsonObject:
    return {
        "type": "object",
        "properties": {
            PARAMETER: {"type": "string", "description": "The whole input of the tool, as text."}
        },
        "required": [PARAMETER],
        "additionalProperties": False,
    }


def format_in_words(value: Json, place: str) -> str:
    match value:
        case None | {"type": "text"}:
            return "The input is plain text."
        case {"type": "grammar", "grammar": {} as nested}:  # as Chat says it
            return format_in_words({"type": "grammar", **nested}, place)
        case {"type": "grammar", "syntax": str(syntax), "definition": str(definition)}:
            if syntax not in {"lark", "regex"}:
                raise refused(f"{place}.syntax", "is lark or regex.")
            kind = "Lark grammar" if syntax == "lark" else "regular expression"
            return (
                "The input is plain text, not JSON, and must match this"
                f" {kind} from its first character to its last:\n{definition}"
            )
        case {"type": "grammar"}:
            raise refused(place, "of type grammar has a syntax and a definition.")
        case {"type": str(kind)}:
            raise refused(place, f"of type {kind[:40]!r} is not supported.")
        case _:
            raise refused(place, f"is an object with a type, not {kind_of(value)}.")


# What a client says of such a call, and what the model wrote.


def as_arguments(input: str) -> str:
    """A call's input as the arguments of the function that stands for the tool."""
    return dumps({PARAMETER: input})


def as_input(arguments: str) -> str:
    """The input of a call whose arguments are complete."""
    reader = InputReader()
    return reader.feed(arguments) + reader.end()


class InputReader:
    """The value of `input`, out of arguments that come in fragments cut anywhere.

    What `feed` and `end` return, put together, is the same for every way to cut.  Arguments
    that are not what was asked for come out whole instead: text that is no JSON at once, an
    object of another form when it has ended.  Nothing is refused, and blanks are kept.
    """

    def __init__(self) -> None:
        self._raw: list[str] = []
        """All of the arguments."""
        self._waiting = ""
        """Text that cannot be judged yet: how it begins, or half of an escape."""
        self._held: list[str] = []
        """What stands behind the quote that ended the string, or did not."""
        self._state = self._begin

    def feed(self, fragment: str) -> str:
        self._raw.append(fragment)
        return self._state(fragment)

    def end(self) -> str:
        """The arguments are complete, or broke off: what was held back, if it is input."""
        waiting, self._waiting = self._waiting, ""
        state, self._state = self._state, self._pass
        if state == self._quote:
            return "�" if waiting.startswith("\\u") and HEXADECIMAL.match(waiting[2:]) else waiting
        if state == self._close:
            return self._closed("".join(self._held))
        if state == self._pass:
            return ""
        return whole("".join(self._raw))

    def _begin(self, fragment: str) -> str:
        text = self._waiting = self._waiting + fragment
        if found := OPENED.match(text):
            self._waiting = ""
            self._state = self._quote
            return self._quote(text[found.end() :])
        first = text.lstrip(BLANKS)[:1]
        if first not in {"", "{", '"'}:
            self._waiting = ""
            self._state = self._pass
            return text
        bare = text.translate(WITHOUT_BLANKS) if len(text) <= LONGEST_OPENING else "too long"
        if not OPENING.startswith(bare):
            self._waiting = ""
            self._state = self._collect
        return ""

    def _pass(self, fragment: str) -> str:
        return fragment

    def _collect(self, fragment: str) -> str:  # noqa: ARG002  # it is in `_raw` already
        return ""

    def _quote(self, fragment: str) -> str:
        """Inside of the string."""
        text, self._waiting = self._waiting + fragment, ""
        said: list[str] = []
        at = 0
        while found := SPECIAL.search(text, at):
            said.append(text[at : found.start()])
            at = found.start()
            if found[0] == '"':
                self._state = self._close
                self._held = [text[at + 1 :]]
                return "".join(said)
            taken = escape(text, at)
            if taken is None:
                self._waiting = text[at:]
                return "".join(said)
            value, at = taken
            said.append(value)
        said.append(text[at:])
        return "".join(said)

    def _close(self, fragment: str) -> str:
        """Behind the quote that ends the string, unless what follows says that it did not."""
        self._held.append(fragment)
        return ""

    def _closed(self, held: str) -> str:
        if held.strip(BLANKS) in {"", "}"}:
            return ""
        try:
            loads("".join(self._raw))
        except ValueError:
            # A quote that the model forgot to escape: it, and what follows, is input.
            return '"' + unquoted(held)
        return ""  # other parameters, which nobody asked for


def escape(text: str, at: int) -> tuple[str, int] | None:
    """What the escape there stands for, and where it ends; None if it is cut.

    A pair of surrogates is one escape; a half without its other half becomes U+FFFD.  A
    backslash that begins no escape stands for itself.
    """
    kind = text[at + 1 : at + 2]
    if not kind:
        return None
    if kind != "u":
        return ESCAPES.get(kind, f"\\{kind}"), at + 2
    end = at + LONGEST_ESCAPE
    digits = text[at + 2 : end]
    if not HEXADECIMAL.fullmatch(digits):
        if len(digits) < LONGEST_ESCAPE - 2 and re.fullmatch("[0-9A-Fa-f]*", digits):
            return None
        return "\\u", at + 2
    code = int(digits, 16)
    if not 0xD800 <= code < 0xDC00:
        return joined(chr(code)), end
    other = text[end : end + LONGEST_ESCAPE]
    if len(other) < LONGEST_ESCAPE and "\\u".startswith(other[:2]):
        if re.fullmatch(r"(\\(u[0-9A-Fa-f]*)?)?", other):
            return None
    elif other[:2] == "\\u" and HEXADECIMAL.fullmatch(digits := other[2:]):
        low = int(digits, 16)
        if 0xDC00 <= low < 0xE000:
            return joined(chr(code) + chr(low)), end + LONGEST_ESCAPE
    return "�", end


def unquoted(text: str) -> str:
    """The rest of a string whose end was not where a quote stood: up to its last quote."""
    trimmed = text.rstrip(BLANKS).removesuffix("}").rstrip(BLANKS)
    inside = trimmed[:-1] if trimmed.endswith('"') else text
    said: list[str] = []
    at = 0
    while (found := inside.find("\\", at)) >= 0:
        said.append(inside[at:found])
        value, at = escape(inside, found) or (inside[found:], len(inside))
        said.append(value)
    return "".join((*said, inside[at:]))


def whole(arguments: str) -> str:
    """The input in arguments of another form than the one that was asked for."""
    try:
        value = loads(arguments)
    except ValueError:
        return arguments
    match value:
        case str():
            return value
        case {"input": str(input)}:
            return input
        case dict() if not value:
            return ""
        case dict() if len(value) == 1 and isinstance(text := next(iter(value.values())), str):
            return text
        case _:
            return arguments
