"""One HTTP request and what every answer to it carries."""

import secrets
from dataclasses import dataclass, field

from aiohttp import web


def new_request_id() -> str:
    """Unguessable, so that it identifies and nothing more."""
    return f"req_{secrets.token_hex(12)}"


@dataclass(slots=True)
class Exchange:
    http: web.BaseRequest
    id: str
    headers: dict[str, str] = field(default_factory=dict)
    """For the answer, whatever it is: request ids, CORS."""
    status: int = 0
    """Set when it is answered: for the log."""
