"""What kind of picture some bytes are, by how they begin.

What a client calls a picture is often wrong (a JPEG named `.png`), and sometimes it is no
picture at all.  The first bytes tell (WHATWG MIME Sniffing, section 6.1; HEIF: ISO/IEC
23008-12, the brand in the `ftyp` box).
"""

BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)
BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
}


def media_type(data: bytes) -> str | None:
    """`image/png` and so on; None for what is no picture that we know."""
    for beginning, kind in BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12])
    return None
