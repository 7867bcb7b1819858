"""The text of a PDF, page by page, within bounds.

pypdf reads it.  A PDF is a program of sorts, and a hostile one would have its reader count to
infinity, so there are bounds on all that it can multiply: pages, decompressed bytes, operators,
characters, and time.  Nothing can stop a thread from outside; so the time is looked at wherever
pypdf comes back to us: when it reads from the file, at each operator, at each page.  Between
two looks the other bounds hold.

The text of a page is what is written on it.  One that is a photograph has none.
"""

import logging
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from lingma_proxy.documents.unreadable import Unreadable

MOST_CHARACTERS = 4_000_000
"""Of text: a long novel has one million.  No model reads as much."""
MOST_DECOMPRESSED = 16 * 2**20
"""Bytes of one stream.  Pictures are not looked at; a page of text has some thousand."""
MOST_OPERATORS = 500_000
"""Of one page."""
MOST_ENTRIES = 20_000
"""Of the tree of pages, and of tables of contents and the like."""
MOST_REFERENCES = 500_000
SELDOM = 64
"""Reads between two looks at the clock."""

START = re.compile(rb"%PDF-\d")
HEAD = 1024
"""Bytes in which a PDF must begin; readers have always allowed something before it."""

DAMAGED = "is damaged, or no PDF that can be read. Save it anew, or send its text."

# It says what it finds wrong in the words of the file, which are not for logs.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def is_pdf(data: bytes) -> bool:
    return START.search(data, 0, HEAD) is not None


def pages_of(
    data: bytes, *, most_pages: int, check: Callable[[], None] = lambda: None
) -> list[str]:
    """The text of each page, "" for one without.  Takes a while: use a thread.

    `check` is called all the time, and raises Unreadable to stop.  Raises Unreadable, also
    when there is no text at all.
    """
    from pypdf import PdfReader, apply_configuration  # noqa: PLC0415 — a third of a second
    from pypdf.errors import DependencyError, LimitReachedError  # noqa: PLC0415

    with apply_configuration(
        zlib_maximum_output_length=MOST_DECOMPRESSED,
        lzw_maximum_output_length=MOST_DECOMPRESSED,
        run_length_maximum_output_length=MOST_DECOMPRESSED,
        array_based_stream_maximum_output_length=MOST_DECOMPRESSED,
        stream_decoding_work_maximum_length=4 * MOST_DECOMPRESSED,
        stream_parsing_work_maximum_count=MOST_OPERATORS,
        page_tree_maximum_entries=MOST_ENTRIES,
        outline_maximum_entries=MOST_ENTRIES,
        form_fields_maximum_entries=MOST_ENTRIES,
        named_destinations_maximum_entries=MOST_ENTRIES,
        jbig2dec_binary=None,  # nothing is executed
    ):
        try:
            reader = PdfReader(_Watched(data, check), xref_stream_maximum_entries=MOST_REFERENCES)
            if reader.is_encrypted and not reader.decrypt(""):
                raise Unreadable("is locked with a password. Send it unlocked.")
            found = _texts(reader, most_pages, check)
        except Unreadable:
            raise
        except (LimitReachedError, MemoryError):
            raise Unreadable("is too complicated to be read. Send its text.") from None
        except DependencyError:
            raise Unreadable(
                "is encrypted in a way that cannot be read. Send it unlocked."
            ) from None
        except Exception as error:
            # pypdf lets out whatever it stumbles over in bytes that may be anything
            # (KeyError, RecursionError, zlib.error, …); to the client it is one thing.
            raise Unreadable(DAMAGED) from error
    if not any(page.strip() for page in found):
        raise Unreadable(
            "has no text: its pages are pictures, as a scanner makes them. Send them as pictures,"
            " or send a PDF with text (OCR)."
        )
    return found


def _texts(reader: Any, most_pages: int, check: Callable[[], None]) -> list[str]:
    count = len(reader.pages)
    if count > most_pages:
        raise Unreadable(
            f"has {count} pages, more than the {most_pages} that are read (`document_max_pages`)."
            " Send the pages that matter."
        )

    def look(*_: object) -> None:
        check()

    found: list[str] = []
    left = MOST_CHARACTERS
    for page in reader.pages:
        check()
        text = page.extract_text(visitor_operand_before=look)
        # Fonts can name half of a character, or nothing.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
        found.append(text)
        left -= len(text)
        if left < 0:
            raise Unreadable(
                f"holds more than {MOST_CHARACTERS} characters. Send the pages that matter."
            )
    return found


class _Watched(BytesIO):
    """A file that looks at the clock while it is read."""

    def __init__(self, data: bytes, check: Callable[[], None]) -> None:
        super().__init__(data)
        self._check = check
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads % SELDOM == 0:
            self._check()
        return super().read(size)
