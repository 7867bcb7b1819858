r"""Which names are those of credentials, and the values that stand behind such names.

    "api_key": "…"      in JSON, at any depth of strings that hold JSON (\"api_key\": \"…\")
    api_key=…           in addresses, in the shell, in settings files
    Authorization: …    in headers

A name is looked at by its words, however they are joined: apiKey, API_KEY and x-api-key.
Everything here takes time that grows with what there is to read, and no faster.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from lingma_proxy.recording.spans import LONGEST_NAME, Span

ALWAYS = frozenset(
    (
        "password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets",
        "authorization", "cookie", "cookies", "credential", "credentials", "apikey", "apikeys",
        "apitoken", "authtoken", "accesstoken", "refreshtoken", "idtoken", "accesskey",
        "privatekey", "secretkey", "machineid", "jwt",
    )
)  # fmt: skip
"""The last word of a name that is one in any company."""
KEYS = frozenset(
    (
        "access", "account", "anthropic", "api", "app", "auth", "azure", "client", "consumer",
        "cosy", "dashscope", "deepseek", "deploy", "encryption", "gemini", "google", "groq",
        "master", "mistral", "openai", "openrouter", "private", "secret", "service", "session",
        "shared", "signing", "ssh", "storage", "stripe", "subscription",
    )
)  # fmt: skip
"""What stands before `key` where the key opens something: not `cache_key`, not `primary_key`."""
COUNTED = frozenset(
    (
        "begin", "bos", "cls", "completion", "continuation", "count", "cached", "decoder", "eos",
        "first", "image", "input", "last", "mask", "max", "min", "new", "next", "num", "output",
        "pad", "page", "per", "prefix", "prompt", "reasoning", "sep", "special", "start", "stop",
        "sync", "thinking", "total", "unk",
    )
)  # fmt: skip
"""What stands before `token` where it is a piece of text, a number of them, or a page's."""

ENDS = (
    b"key", b"eys", b"ken", b"ens", b"ret", b"ets", b"ord", b"rds", b"swd", b"pwd", b"kie",
    b"ies", b"ial", b"als", b"nfo", b"_id", b"-id", b"eid", b"ase", b"jwt",
)  # fmt: skip
"""How such names end: the three letters before the sign are all that most of a text is asked.

`authorization` is looked for by its own rare letter: `description` ends like it.
"""


def _charset(at: int) -> bytes:
    letters = sorted({end[at : at + 1] for end in ENDS})
    both = b"".join(letters) + b"".join(letters).upper()
    return b"[" + bytes(sorted(set(both))).replace(b"-", b"") + (b"-]" if b"-" in both else b"]")


_END = b"".join(map(_charset, range(3)))
SIGN = (
    re.compile(
        rb':(?:(?<=%b":)|(?<=%b:)|(?<=%b\\":)|(?<=%b\':)|(?<=%b\\\\\\":)|(?<=%b" :))'
        % ((_END,) * 6)
    ),
    re.compile(rb"=(?:(?<=%b=)|(?<=%b =)|(?<=%b\"=)|(?<=%b\\\"=)|(?<=%b'=))" % ((_END,) * 5)),
)
"""What stands between a name and its value.  Each begins with a byte that is quickly found."""
AUTHORIZATION = (
    re.compile(rb"z(?<=uthoriz)ation\\*[\"']? ?([:=])"),
    re.compile(rb"Z(?<=UTHORIZ)ATION\\*[\"']? ?([:=])"),
)
IN_NAMES = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123)) + b"_.-"
QUOTED = re.compile(rb"[ \t\r\n]*(\\*)([\"'])")
LIST = re.compile(rb"[ \t\r\n]*\[")
NEXT = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*(?=\\*\")")
DIGIT = re.compile(rb"[0-9]")
ESCAPES = (b"n", b"r", b"t", b"b", b"f")
NUMBER = re.compile(rb"[ \t\r\n]*(-?[0-9][0-9.eE+-]{2,})(?=[ \t\r\n]*[,}\]\\])")
LINE = re.compile(rb"[ \t]*([^\r\n\"'\\]{4,})")
WORD = re.compile(rb"[ \t]*([^\s\"'\\&;,<>(){}\[\]|`]{4,})(?=[\s\"'\\&;,<>)}\]|`]|\Z)")
REST = re.compile(rb"[^\s\"'\\&;,<>(){}\[\]|`]*")
LONGEST = 4096
"""Bytes of a value without quotes that are looked at; of one that is taken goes all of it."""
QUOTES = {b'"': re.compile(rb'(\\{0,64})"'), b"'": re.compile(rb"(\\{0,64})'")}
SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
REFERENCE = re.compile(
    rb"\$|%[A-Z_]+%|\{\{|<[^>]*>|\[(?:redacted|[a-z0-9.+-]+/)|\*+\Z|\.\.\.|process\.env|os\.(?:env|getenv)"
    rb"|(?:none|null|true|false|undefined|string|str|bytes)\b",
    re.IGNORECASE,
)
"""What only says where a value comes from, or that there is none."""


FIELD = re.compile(rb"([A-Za-z0-9_.-]+)\\*\"")
MOST_NAMES = 4096
_harmless: set[bytes] = set()
"""Fields as they stand behind their first quote, that name no credential: a look-up for each."""


@lru_cache(MOST_NAMES)
def credential(name: bytes) -> tuple[str, bool] | None:
    """What the name says it is, in words, and whether whatever stands there is taken; None: no."""
    words = [word.lower() for word in SPLIT.findall(name.decode())]
    if not words:
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    label = " ".join(words[-3:])
    if last in ALWAYS or words[-3:] == ["encrypt", "user", "info"]:
        return (label, True)
    if (before, last) == ("machine", "id"):
        return (label, True)
    if last in {"key", "keys"}:
        return (label, True) if KEYS.intersection(words[:-1]) else None
    if last == "token":
        return None if COUNTED.intersection(words[:-1]) else (label, False)
    if last == "tokens":
        return (label, False) if {"access", "refresh", "auth"}.intersection(words) else None
    return None


def named(data: bytes, at: int, window: int) -> Iterator[Span]:
    """Values of credentials whose sign stands in `data[at:window]`."""
    for pattern in SIGN:
        yield from signed(pattern, data, at, window)


def authorization(data: bytes, at: int, window: int) -> Iterator[Span]:
    """The same, of the one whose name is looked for by itself."""
    for pattern in AUTHORIZATION:
        yield from signed(pattern, data, at, window)


def signed(pattern: re.Pattern[bytes], data: bytes, at: int, window: int) -> Iterator[Span]:
    taken = 0
    for match in pattern.finditer(data, at, min(len(data), window + 16)):
        sign = match.end() - 1
        if sign < taken:
            continue  # it is part of a value
        if harmless(data, sign):
            continue
        for span in behind(data, sign, match[0][-1:]):
            taken = span.end
            yield span


def harmless(data: bytes, sign: int) -> bool:
    """Whether the field before the sign is known to be no credential, as nearly all are."""
    begin = data.rfind(b'"', max(0, sign - LONGEST_NAME), sign - 1) + 1
    field = data[begin:sign]
    if field in _harmless:
        return True
    name = FIELD.fullmatch(field) if begin else None
    if name is None or credential(name[1]) is not None:
        return False
    if len(_harmless) >= MOST_NAMES:
        _harmless.clear()
    _harmless.add(field)
    return True


def behind(data: bytes, sign: int, kind: bytes) -> Iterator[Span]:
    """The value behind the sign, if what stands before it names a credential."""
    before = data[max(0, sign - LONGEST_NAME) : sign].rstrip(b" \t")
    quote = before[-1:] if before[-1:] in {b'"', b"'"} else b""
    bare_name = before[: -len(quote)].rstrip(b"\\") if quote else before
    start = bare_name.rstrip(IN_NAMES)
    word = bare_name[len(start) :]
    if start[-1:] == b"\\" and word[:1] in ESCAPES:
        word = word[1:]  # in JSON a line may begin with an `n` that is none of its own
    found = credential(word)
    if found is None:
        return
    label, whatever = found
    quoted = QUOTED.match(data, sign + 1)
    if quoted is not None:
        yield from strings(data, quoted, label, least=1 if whatever else 8)
    elif (begin := LIST.match(data, sign + 1)) and (quoted := QUOTED.match(data, begin.end())):
        yield from strings(data, quoted, label, least=4, many=True)
    elif quote:
        number = NUMBER.match(data, sign + 1)
        if number is not None and whatever:
            yield Span(*number.span(1), label, before[len(bare_name) :])
    else:
        in_address = start[-1:] in {b"?", b"&"} or (kind == b"=" and word.isupper())
        yield from bare(data, sign, kind, label, in_address=in_address)


def bare(data: bytes, sign: int, kind: bytes, label: str, *, in_address: bool) -> Iterator[Span]:
    """A value without quotes, if it is one: in code a name or a call is no secret."""
    if kind == b":" and label.rpartition(" ")[2] in {"authorization", "cookie"}:
        found = LINE.match(data, sign + 1, sign + 1 + LONGEST)
    else:
        found = WORD.match(data, sign + 1, sign + 1 + LONGEST)
    if found is None or unnamed(found[1]):
        return
    value = found[1]
    random = len(value) >= 6 and (DIGIT.search(value) is not None or len(value) >= 24)
    if in_address or found.re is LINE or (random and b"." not in value[:-1]):
        rest = REST.match(data, found.end()) if len(value) > LONGEST // 2 else None
        yield Span(found.start(1), rest.end() if rest else found.end(), label)


def strings(
    data: bytes, quoted: re.Match[bytes], label: str, *, least: int, many: bool = False
) -> Iterator[Span]:
    """The text in quotes, and with `many` all those that follow it in a list."""
    found: re.Match[bytes] | None = quoted
    while found is not None:
        begin = found.end()
        end = closed(data, begin, found[2], len(found[1]))
        value = data[begin : min(end, begin + 256)]
        if end - begin >= least and not unnamed(value) and (least < 8 or b" " not in value):
            yield Span(begin, end, label)
        if not many:
            return
        more = NEXT.match(data, end + len(found[1]) + 1)
        found = None if more is None else QUOTED.match(data, more.end())


def closed(data: bytes, begin: int, quote: bytes, depth: int) -> int:
    """Where a string ends whose quotes have so many backslashes before them.

    Inside a string of a string each level doubles the backslashes and adds one: those before a
    quote that ends this level are as many as before its first, and any number of pairs of this
    level's own.
    """
    modulus = 2 * (depth + 1)
    for match in QUOTES[quote].finditer(data, begin):
        slashes = len(match[1])
        if slashes % modulus == depth:
            return match.end() - 1 - depth
        if slashes < depth:
            return match.start()  # the string around it ends: it was cut, or was no such string
    return len(data)


def unnamed(value: bytes) -> bool:
    return REFERENCE.match(value) is not None
