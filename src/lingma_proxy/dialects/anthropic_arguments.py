"""A call's arguments as the object that `input` is, also when they were cut.

A reply that ran into a limit may end in the middle of a call.  The official SDKs, which
fold the fragments of a stream, keep what is complete of it: whole strings, numbers that
end in a digit, the containers around them.  An unstreamed reply says the same.
"""

import re

from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import JsonObject, loads

TOKEN = re.compile(r'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[-+.0-9a-zA-Z]+|[{}\[\]:,])', re.DOTALL)
WHOLE_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
CLOSER = {"{": "}", "[": "]"}


def as_input(name: str, arguments: str, *, cut: bool) -> JsonObject:
    """`cut`: the reply did not come to its own end, so neither may this.

    Raises ProtocolError if the arguments are not (the beginning of) a JSON object.
    """
    if not arguments.strip():
        return {}
    try:
        value = loads(complete_part(arguments) if cut else arguments)
    except ValueError as error:
        raise ProtocolError(
            f"the model called {name} with arguments that are not JSON ({error}); ask it again"
        ) from None
    if not isinstance(value, dict):
        raise ProtocolError(
            f"the model called {name} with arguments that are not an object; ask it again"
        )
    return value


def complete_part(text: str) -> str:
    """The longest beginning of a JSON text that is complete, with its brackets closed."""
    closers: list[str] = []
    kept = ""
    at = end = 0
    value_next = True
    while token := TOKEN.match(text, at):
        at = token.end()
        match token[1]:
            case "{" | "[" as opener:
                closers.append(CLOSER[opener])
                value_next = opener == "["
            case "}" | "]":
                if not closers:
                    break
                closers.pop()
                value_next = False
            case ":":
                value_next = True
                continue
            case ",":
                value_next = closers[-1:] == ["]"]
                continue
            case scalar:
                if not value_next:
                    continue  # a key, which counts once its value does
                if at == len(text) and scalar[0] != '"' and not WHOLE_SCALAR.fullmatch(scalar):
                    break
                value_next = False
        end, kept = at, "".join(reversed(closers))
        if not closers:
            break
    return text[:end] + kept
