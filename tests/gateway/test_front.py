import pytest

from lingma_proxy.errors import SettingsError
from lingma_proxy.gateway import is_loopback, serving
from lingma_proxy.settings import Settings


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.8.8.8", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example", False),
    ],
)
def test_what_is_loopback(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "a-name"])
def test_the_network_needs_a_key_or_a_clear_word(host):
    with pytest.raises(SettingsError, match="api_key"):
        serving(Settings(host=host))

    assert serving(Settings(host=host, api_key="k")).host == host
    assert serving(Settings(host=host, open_bind=True)).host == host
