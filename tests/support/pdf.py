"""Small PDFs, written by hand: objects, a table of where they are, a trailer."""

import zlib
from collections.abc import Mapping, Sequence

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def of_objects(objects: Mapping[int, bytes], root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, whatever they say."""
    written, places = bytearray(b"%PDF-1.7\n"), {}
    for number, content in objects.items():
        places[number] = len(written)
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = len(written)
    written += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        written += b"%d 1\n%010d 00000 n \n" % (number, place)
    size = max(objects) + 1
    written += b"trailer\n<< /Size %d /Root %d 0 R %b >>\n" % (size, root, trailer)
    return bytes(written + b"startxref\n%d\n%%%%EOF\n" % table)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def squeezed(content: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(content, 9), b"/Filter /FlateDecode " + entries)


def lines(text: str) -> bytes:
    """The content of a page that shows a text, in Latin letters, line by line."""
    shown = (
        line.translate({ord(letter): f"\\{letter}" for letter in "\\()"})
        for line in text.split("\n")
    )
    return (
        b"BT /F1 12 Tf 72 720 Td 14 TL "
        + b" T* ".join(f"({line}) Tj".encode("latin-1") for line in shown)
        + b" ET"
    )


def pages(contents: Sequence[bytes]) -> dict[int, bytes]:
    """The objects of a PDF whose pages have these contents, as streams."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * at) for at in range(len(contents)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(contents), kids),
        3: FONT,
    }
    for at, content in enumerate(contents):
        objects[4 + 2 * at] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (5 + 2 * at)
        )
        objects[5 + 2 * at] = content
    return objects


def pdf(*texts: str) -> bytes:
    """A PDF with a text on each page, in Latin letters."""
    return of_objects(pages([squeezed(lines(text)) for text in texts]))
