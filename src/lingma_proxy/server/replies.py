"""Small HTTP answers: JSON, errors, the headers that go with them."""

import math
from collections.abc import Mapping, Sequence

from aiohttp import web

from lingma_proxy.errors import MethodNotAllowed, ProxyError, UpgradeRequired
from lingma_proxy.jsonio import Json, dumpb
from lingma_proxy.wire.printable import printable

MAX_WARNING = 2000
"""Characters of a header; some clients refuse heads beyond 8 KiB."""
MAX_MODEL = 200


class InternalError(ProxyError):
    """A fault of ours.  The log has the details under the request's id."""

    def __init__(self) -> None:
        super().__init__(
            "Something broke inside Lingma Proxy. Its log says what, under this request's id;"
            " please report it."
        )


def json_response(
    body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=dumpb(body), status=status, content_type="application/json", headers=headers
    )


def error_headers(error: ProxyError) -> dict[str, str]:
    """`Retry-After` (whole seconds, rounded up: RFC 9110 section 10.2.3), `Allow`, `Upgrade`."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, UpgradeRequired):
        headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
    return headers


def warning_header(warnings: Sequence[str]) -> dict[str, str]:
    """What was asked for and not done, in one header; nothing when all was done."""
    if not warnings:
        return {}
    return {"x-lingma-proxy-warning": clean(" ".join(dict.fromkeys(warnings)), MAX_WARNING)}


def model_header(model: str) -> dict[str, str]:
    """The model that answers, which need not be the one that was asked for."""
    return {"x-lingma-proxy-model": clean(model, MAX_MODEL)} if model else {}


def clean(text: str, most: int) -> str:
    """It in characters that a header may have."""
    text = text[:most].encode("ascii", "backslashreplace").decode()
    return printable(text)[:most].strip()
