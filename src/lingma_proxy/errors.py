"""Everything that can go wrong, as one tree.

    ProxyError                      status   retry    what the person can do
    ├── InvalidRequest                400             fix the request
    │   └── RequestTooLarge           413             send less
    ├── RequestTimeout                408             send the body faster
    ├── NotAllowed                    401 / 403       give the key, or allow the origin
    ├── NotFound                      404             see the documentation of the routes
    │   ├── ModelNotFound             404             see `lingma-proxy models`
    │   └── MethodNotAllowed          405             use the method that Allow names
    ├── UpgradeRequired               426             speak the protocol that Upgrade names
    ├── StoreUnavailable              503             free the disk, or see who holds the file
    ├── TooBusy                       429             our own limit: wait (retry_after)
    ├── BackendError                  502
    │   ├── BackendUnavailable        503      yes    check the network
    │   │   └── Absent                503             start what is not running
    │   ├── NotLoggedIn               401             log in (the message says where)
    │   ├── RateLimited               429      yes    wait (retry_after)
    │   ├── BackendTimeout            504      yes
    │   │   └── ConnectTimeout        504      yes    check the network
    │   ├── BackendRefused         400 / 502   if ≥ 500  (400: the vendor blames the request)
    │   ├── UnfitAnswer               502             ask again, or ask for less (JSON, a forced tool)
    │   └── ProtocolError             502             report it
    │       └── BrokenOff             502      yes    ask again
    └── SettingsError                   –             fix the settings; exit code 2

The class of an error is its meaning: a status, and whether another try makes sense.
The message is for the person who will read it, and says what to do; no code ever
reads a message to decide anything.  No message holds a secret or a local path.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self


class ProxyError(Exception):
    """Something went wrong that we can put into words."""

    status: int = 500
    """The HTTP status that says it, when nothing has been said yet."""
    retry: bool = False
    """Whether the same request may succeed when sent again (elsewhere, or later)."""
    blames_model: bool = False
    """Whether it tells something about the model that was asked, not only about the way there."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        param: str | None = None,
        code: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        """Seconds to wait before another try, where somebody knows."""
        self.param = param
        """The field of the request that is at fault, as OpenAI's `param` spells it."""
        self.code = code
        """A stable word for programs, as OpenAI's `code`: `model_not_found`, …"""
        self.details = details
        """What only one dialect can say, as Anthropic's `error.details`."""

    def saying(self, message: str) -> Self:
        """The same error in other words: its class, and all that it carries, stay."""
        kind = type(self)
        other = kind.__new__(kind, message)
        other.__dict__.update(self.__dict__, message=message)
        return other


class InvalidRequest(ProxyError):
    """The client's request cannot be understood, or asks for what cannot be done."""

    status = 400


class RequestTooLarge(InvalidRequest):
    """The body passes the limit."""

    status = 413


class RequestTimeout(ProxyError):
    """The client took too long to send its request."""

    status = 408


class NotAllowed(ProxyError):
    """No key, a wrong key (401), or a host or origin that is not on the list (403)."""

    status = 401

    def __init__(self, message: str, *, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


class NotFound(ProxyError):
    """There is no such route, or no such thing on it."""

    status = 404


class ModelNotFound(NotFound):
    """The account has no model of that name, and no alias leads to one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, param="model", code="model_not_found")


class MethodNotAllowed(NotFound):
    """The route exists, the method on it does not."""

    status = 405

    def __init__(self, message: str, *, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class UpgradeRequired(ProxyError):
    """The route speaks another protocol (`WebSocket`), and was not asked for it."""

    status = 426


class StoreUnavailable(ProxyError):
    """What is kept on disk can be neither read nor written right now."""

    status = 503


class TooBusy(ProxyError):
    """Our own limit on requests at a time is reached, and so is the queue's."""

    status = 429


class BackendError(ProxyError):
    """Something behind us went wrong."""

    status = 502


class BackendUnavailable(BackendError):
    """Nobody is there: refused, unreachable, reset before an answer."""

    status = 503
    retry = True


class Absent(BackendUnavailable):
    """There is nobody who could be asked, until a person starts, opens or installs it."""

    retry = False


class NotLoggedIn(BackendError):
    """There is no login, or the vendor no longer takes it."""

    status = 401


class RateLimited(BackendError):
    """The vendor says: too many, or no quota left."""

    status = 429
    retry = True
    blames_model = True


class BackendTimeout(BackendError):
    """It took longer than the settings allow."""

    status = 504
    retry = True
    blames_model = True


class ConnectTimeout(BackendTimeout):
    """There was no connection in time: nobody has been asked anything yet."""

    blames_model = False


class BackendRefused(BackendError):
    """The vendor answered with an error of its own.

    `upstream` is the status that it gave.  4xx blames the request, and the client is
    told so (400); anything else is the vendor's fault (502), and may pass.
    """

    def __init__(self, message: str, *, upstream: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.upstream = upstream
        self.retry = self.blames_model = upstream >= 500
        self.status = 400 if 400 <= upstream < 500 else 502


class UnfitAnswer(BackendError):
    """The model answered, twice, but not in the form that the request demands."""


class ProtocolError(BackendError):
    """The vendor said something that its protocol does not allow."""


class BrokenOff(ProtocolError):
    """The reply ended before it was complete: without a reason to stop, or without a word."""

    retry = True
    blames_model = True


class SettingsError(ProxyError):
    """A setting is wrong.  Said at start-up, with exit code 2."""


@contextmanager
def translated(
    foreign: Mapping[type[BaseException], tuple[type[ProxyError], str]],
) -> Iterator[None]:
    """Turn foreign exceptions into ours, at the seam and nowhere else.

    `foreign` maps a class to ours and to the sentence that says it; the first match in
    the order of the mapping wins.
    """
    try:
        yield
    except tuple(foreign) as error:
        for kind, (ours, message) in foreign.items():
            if isinstance(error, kind):
                raise ours(message) from error
        raise
