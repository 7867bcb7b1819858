"""The body of a request, within bounds of size and time."""

import asyncio

from aiohttp import web

from lingma_proxy.errors import InvalidRequest, RequestTimeout, RequestTooLarge
from lingma_proxy.jsonio import JsonObject, is_object, loads

PATIENCE = 60.0
"""Seconds for the whole body: generous for a local client, an end for a dead one."""


async def read_json_object(request: web.BaseRequest) -> JsonObject:
    """The body as a JSON object.  Raises InvalidRequest, RequestTooLarge, RequestTimeout."""
    try:
        body = loads(await read_body(request))
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.") from None
    if not is_object(body):
        raise InvalidRequest("The body must be a JSON object.")
    return body


async def read_body(request: web.BaseRequest) -> bytes:
    """Raises RequestTooLarge at the limit, before reading when the length is announced."""
    limit = request.client_max_size
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    try:
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(PATIENCE):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(limit) from None
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {PATIENCE:.0f} seconds.") from None


def too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The body is larger than {limit / 2**20:g} MiB, the setting `max_body_mb`."
    )
