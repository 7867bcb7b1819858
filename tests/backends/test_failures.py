import aiohttp
import pytest

from lingma_proxy.backends.failures import meanings
from lingma_proxy.errors import BackendTimeout, BackendUnavailable, ProtocolError, translated


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (aiohttp.ConnectionTimeoutError(), BackendTimeout, "within 7 seconds"),
        (aiohttp.ServerDisconnectedError(), BackendUnavailable, "without an answer"),
        (aiohttp.ClientPayloadError(), BackendUnavailable, "without an answer"),
        (aiohttp.InvalidURL("x"), ProtocolError, "remote_base_url"),
        (aiohttp.ClientResponseError(None, ()), ProtocolError, "not HTTP"),  # type: ignore[arg-type]  # nobody looks
        (ConnectionResetError(), BackendUnavailable, "a.example failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_most_particular_meaning_is_said(failure, error, words):
    with pytest.raises(error, match=words), translated(meanings("a.example", 7)):
        raise failure
