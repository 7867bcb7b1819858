"""A file as text: its pages, if it is a PDF; or itself, if it decodes as text.

What a client calls a file decides little, for clients guess: a PDF is what begins like one, a
text is what decodes as UTF-8 (or as a byte order mark or the `charset` of its media type says)
and holds no NUL.  So source code, CSV, JSON, HTML and Markdown are texts whatever they are
called, and are passed on to the letter, markup and all.  Office files are neither.
"""

import codecs
from collections.abc import Callable, Sequence

from lingma_proxy.documents.pdf import is_pdf, pages_of
from lingma_proxy.documents.unreadable import Unreadable
from lingma_proxy.jsonio import dumps

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks; of two that begin alike, the longer first."""
KINDS = {
    b"PK\x03\x04": "an Office file, an e-book or an archive",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x1f\x8b": "compressed",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
}
"""What files are that are no text, by their first bytes."""
MOST_CHARACTERS = 8_000_000


def text_of(
    data: bytes,
    media_type: str,
    *,
    most_pages: int,
    check: Callable[[], None] = lambda: None,
) -> str | Sequence[str]:
    """The text of a file, or the texts of its pages.  Raises Unreadable.

    Takes a while if it is long: use a thread.  `check` raises Unreadable to stop.
    """
    if is_pdf(data):
        return pages_of(data, most_pages=most_pages, check=check)
    for start, kind in KINDS.items():
        if data.startswith(start):
            raise Unreadable(f"is {kind}, which is not read here. Send it as a PDF or as text.")
    if media_type.partition(";")[0].strip() == "application/pdf":
        raise Unreadable("is called a PDF and is none. Send it as it is, or send its text.")
    text = _decoded(data, media_type)
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"has more than {MOST_CHARACTERS} characters. Send what matters of it.")
    return text


def _decoded(data: bytes, media_type: str) -> str:
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "")
    try:
        text = data.decode(encoding or _charset(media_type) or "utf-8")
    except (UnicodeError, LookupError):
        text = "\0"
    if "\0" in text:
        raise Unreadable(
            "is neither a PDF nor a text (in UTF-8), and nothing else is read here. Send its text."
        )
    return text


def _charset(media_type: str) -> str:
    """The encoding that a media type names, if it is one of texts."""
    for parameter in media_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            try:
                found = codecs.lookup(value.strip(" \"'"))
            except (LookupError, ValueError):
                return ""
            # US-ASCII is what a data URL is by default, and then nobody has looked.
            return found.name if found._is_text_encoding and found.name != "ascii" else ""  # noqa: SLF001
    return ""


def framed(text: str | Sequence[str], title: str = "", context: str = "") -> str:
    """A document as a model is shown it: between tags that name it, its pages numbered."""
    labels = {"title": title, "context": context}
    if not isinstance(text, str):
        labels["pages"] = str(len(text))
        text = "\n".join(
            f'<page number="{number}">\n{page or "(no text on this page)"}\n</page>'
            for number, page in enumerate(text, 1)
        )
    head = "".join(f" {name}={dumps(value)}" for name, value in labels.items() if value)
    return f"<document{head}>\n{text}\n</document>"
