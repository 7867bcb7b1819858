"""Reads a transcript back, as strictly as it can be read.

It knows the format from the docstring of `conversation.transcript`, and shares nothing with it
but the preambles.
"""

import re
from dataclasses import dataclass

from lingma_proxy.conversation.transcript import GOES_ON, PREAMBLE

SECTION = re.compile(r'<message((?: [a-z]+="[^"<>\n]*")+)>(.*?)</message>(?:\n(?=<)|\Z)', re.DOTALL)
ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
ESCAPED = re.compile(r"<\\(\\*/?message)(?![A-Za-z0-9_])", re.IGNORECASE | re.ASCII)
LIKE_A_TAG = re.compile(r"</?message(?![A-Za-z0-9_])", re.IGNORECASE | re.ASCII)
"""Anything that a careless reader may take for a tag."""


@dataclass(frozen=True)
class Section:
    role: str
    text: str
    attributes: dict[str, str]


def read_transcript(text: str) -> list[Section]:
    for preamble in (PREAMBLE, GOES_ON):
        text = text.removeprefix(preamble)
    sections: list[Section] = []
    at = 0
    while at < len(text):
        found = SECTION.match(text, at)
        assert found is not None, f"no section at {text[at : at + 80]!r}"
        attributes = {name: _plain(value) for name, value in ATTRIBUTE.findall(found[1])}
        assert LIKE_A_TAG.search(found[2]) is None, "a text poses as a message"
        sections.append(Section(attributes.pop("role"), ESCAPED.sub(r"<\1", found[2]), attributes))
        at = found.end()
    assert len(LIKE_A_TAG.findall(text)) == 2 * len(sections)
    return sections


def _plain(value: str) -> str:
    return re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), value)
