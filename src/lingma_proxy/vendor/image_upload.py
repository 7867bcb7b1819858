"""The upload of a picture, by which it becomes a link that a chat can name.

    POST /algo/api/v2/image/upload?request_id=<id>
    {"ImageUri": "data:image/png;base64,…" or a link, "RequestId": "<id>"}
    ◂ {"Data": {"Success": true, "ImageUrl": "https://cdn…", "RequestId": "<id>"}}

The id is 32 hexadecimal digits, the same in both places; the query is not signed
(`protocol/remote.md` A.5).  One implementation asks without `/algo`, so there are two paths
(`disagreements.md`, D-12).  The body is never encoded.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from urllib.parse import urlsplit

from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    ImageLink,
    Part,
    Shown,
    ToolResult,
)
from lingma_proxy.errors import BackendRefused, InvalidRequest, ProtocolError, ProxyError
from lingma_proxy.jsonio import JsonObject, an_object, dumpb, is_object, loads
from lingma_proxy.vendor.refusals import FINE, code_and_message, quoted, refusal, status_in
from lingma_proxy.wire import data_url

PATHS = ("/algo/api/v2/image/upload", "/api/v2/image/upload")
"""In the order in which they are tried; the second is for a 404 on the first."""
LONGEST_LINK = 8192
HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
"""A name of the public web: with a dot, and no address of numbers."""
WEB = ("https://", "http://")


def query(request_id: str) -> str:
    return f"?request_id={request_id}"


def encode(picture: Image | ImageLink, request_id: str) -> bytes:
    """The body.  Raises InvalidRequest for a link that the vendor could not fetch.

    A large picture takes some milliseconds: use a thread.
    """
    match picture:
        case Image(media_type, data):
            uri = data_url.encode(media_type, data)
        case ImageLink(url):
            if not (url[:8].lower().startswith(WEB) or data_url.is_data_url(url)):
                raise InvalidRequest(
                    "Lingma takes pictures as themselves or as http(s) links; this one is neither.",
                    param="messages",
                )
            uri = url
    return dumpb({"ImageUri": uri, "RequestId": request_id})


def decode(body: bytes) -> str:
    """The link.  Raises the refusal that comes instead, or ProtocolError."""
    try:
        answer = loads(body)
    except ValueError:
        answer = None
    if not is_object(answer):
        begins = quoted(body[:200].decode("utf-8", "replace"), 100) or "nothing"
        raise ProtocolError(f"Lingma answered the upload with: {begins}")
    data = an_object(answer.get("Data"))
    match data:
        case {"Success": True, "ImageUrl": str(url)}:
            return _trusted(url)
        case _:
            raise _refused(data, answer)


def _trusted(url: str) -> str:
    """A link as a CDN has it: what it leads to is told to a model as the client's own."""
    try:
        split = urlsplit(url)
        sound = (
            split.scheme == "https"
            and HOST.fullmatch((split.hostname or "").lower()) is not None
            and split.username is None
            and split.password is None
            and split.port in {None, 443}
        )
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url or len(url) > LONGEST_LINK:
        raise ProtocolError(
            f"Lingma answered the upload with {quoted(url, 60)!r}, which is no https"
            " link to a host of the web, and is not used."
        )
    return url


def _refused(said: JsonObject, whole: JsonObject) -> ProxyError:
    """Why there is no link, in whichever of the vendor's spellings."""
    for each in (_lowered(said), _lowered(whole)):
        code, message = code_and_message(each)
        if code not in FINE:
            return refusal(status_in(each), code, message)
        if message:
            return BackendRefused(f"Lingma says: {quoted(message)}.", upstream=502)
    return BackendRefused("Lingma did not take it, and did not say why.", upstream=502)


def _lowered(said: JsonObject) -> JsonObject:
    """`ErrorCode` as `errorCode`, and so on."""
    return {name[:1].lower() + name[1:]: value for name, value in said.items()}


def fingerprint(picture: Image | ImageLink) -> bytes:
    """The same for the same picture.  A large one takes some milliseconds: use a thread."""
    match picture:
        case Image(media_type, data):
            digest = blake2b(data, digest_size=16)
            digest.update(b"\0image\0" + media_type.encode("utf-8", "surrogatepass"))
        case ImageLink(url):
            digest = blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16)
            digest.update(b"\0link\0")
    return digest.digest()


def linked(request: ChatRequest, links: Iterable[str]) -> ChatRequest:
    """The request with a link for each of its pictures, in their order."""
    rest = iter(links)
    messages = [
        replace(message, parts=tuple(_linked(message.parts, rest))) for message in request.messages
    ]
    return replace(request, messages=tuple(messages))


def _linked(parts: Iterable[Part], links: Iterator[str]) -> Iterator[Part]:
    for part in parts:
        match part:
            case Image() | ImageLink():
                yield ImageLink(next(links))
            case ToolResult(_, content):
                yield replace(part, content=tuple(_shown(piece, links) for piece in content))
            case _:
                yield part


def _shown(piece: Shown, links: Iterator[str]) -> Shown:
    return ImageLink(next(links)) if isinstance(piece, Image | ImageLink) else piece
