"""What the vendor's refusals mean: a status, a code and a message → one of our errors.

The same table serves an HTTP error and an error inside a stream of HTTP 200.  Nothing is
decided by the words of a message; they are only passed on, short and without secrets.
"""

import re

from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    ProxyError,
    RateLimited,
)
from lingma_proxy.jsonio import Json, JsonObject, is_object, loads

LONG_WORD = re.compile(r"[A-Za-z0-9+/=_\-.]{40,}")
"""Keys and signatures look like this; prose does not."""
SPOKEN_STATUS = re.compile(r"[45][0-9][0-9]")
BLANKS = re.compile(r"\s+")
LOCAL_PATH = re.compile(
    r"(?:\b[A-Za-z]:(?:\\|/(?!/))|(?<![\w./:-])/(?:home|Users|root|tmp|var|private|opt|usr|etc|mnt)/)"
    r"[^\s\"'`,;:()\[\]{}<>]*"
)
"""Where something lies on this machine, up to the first blank or bracket.  Routes of an API
begin otherwise."""
XML_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")

FINE = {"", "0", "200"}
"""Codes that are no error."""
WRONG_HOST = "NoSuchKey"
"""What a file store says that was taken for the API."""
BLOCKED = "ErrorCode418"
"""How the codes of the vendor's content control begin."""

LOG_IN = (
    "Log in again in the IDE (Lingma or Qoder CN); the new login is picked up by itself. "
    "`lingma-proxy doctor` shows which one is in use."
)


def quoted(text: str, limit: int = 200) -> str:
    """The vendor's words, fit to be passed on: one line, short, without keys and local paths."""
    text = LOCAL_PATH.sub("[a path]", BLANKS.sub(" ", text).strip())
    text = LONG_WORD.sub("[…]", text)
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def code_and_message(value: Json) -> tuple[str, str]:
    """The code and the message of an error body, in any of the vendor's spellings."""
    match value:
        case {"error": {**inner}}:
            return code_and_message(inner)
        case {"errorCode": code, **rest}:
            message = rest.get("errorMessage", "")
        case {"code": code, **rest}:
            message = rest.get("message", "")
        case {"message": message} | {"errorMessage": message}:
            code = ""
        case {"error": str(message)}:
            code = ""
        case _:
            return "", ""
    return _plain(code), _plain(message)


def status_in(value: JsonObject) -> int:
    """The HTTP status that an object speaks of, 0 if it speaks of none."""
    for name in ("statusCodeValue", "status", "statusCode"):
        match value.get(name):
            case bool():
                pass
            case int(status):
                return status
            case str(status) if len(status) == 3 and status.isascii() and status.isdecimal():
                return int(status)
            case _:
                pass
    return 0


def read_error(body: bytes) -> tuple[str, str]:
    """The code and the message of the body of an HTTP error, JSON or not."""
    if (found := XML_CODE.search(body)) is not None:
        return found[1].decode(), ""
    try:
        value = loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace")
        return "", "" if "<" in text[:20] else text
    return code_and_message(value) if is_object(value) else ("", _plain(value))


def refusal(
    status: int, code: str = "", message: str = "", *, retry_after: float | None = None
) -> ProxyError:
    """The error that a refusal amounts to.  `status` is 0 when only a code was given."""
    code = quoted(code, 40)
    if not status:
        status = int(code) if SPOKEN_STATUS.fullmatch(code) else 502
    about = ", ".join(dict.fromkeys(part for part in (str(status), code) if part))
    words = quoted(message)
    said = f"{words} ({about})" if words else about
    match status, code:
        case (_, "101") | (401, _) | (403, "" | "403"):
            return NotLoggedIn(
                f"Lingma does not accept this login: {said}. {LOG_IN}", code=code or None
            )
        case (429, _) | (_, "110"):
            return RateLimited(
                f"Lingma says that the limit is reached: {said}. Wait, or use another model.",
                code=code or None,
                retry_after=retry_after,
            )
        case (408 | 504, _):
            return BackendTimeout(
                f"Lingma gave up waiting for its model: {said}. Try again.", code=code or None
            )
        case (425, _):
            return BackendUnavailable(
                f"Lingma is not ready yet: {said}. Try again.",
                code=code or None,
                retry_after=retry_after,
            )
        case _ if code.startswith(BLOCKED) or status == 418:
            return BackendRefused(
                f"Lingma's content control refused the request: {said}. Word it differently.",
                upstream=418,
                code=code or None,
            )
        case _:
            what = "Lingma refused the request" if status < 500 else "Lingma failed"
            error = BackendRefused(f"{what}: {said}.", upstream=status, code=code or None)
            error.retry_after = retry_after
            return error


def _plain(value: Json) -> str:
    match value:
        case str():
            return value
        case bool() | None:
            return ""
        case int():
            return str(value)
        case _:
            return ""
