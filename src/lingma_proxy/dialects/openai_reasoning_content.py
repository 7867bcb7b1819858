"""The `encrypted_content` of reasoning items: thinking that a client carries, but need not read.

It is not encrypted, for it hides nothing from the one whose conversation it is: a mark with
a version, then base64 of a checksum and JSON.  Content of another's, or damaged on its way,
is no error; there is just nothing to be read from it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from zlib import crc32

from lingma_proxy.conversation.request import Thinking
from lingma_proxy.jsonio import Json, dumpb, loads

MARK = "lingma-proxy-1."
CHECKSUM = 4
"""Bytes."""


def hidden(thinking: Thinking) -> str:
    said = dumpb([thinking.text, thinking.signature])
    checksum = crc32(said).to_bytes(CHECKSUM, "big")
    return MARK + urlsafe_b64encode(checksum + said).decode()


def revealed(content: Json) -> Thinking | None:
    """The thinking, with its signature; None if the content is not ours, or not whole."""
    if not isinstance(content, str) or not content.startswith(MARK):
        return None
    try:
        data = urlsafe_b64decode(content.removeprefix(MARK).encode("ascii"))
        checksum, said = data[:CHECKSUM], data[CHECKSUM:]
        if crc32(said).to_bytes(CHECKSUM, "big") != checksum:
            return None
        match loads(said):
            case [str(text), str(signature)]:
                return Thinking(text, signature)
            case _:
                return None
    except ValueError:
        return None
