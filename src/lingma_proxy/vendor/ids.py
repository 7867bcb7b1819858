"""Ids as the vendor's clients make them: random UUIDs (RFC 9562 section 5.4), twice spelled.

Each request needs several, and the standard library's take ten times as long.
"""

from secrets import token_hex


def new_id() -> str:
    """32 hexadecimal digits: a UUID without its dashes."""
    random = token_hex(16)
    return f"{random[:12]}4{random[13:16]}{'89ab'[int(random[16], 16) % 4]}{random[17:]}"


def dashed(id: str) -> str:
    return f"{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}"
