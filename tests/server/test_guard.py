import pytest

from lingma_proxy.errors import NotAllowed
from lingma_proxy.server.guard import Guard, without_port


def refused(guard: Guard, path: str = "/v1/models", **headers: str) -> int:
    """The status of the refusal, 0 when it passes."""
    try:
        guard.check(path, {name.replace("_", "-"): value for name, value in headers.items()})
    except NotAllowed as error:
        return error.status
    return 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8095", "localhost:8095", "LOCALHOST", "[::1]:8095", "127.0.0.1"]
)
def test_a_loopback_name_passes(host):
    assert refused(Guard(), Host=host) == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example:8095", "127.0.0.1.evil.example", "169.254.169.254", "localhost.evil", "0"],
)
def test_a_name_that_can_be_rebound_is_refused(host):
    assert refused(Guard(), Host=host) == 403


def test_a_name_that_the_settings_allow_passes():
    guard = Guard(allowed_hosts=frozenset({"proxy.home"}))

    assert refused(guard, Host="Proxy.home:8095") == 0


def test_beyond_loopback_an_address_is_a_good_host_and_a_name_is_not():
    guard = Guard(bound_host="0.0.0.0", key="k")

    assert refused(guard, Host="192.168.1.5:8095", Authorization="Bearer k") == 0
    assert refused(guard, Host="[fe80::1]:8095", Authorization="Bearer k") == 0
    assert refused(guard, Host="evil.example", Authorization="Bearer k") == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:8095.evil.example"],
)
def test_a_foreign_page_is_refused(origin):
    assert refused(Guard(), Host="127.0.0.1:8095", Origin=origin) == 403


def test_our_own_page_and_an_allowed_one_pass():
    guard = Guard(allowed_origins=frozenset({"http://localhost:3000"}))

    assert refused(guard, Host="127.0.0.1:8095", Origin="http://127.0.0.1:8095") == 0
    assert refused(guard, Host="127.0.0.1:8095", Origin="http://localhost:3000") == 0
    assert guard.may_read("http://localhost:3000")
    assert not guard.may_read("http://127.0.0.1:8095.evil.example")


def test_a_crossing_without_an_origin_is_refused_but_following_a_link_is_not():
    crossing = {"Host": "127.0.0.1", "Sec_Fetch_Site": "cross-site"}

    assert refused(Guard(), **crossing, Sec_Fetch_Mode="no-cors") == 403
    assert refused(Guard(), **crossing, Sec_Fetch_Mode="navigate") == 0


def test_node_says_a_fetch_mode_and_is_no_browser():
    assert refused(Guard(), Host="127.0.0.1", Sec_Fetch_Mode="cors") == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer s3cret"},
        {"Authorization": "bearer s3cret"},
        {"x_api_key": "s3cret"},
    ],
)
def test_the_key_opens(headers):
    assert refused(Guard(key="s3cret"), Host="localhost", **headers) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic s3cret"},
        {"x_api_key": "s3cre"},
        {"Authorization": "Bearer ключ"},
        {"x_api_key": "\udcff"},  # a byte that is no UTF-8, as aiohttp hands it on
    ],
)
def test_anything_else_does_not(headers):
    assert refused(Guard(key="s3cret"), Host="localhost", **headers) == 401


def test_probes_need_no_key_but_a_good_host():
    guard = Guard(key="s3cret")

    assert refused(guard, "/livez", Host="localhost") == 0
    assert refused(guard, "/livez", Host="evil.example") == 403


def test_without_a_key_any_key_will_do():
    assert refused(Guard(), Host="localhost", Authorization="Bearer sk-whatever") == 0


def test_a_refusal_does_not_say_the_key():
    with pytest.raises(NotAllowed) as caught:
        Guard(key="s3cret").check("/", {"x-api-key": "wr0ng"})

    assert "s3cret" not in caught.value.message
    assert "wr0ng" not in caught.value.message


@pytest.mark.parametrize(
    ("host", "name"), [("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a:80", "a"), ("a", "a")]
)
def test_a_host_without_its_port(host, name):
    assert without_port(host) == name
