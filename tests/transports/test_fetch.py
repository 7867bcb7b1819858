import asyncio
import gzip

import pytest

from lingma_proxy.errors import InvalidRequest
from lingma_proxy.transports.fetch import MOST_HOPS, Fetched, Fetcher, _socket, session
from support.foreign_host import answer, foreign_host, redirect

LOOPBACK = ("127.0.0.0/8",)
PATIENCE = 10


def here(**more: object) -> Fetcher:
    """A fetcher that may reach this machine."""
    return Fetcher(private=LOOPBACK, **more)  # type: ignore[arg-type]  # the test's word


async def refusal(link: str, fetcher: Fetcher | None = None) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await (fetcher or here()).fetch(link)
    assert caught.value.status == 400
    return caught.value.message


async def test_what_a_link_leads_to_arrives():
    async with foreign_host({"/a.png": answer(b"\0\1\2" * 10**5)}) as host:
        found = await here().fetch(host.link("/a.png?signature=%2Fsecret%7E"))

        assert found == Fetched(b"\0\1\2" * 10**5, "image/png")
        assert b"GET /a.png?signature=%2Fsecret%7E HTTP/1.1\r\n" in host.asked[0]


async def test_its_host_is_told_nothing_about_us(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    setting = answer(status="302 Found", Location="/b", Set_Cookie="a=b; Path=/")
    async with foreign_host({"/a": setting, "/b": answer(b"x")}) as host:
        assert (await here().fetch(host.link("/a"))).data == b"x"

        for head in host.asked:
            names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line}
            assert names == {b"host", b"accept", b"accept-encoding", b"user-agent", b"connection"}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
async def test_a_redirect_is_followed(status):
    async with foreign_host({"/a": redirect("b", status), "/b": answer(b"x")}) as host:
        assert (await here().fetch(host.link("/a"))).data == b"x"


async def test_redirects_end():
    async with foreign_host({"/a": redirect("/a")}) as host:
        assert "redirects" in await refusal(host.link("/a"))
        assert len(host.asked) == MOST_HOPS + 1


ELSEWHERE = [
    "file:///etc/passwd",
    "ftp://a.example/",
    "gopher://a.example/",
    "data:,x",
    "http://me:secret@127.0.0.1/",
    "http://[",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1/\x01",
    "http://a b/",
]


@pytest.mark.parametrize("location", ELSEWHERE)
async def test_a_redirect_is_looked_at_like_any_link(location):
    async with foreign_host({"/a": redirect(location)}) as host:
        said = await refusal(host.link("/a"))

        assert len(host.asked) == 1
        assert "secret" not in said


async def lookup(host: str, port: int) -> list[str]:
    """A name server on which one name is public and the others are this machine's."""
    return {"public.example": ["8.8.8.8"], "both.example": ["8.8.8.8", "127.0.0.1"]}.get(
        host, ["127.0.0.1"]
    )


async def test_a_redirect_into_this_machine_is_not_followed():
    async def inside(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with foreign_host({"/a": redirect("/inside"), "/inside": answer(b"x")}) as host:
        there = redirect(host.link("/inside"))
        async with foreign_host({"/a": there}) as other:
            fetcher = Fetcher(private=["public.example"], lookup=inside)
            said = await refusal(other.link("/a", "public.example"), fetcher)

        assert "inside this machine" in said
        assert not host.asked


INSIDE = [
    "http://127.0.0.1:{}/",
    "http://127.1:{}/",
    "http://2130706433:{}/",
    "http://0x7f000001:{}/",
    "http://0177.0.0.1:{}/",
    "http://127.0.0.1.:{}/",
    "http://0:{}/",
    "http://0.0.0.0:{}/",
    "http://[::1]:{}/",
    "http://[::ffff:127.0.0.1]:{}/",
    "http://[::ffff:7f00:1]:{}/",
    "http://[64:ff9b::7f00:1]:{}/",
    "http://[2002:7f00:1::]:{}/",
    "http://[fe80::1%25lo]:{}/",
    "http://localhost:{}/",
    "http://LOCALHOST.:{}/",
    "http://１２７.0.0.1:{}/",
    "http://①②⑦.0.0.1:{}/",
    "http://127。0。0。1:{}/",
    "http://%31%32%37.0.0.1:{}/",
    "http://a.example\\@127.0.0.1:{}/",
    "http://a.example@127.0.0.1:{}/",
    "http://@127.0.0.1:{}/",
    "http://169.254.169.254/latest/meta-data/",
]


@pytest.mark.parametrize("link", INSIDE)
async def test_this_machine_is_not_reached_however_it_is_spelled(link):
    async with foreign_host({"/": answer(b"secret")}) as host:
        await refusal(link.format(host.port), Fetcher())

        assert not host.asked


@pytest.mark.parametrize("name", ["inside.example", "both.example"])
async def test_a_name_that_leads_inside_is_refused(name):
    async with foreign_host({"/": answer(b"secret")}) as host:
        said = await refusal(host.link("/", name), Fetcher(lookup=lookup))

        assert "`fetch_private`" in said
        assert not host.asked


async def test_a_name_that_changes_its_meaning_is_asked_for_once():
    """DNS rebinding: public when it is looked at, this machine when it is used."""
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["8.8.8.8"]

    async with foreign_host({"/": answer(b"x")}) as host:
        fetcher = Fetcher(private=LOOPBACK, lookup=rebinding)
        assert (await fetcher.fetch(host.link("/", "a.example"))).data == b"x"

        assert asked == ["a.example"]


async def test_a_socket_goes_nowhere_but_to_what_was_checked():
    async with session([]) as asking:
        make = asking.connector._socket_factory  # type: ignore[union-attr]  # ours has one
        with pytest.raises(PermissionError):
            make((2, 1, 6, "", ("127.0.0.1", 80)))
    with pytest.raises(PermissionError):
        _socket((10, 1, 6, "", ("::1", 80, 0, 0)), [])


async def test_a_host_of_ones_own_is_reached_when_a_setting_names_it():
    async with foreign_host({"/": answer(b"x")}) as host:
        fetcher = Fetcher(private=["nas.example"], lookup=lookup)

        assert (await fetcher.fetch(host.link("/", "nas.example"))).data == b"x"
        await refusal(host.link("/", "other.example"), fetcher)


async def test_ports_of_other_protocols_are_left_alone():
    assert "port 25" in await refusal("http://public.example:25/", Fetcher(lookup=lookup))


@pytest.mark.parametrize(
    "link",
    ["", "a.png", "ftp://a.example/a", "file:///etc/passwd", "http://", "http:///a", "http://:80/", "http://h:0/",
     "http://h:99999/", "http://h:x/", "http://[::1/", "http://a\r\nb/", "http://h/a b", "http://h/\udc80",
     "http://h/" + "a" * 10**5, "http://-_%/"],
)  # fmt: skip
async def test_what_is_no_link_is_refused(link):
    await refusal(link)


async def test_no_such_host():
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError

    assert "no host" in await refusal("http://nowhere.example/", Fetcher(lookup=nobody))
    assert "no host" in await refusal("http://" + "a" * 64 + ".example/")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial"])
async def test_another_status_is_named(status):
    async with foreign_host({"/a": answer(status=status)}) as host:
        assert f"HTTP {status[:3]}" in await refusal(host.link("/a"))


async def test_a_link_that_needs_a_login_says_so():
    async with foreign_host({"/a": answer(status="403 Forbidden")}) as host:
        assert "login" in await refusal(host.link("/a"))


async def test_an_error_does_not_tell_a_signature():
    async with foreign_host({}) as host:
        said = await refusal(host.link("/a.png?X-Amz-Signature=secret#secret"))

        assert host.link("/a.png") in said
        assert "secret" not in said


async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 2**16 + b"\r\n")
        await writer.drain()


async def flood_of_headers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n" * 1000)
        await writer.drain()


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


SLOW = {"silence": silence, "dribble": dribble}
HUGE = {
    "announced": answer(b"")[:-4].replace(b"Content-Length: 0", b"Content-Length: 99999999999")
    + b"\r\n\r\n",
    "flood": flood,
    "to the end": b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2**17,
}


@pytest.mark.parametrize("say", SLOW.values(), ids=SLOW)
async def test_time_is_limited(say):
    async with foreign_host({"/": say}) as host, asyncio.timeout(PATIENCE):
        assert "0.2 seconds" in await refusal(host.link("/"), here(timeout=0.2))


@pytest.mark.parametrize("say", HUGE.values(), ids=HUGE)
async def test_size_is_limited(say):
    async with foreign_host({"/": say}) as host, asyncio.timeout(PATIENCE):
        assert "more than 0.0625 MB" in await refusal(host.link("/"), here(most=2**16))


BROKEN = {
    "headers for ever": flood_of_headers,
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "nothing": b"",
    "cut": answer(b"x" * 1000)[:-1],
    "cut head": b"HTTP/1.1 200",
    "compressed": answer(gzip.compress(b"x"), Content_Encoding="gzip"),
}


@pytest.mark.parametrize("say", BROKEN.values(), ids=BROKEN)
async def test_a_host_that_breaks_the_rules_is_refused_in_words(say):
    async with foreign_host({"/": say}) as host, asyncio.timeout(PATIENCE):
        assert host.link("/") in await refusal(host.link("/"))


async def test_nobody_listens_there():
    async with foreign_host({}) as host:
        port = host.port
    assert "cannot be reached" in await refusal(f"http://127.0.0.1:{port}/")


async def test_https_needs_a_host_that_speaks_it():
    async def blunt(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(blunt, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "no certificate" in await refusal(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("say", SLOW.values(), ids=SLOW)
async def test_who_stops_waiting_closes_the_connection(say):
    async with foreign_host({"/": say}) as host:
        fetching = asyncio.create_task(here(timeout=60).fetch(host.link("/")))
        while not host.asked:
            await asyncio.sleep(0)
        fetching.cancel()
        await asyncio.wait([fetching])

        assert fetching.cancelled()
        async with asyncio.timeout(PATIENCE):
            await host.closed.wait()
