r"""Text that strangers wrote, as it may stand on a terminal.

A terminal obeys control characters: what a client or a model sent could clear the screen, set
its title or write text backwards.  Where people read, such a character is shown by its number
(`\x1b`); in JSON it is escaped (`\u009b`), which means the same to every reader.
"""

import re

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of what follows
    "\u2028\u2029"  # the ends of lines, to some
    "\ud800-\udfff]"  # halves of characters, which cannot be written at all
)


def harmless(text: str) -> bool:
    """Whether there is nothing in it that a terminal would obey, besides tab and line feed."""
    return OBEYED.search(text) is None


def visible(text: str) -> str:
    """For people.  The ends of lines become line feeds."""
    return OBEYED.sub(_by_number, text.replace("\r\n", "\n"))


def on_one_line(text: str) -> str:
    """The same, for a cell of a table: whatever is blank is one blank."""
    return visible(" ".join(text.split()))


def escaped(json: str) -> str:
    """JSON that says the same and is harmless.  (Such characters stand only in its strings.)"""
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def _by_number(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
