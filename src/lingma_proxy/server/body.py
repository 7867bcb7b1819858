"""The body of a request, within bounds of size and time, and understood."""

import asyncio
import zlib
from collections.abc import Callable
from typing import TypeVar

from aiohttp import HttpVersion11, web

from lingma_proxy.aside import LONG, aside
from lingma_proxy.conversation.notes import Body
from lingma_proxy.errors import InvalidRequest, RequestTimeout, RequestTooLarge
from lingma_proxy.jsonio import JsonObject, is_object, loads

PATIENCE = 60.0
"""Seconds for the whole body: generous for a local client, an end for a dead one."""

COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress"})
"""Ways to compress that the standard library cannot undo."""
EITHER = 47
"""zlib's word for: the head says whether it is gzip or zlib."""
BARE = -15
"""zlib's word for: there is no head.  Some send this as `deflate`."""

T = TypeVar("T")


async def understood(
    request: web.BaseRequest,
    decode: Callable[[JsonObject], T],
    *,
    patient: bool = False,
    noted: Body | None = None,
) -> T:
    """What `decode` makes of the body, in a thread if that is long; `noted` takes its bytes.

    Raises InvalidRequest, RequestTooLarge, RequestTimeout, and what `decode` raises.
    """
    data = await read_body(request)
    if noted is not None:
        noted.add(data)
    if len(data) < LONG:
        return decode(json_object(data))
    return await aside(lambda: decode(json_object(data)), patient=patient)


def json_object(data: bytes) -> JsonObject:
    try:
        body = loads(data)
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    if not is_object(body):
        raise InvalidRequest("The body must be a JSON object.")
    return body


async def read_body(request: web.BaseRequest) -> bytes:
    """Raises RequestTooLarge at the limit, before reading when the length is announced."""
    limit = request.client_max_size
    how = request.headers.get("Content-Encoding", "").strip().lower()
    if how in UNREADABLE:
        raise InvalidRequest(
            f"The body is compressed with {how}, which Lingma Proxy cannot undo: send it as it"
            " is, or as gzip."
        )
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    try:
        if request.content.is_eof():  # it is here already, as most are
            data = await received(request, limit)
        else:
            async with asyncio.timeout(PATIENCE):
                data = await received(request, limit)
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {PATIENCE:.0f} seconds.") from None
    except web.RequestPayloadError:
        raise InvalidRequest("The body is not framed as the head of the request says.") from None
    if how not in COMPRESSED:
        return data
    return await aside(lambda: inflated(data, limit))


async def received(request: web.BaseRequest, limit: int) -> bytes:
    """The bytes as they come, which a client may want to be asked for (RFC 9110, 10.1.1)."""
    content = request.content
    wants_to_be_asked = request.headers.get("Expect", "").lower() == "100-continue"
    if wants_to_be_asked and request.version >= HttpVersion11 and not content.is_eof():
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is not part of the answer
    data = bytearray()
    while piece := await content.readany():
        data += piece
        if len(data) > limit:
            raise too_large(limit)
    return bytes(data)


def inflated(data: bytes, limit: int) -> bytes:
    """What was compressed, and not a byte more than the limit of it."""
    for form in (EITHER, BARE):
        inflater = zlib.decompressobj(form)
        try:
            body = inflater.decompress(data, limit + 1)
        except zlib.error:
            continue
        if len(body) > limit:
            raise too_large(limit)
        if inflater.eof and not inflater.unused_data:
            return body
    raise InvalidRequest("The body is not compressed as Content-Encoding says.")


def too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The body is larger than {limit / 2**20:g} MiB, the setting `max_body_mb`."
    )
