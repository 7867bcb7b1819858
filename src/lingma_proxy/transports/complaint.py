r"""What a program complains of on its standard error, made fit for an error message.

    b"\x1b[31mError\x1b[0m: cannot read /home/me/.agent/key.json\n    at x.js:3"
        →  "Error: cannot read …/key.json"

The last few lines, without colours and control characters, without what looks like a key,
without the folders of this machine, and without the details that stand indented below a line.
"""

import re

KEPT = 8 * 1024
"""Bytes of what was said last."""
LINES = 3
"""How many of them are worth passing on."""
LONGEST = 200
"""Characters of a line."""

ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, movements
    r"|(?:\x1b\]|\x9d).{0,500}?(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
KEY = r"(?:api[-_]?key|access[-_]?key|token|secret|passw(?:or)?d|credential|cookie|signature)"
SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]{6,}"), r"\1 […]"),
    (
        re.compile(r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?)(?!bearer|basic)[^\"',;}]+"),
        r"\1[…]",
    ),
    (re.compile(r"(://)[^\s/@]+@"), r"\1[…]@"),
    (
        re.compile(rf"(?i)({KEY}[\w-]{{0,20}}[\"']?\s{{0,5}}[:=]\s{{0,5}}[\"']?)[^\s\"',;}}]+"),
        r"\1[…]",
    ),
    (re.compile(rf"(?i)(--[\w-]{{0,20}}{KEY}[\w-]{{0,20}}\s+)[^\s-]\S*"), r"\1[…]"),
    (
        re.compile(r"\b(?:sk|pk|pt|rk|ghp|gho|ghu|ghs|github_pat|glpat|xox[a-z])[-_][\w-]{8,}"),
        "[…]",
    ),
    (re.compile(r"\b(?:AKIA|LTAI|AIza|eyJ)[\w-]{6,}(?:\.[\w-]+)*"), "[…]"),
    (re.compile(r"[A-Za-z0-9+/=_.-]{40,}|[A-Za-z0-9+=_-]{32,}"), "[…]"),
)
"""What looks like a key, and what is said in its place."""
FOLDERS: tuple[re.Pattern[str], ...] = (
    re.compile(r"(?:file://|(?<![\w.~/:…-]))/(?:[^\s/\"'`:;,()<>]+/)+"),
    re.compile(r"(?<!\w)[A-Za-z]:[\\/](?:[^\\/\"'`:;<>|\n]+[\\/])*"),
    re.compile(r"(?<![\w\\])\\\\[?.\w-]+\\(?:[^\\\"'`:;<>|\n]+\\)*"),
)
"""Absolute paths, up to the last name in them."""
NO_NEWS = re.compile(r"Traceback \(most recent call last\):|[^\w]*")


class Tail:
    """Fed bytes; keeps the last of them."""

    def __init__(self) -> None:
        self._kept = b""
        self._cut = False
        """Whether something came before it."""

    def feed(self, chunk: bytes) -> None:
        kept = self._kept + chunk
        self._cut = self._cut or len(kept) > KEPT
        self._kept = kept[-KEPT:]

    def text(self) -> str:
        kept = self._kept
        if self._cut:
            # Half a line may be half a key, which nobody would know for one.
            kept = kept.partition(b"\n")[2]
        return fit(kept.decode("utf-8", "replace"))


def fit(text: str) -> str:
    """The last lines, on one line; "" when there is nothing to say."""
    lines = [line.rstrip() for line in ESCAPES.sub("", text).splitlines()]
    lines = [line for line in lines if not NO_NEWS.fullmatch(line.strip())]
    plain = [line for line in lines if not line[0].isspace()] or lines
    return " | ".join(_fit(line) for line in plain[-LINES:])


def _fit(line: str) -> str:
    line = "".join(letter for letter in " ".join(line.split()) if letter.isprintable())
    for folder in FOLDERS:
        line = folder.sub("…/", line)
    for secret, instead in SECRETS:
        line = secret.sub(instead, line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
