"""The login while it changes, and a base URL that leads nowhere."""

import asyncio
import ssl
from base64 import b64encode
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.backends.login import Login
from lingma_proxy.jsonio import loads
from lingma_proxy.simulator.remote import Simulator
from support.pictures import plain
from support.served import MESSAGES, Served
from support.simulated import simulated

PATIENCE = 20.0
PICTURE = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": b64encode(plain(64, 64)).decode(),
    },
}


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    assert Login.__init__.__kwdefaults__ is not None
    monkeypatch.setitem(Login.__init__.__kwdefaults__, "poll", 0.01)


def login_of(served: Served) -> Login:
    [login] = served.gateway.behind.helpers
    assert isinstance(login, Login)
    return login


async def status_of(served: Served, **more: object) -> int:
    answer, _ = await served.post("/v1/messages", {**MESSAGES, **more})
    return answer.status


async def looked_again(served: Served) -> None:
    """Until the login has been read after a change, twice: the first may have begun before."""
    login = login_of(served)
    looks = login.looks
    async with asyncio.timeout(PATIENCE):
        while login.looks < looks + 1:
            await asyncio.sleep(0.01)


@pytest.fixture
def _looks_only_when_refused(monkeypatch):
    for seldom in ("poll", "fresh"):
        monkeypatch.setitem(Login.__init__.__kwdefaults__, seldom, 3600)


@pytest.mark.usefixtures("_looks_only_when_refused")
async def test_a_hundred_requests_that_meet_a_new_login_read_it_once():
    async with simulated(Simulator(pace=0.005), max_concurrent=64, max_queue=200) as (
        served,
        simulator,
    ):
        await status_of(served)
        before = [asyncio.create_task(status_of(served, stream=True)) for _ in range(20)]
        await simulator.arrived(1 + 1 + 20)
        looks = login_of(served).looks

        simulator.renew_login()
        after = await asyncio.gather(*(status_of(served, stream=n % 2 == 0) for n in range(100)))

        assert Counter(after) == {200: 100}
        assert Counter(await asyncio.gather(*before)) == {200: 20}
        assert login_of(served).looks == looks + 1


@pytest.mark.usefixtures("_looks_only_when_refused")
@pytest.mark.parametrize(
    "refusal", ["signature=http", "signature=event", "user-invalid", "status=401"]
)
async def test_a_refusal_in_any_form_is_answered_with_the_new_login_once(refusal):
    async with simulated() as (served, simulator):
        assert await status_of(served) == 200
        looks = login_of(served).looks
        simulator.requests.clear()
        simulator.next(refusal)

        assert await status_of(served, stream=True) == 200
        assert len(simulator.requests) == 2
        assert login_of(served).looks == looks + 1


@pytest.mark.usefixtures("_looks_only_when_refused")
@pytest.mark.parametrize(
    "refusal", ["signature=http", "signature=event", "user-invalid", "status=401"]
)
async def test_a_login_that_stays_refused_is_said_to_be_after_a_second_attempt(refusal):
    async with simulated() as (served, simulator):
        assert await status_of(served) == 200
        looks = login_of(served).looks
        simulator.requests.clear()
        simulator.always(refusal)
        answer, data = await served.post("/v1/messages", MESSAGES)
        attempts = [seen for seen in simulator.requests if seen.method == "POST"]

    assert answer.status == 401
    assert loads(data)["error"]["type"] == "authentication_error"
    assert "log in" in loads(data)["error"]["message"].lower()
    assert len(attempts) == 2
    assert login_of(served).looks == looks + 1


@pytest.mark.usefixtures("_looks_only_when_refused")
async def test_a_list_of_models_and_an_upload_meet_a_new_login_as_well():
    async with simulated() as (served, simulator):
        assert await status_of(served) == 200
        looks = login_of(served).looks

        simulator.renew_login()
        assert await served.gateway.behind.backend.models()
        assert login_of(served).looks == looks + 1

        simulator.renew_login()
        simulator.requests.clear()
        content = [{"type": "text", "text": "hi"}, PICTURE]
        assert await status_of(served, messages=[{"role": "user", "content": content}]) == 200
        assert login_of(served).looks == looks + 2
        refused = [seen.route for seen in simulator.requests if seen.refusal]
        assert refused == ["upload"]


async def test_a_login_that_is_half_written_leaves_the_last_one_in_place():
    async with simulated() as (served, simulator):
        user = simulator.home / "cache/user"
        whole = user.read_bytes()
        assert await status_of(served) == 200

        for length in (len(whole) // 2, 1, 0):
            user.write_bytes(whole[:length])
            await looked_again(served)
            assert await status_of(served) == 200

        user.write_bytes(whole)
        await looked_again(served)
        assert await status_of(served) == 200


async def test_a_login_that_goes_is_missed_and_one_that_comes_is_found():
    async with simulated() as (served, simulator):
        user = simulator.home / "cache/user"
        whole = user.read_bytes()
        assert await status_of(served) == 200

        user.unlink()
        await looked_again(served)
        answer, data = await served.post("/v1/messages", MESSAGES)
        assert answer.status == 401
        assert "LINGMA_CACHE_DIR" in loads(data)["error"]["message"]
        assert str(simulator.home).encode() not in data
        ready, _ = await served.get("/readyz")
        assert ready.status == 503

        user.write_bytes(whole)
        await looked_again(served)
        assert await status_of(served) == 200


async def test_a_new_login_is_used_without_being_refused_first():
    async with simulated() as (served, simulator):
        assert await status_of(served) == 200
        simulator.renew_login()
        await looked_again(served)
        simulator.requests.clear()

        assert await status_of(served) == 200
        assert [seen.refusal for seen in simulator.requests] == [None]


async def test_a_new_login_is_used_at_once_by_a_request_that_comes_right_after(monkeypatch):
    monkeypatch.setitem(Login.__init__.__kwdefaults__, "poll", 3600)
    monkeypatch.setitem(Login.__init__.__kwdefaults__, "fresh", 0)
    monkeypatch.setattr("lingma_proxy.backends.login.GLANCE", PATIENCE)  # this machine is slow
    async with simulated() as (served, simulator):
        assert await status_of(served) == 200
        simulator.renew_login()
        simulator.requests.clear()

        assert await status_of(served) == 200
        assert [seen.refusal for seen in simulator.requests] == [None]


# A base URL that is wrong.


@asynccontextmanager
async def somebody_else(says: bytes):
    """A server that says the same to everybody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(2**16)
            writer.write(says)
            await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


PAGE = b"<html><title>Welcome to nginx!</title></html>"
WRONG = {
    "a web page": (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE), "http", 502),
    "a page that is not there": (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "http", 502),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n", "http", 502),
    "what is not HTTP": (b"220 mail.example ESMTP\r\n", "http", 502),
    "plain HTTP where TLS is spoken": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "https", 503),
    "nothing": (b"", "http", 503),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("says", "scheme", "status"), WRONG.values(), ids=WRONG)
async def test_a_base_url_where_somebody_else_lives_is_said_to_be_wrong(
    says, scheme, status, stream
):
    async with somebody_else(says) as port:
        async with simulated(remote_base_url=f"{scheme}://127.0.0.1:{port}") as (served, _):
            answer, data = await served.post("/v1/messages", {**MESSAGES, "stream": stream})

    error = loads(data)["error"]
    assert answer.status == status
    assert "127.0.0.1" in error["message"] or "Lingma answered with" in error["message"]
    assert "nginx" not in error["message"] or status == 502


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "https://127.0.0.1:1"])
async def test_a_base_url_where_nobody_lives_is_said_to_be_wrong(url):
    async with simulated(remote_base_url=url) as (served, _):
        answer, data = await served.post("/v1/messages", MESSAGES)

    assert answer.status == 503
    assert "remote_base_url" in loads(data)["error"]["message"]
