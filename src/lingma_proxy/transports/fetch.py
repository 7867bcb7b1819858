"""Fetch what a link leads to, for somebody who cannot be trusted with this machine's network.

    link ─▶ look ─▶ resolve ─▶ check every address ─▶ connect to one of just those ─▶ read
              ▲                                                                        │
              ╰──────────────────────────── redirect ──────────────────────────────────╯

The rules (quality.md, 14): http and https only; no user and password; none but public
addresses, unless a setting names them; at most so many redirects, each looked at anew, and
none from https to http; so many bytes; so much time, all in all.  An address is checked
after it was resolved and again as the socket is made, so that a name cannot mean one thing
when it is looked at and another when it is used.  No cookies, no proxies or passwords from
the environment, nothing that was compressed.

Nothing is kept between two links.  The errors are the client's (InvalidRequest), name the
link without its query, and say what to do.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from lingma_proxy import __version__
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.transports.addresses import Address, Excepted, is_public, literal
from lingma_proxy.wire.links import called, is_web

MOST_BYTES = 20 * 2**20
MOST_HOPS = 5
"""Redirects, as many as a host and its CDN need; browsers allow 20."""
LONGEST_LINK = 8 * 2**10
"""Characters: what common servers take in a line."""
CONNECT = 10.0
"""Seconds for one connection, TLS included."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]+")
WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
"""Below, but for the web's own, other protocols listen, which must not be spoken to by mistake."""
HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"lingma-proxy/{__version__}",
}
INSTEAD = "Send the content itself (as base64), or another link."

Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → its addresses, as text.  Raises OSError."""

_lookups = ThreadPoolExecutor(4, "look up hosts")
"""Of their own: a name server that is silent keeps nobody else waiting."""


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes = field(repr=False)
    media_type: str
    """What its host calls it, in lower case, without parameters; "" if it does not say."""


class Fetcher:
    """Fetches links, one at a time or many.

    `private` names hosts, addresses and networks that may be reached though they are not
    public; `timeout` is in seconds, for one link with all its redirects.
    """

    def __init__(
        self,
        *,
        private: Iterable[str] = (),
        most: int = MOST_BYTES,
        timeout: float = 20.0,
        lookup: Lookup | None = None,
    ) -> None:
        self._excepted = Excepted(private)
        self._most = most
        self._timeout = timeout
        self._lookup = lookup or look_up

    async def fetch(self, link: str) -> Fetched:
        """What a link leads to.  Raises InvalidRequest; a cancel closes the connection."""
        name = called(link)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._followed(link, name)
        except TimeoutError:
            raise InvalidRequest(
                f"{name} did not arrive within {self._timeout:g} seconds. {INSTEAD}"
            ) from None

    async def _followed(self, link: str, name: str) -> Fetched:
        url = read(link, name)
        for _ in range(MOST_HOPS + 1):
            addresses = await self._addresses(url, name)
            found = await self._asked(url, addresses, name)
            if isinstance(found, Fetched):
                return found
            if url.scheme == "https" and found.scheme == "http":
                raise InvalidRequest(
                    f"{name} leads on from https to http, where anybody could change it. {INSTEAD}"
                )
            url = found
        raise InvalidRequest(f"{name} leads on and on, over {MOST_HOPS} redirects. {INSTEAD}")

    async def _addresses(self, url: URL, name: str) -> list[Address]:
        """Where the host of a URL lies; all of it must be allowed."""
        host, port = url.raw_host or "", url.port or 0
        try:
            address = literal(host)
        except ValueError:
            raise InvalidRequest(
                f"{name}: write the address of the host as four numbers, or as IPv6."
            ) from None
        if address is not None:
            addresses = [address]
        else:
            try:
                # A zone (`%eth0`) is only there on addresses that are not public.
                found = await self._lookup(host, port)
                addresses = [ip_address(each.partition("%")[0]) for each in found]
            except (OSError, ValueError):  # UnicodeError: a name that no name server could know
                addresses = []
            if not addresses:
                raise InvalidRequest(f"{name}: there is no host of that name. Check the link.")
        excepted = [self._excepted.holds(host, each) for each in addresses]
        for each, allowed in zip(addresses, excepted, strict=True):
            if not (allowed or is_public(each)):
                raise InvalidRequest(
                    f"{name} leads to an address inside this machine or its network, and is not"
                    " fetched. If that is meant, add its host to the setting `fetch_private`;"
                    " or send the content itself (as base64)."
                )
        if port < FIRST_FREE_PORT and port not in WEB_PORTS and not all(excepted):
            raise InvalidRequest(f"{name}: port {port} is not the web's. {INSTEAD}")
        return addresses

    async def _asked(self, url: URL, addresses: Sequence[Address], name: str) -> Fetched | URL:
        """What one request brings: the content, or the URL where it is."""
        try:
            async with (
                session(addresses) as asking,
                asking.get(url, allow_redirects=False) as response,
            ):
                try:
                    return await self._answered(response, url, name)
                finally:
                    response.close()
        except TimeoutError:  # also aiohttp's own, of a connection
            raise InvalidRequest(f"{name} did not answer in time. {INSTEAD}") from None
        except aiohttp.ClientSSLError:
            raise InvalidRequest(
                f"{name}: its host has no certificate that this machine trusts. {INSTEAD}"
            ) from None
        except (aiohttp.ClientConnectionError, OSError):
            raise InvalidRequest(f"{name}: its host cannot be reached. {INSTEAD}") from None
        except (aiohttp.ClientError, ValueError):
            raise InvalidRequest(f"{name}: its host does not speak HTTP. {INSTEAD}") from None

    async def _answered(
        self, response: aiohttp.ClientResponse, url: URL, name: str
    ) -> Fetched | URL:
        if response.status in REDIRECTS and "Location" in response.headers:
            return joined(url, response.headers["Location"], name)
        if response.status != 200:
            why = " It may need a login." if response.status in {401, 403} else ""
            raise InvalidRequest(f"{name} answers with HTTP {response.status}.{why} {INSTEAD}")
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise InvalidRequest(f"{name} arrives compressed, which was not asked for. {INSTEAD}")
        if (response.content_length or 0) > self._most:
            raise self._too_large(name)
        data = bytearray()
        async for piece in response.content.iter_any():
            data += piece
            if len(data) > self._most:
                raise self._too_large(name)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return Fetched(bytes(data), kind.strip().lower())

    def _too_large(self, name: str) -> InvalidRequest:
        return InvalidRequest(
            f"{name} has more than {self._most / 2**20:.3g} MB, the most that is fetched"
            " (`fetch_max_mb`). Send a smaller one."
        )


def read(link: str, name: str) -> URL:
    """A link as a URL.  Raises InvalidRequest for what is none that is fetched."""
    text = link.strip()
    if not is_web(text):
        raise InvalidRequest(f"{name} is no http or https link. {INSTEAD}")
    try:
        if not text.isprintable() or " " in text or len(text) > LONGEST_LINK:
            raise ValueError
        # What is ASCII is sent to the letter: a signature may cover it.
        url = URL(text, encoded=text.isascii())
        authority = text.partition("//")[2].partition("/")[0].partition("?")[0].partition("#")[0]
        userinfo = "@" in authority or url.raw_user is not None or url.raw_password is not None
        sound = bool(url.raw_host and HOST.fullmatch(url.raw_host) and url.port)
    except (ValueError, TypeError):
        userinfo = sound = False
    if userinfo:
        raise InvalidRequest(f"{name} carries a user or a password, which is not sent. {INSTEAD}")
    if not sound:
        raise InvalidRequest(f"{name} is no valid link. {INSTEAD}")
    return url


def joined(url: URL, location: str, name: str) -> URL:
    """Where a redirect leads, looked at like any link.  Raises InvalidRequest."""
    try:
        there = url.join(URL(location, encoded=location.isascii()))
    except (ValueError, TypeError):
        raise InvalidRequest(f"{name} leads on to what is no valid link. {INSTEAD}") from None
    if there.scheme not in {"http", "https"}:
        raise InvalidRequest(f"{name} leads on to what is no http or https link. {INSTEAD}")
    return read(str(there), name)


def session(addresses: Sequence[Address]) -> aiohttp.ClientSession:
    """A session that reaches these addresses and no others, and knows nobody."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_Resolved(addresses),
            use_dns_cache=False,
            force_close=True,
            socket_factory=lambda info: _socket(info, addresses),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT),
        headers=HEADERS,
        auto_decompress=False,
        trust_env=False,
    )


def _socket(
    info: tuple[socket.AddressFamily | int, socket.SocketKind | int, int, str, Sequence[object]],
    addresses: Sequence[Address],
) -> socket.socket:
    family, kind, protocol, _, where = info
    if ip_address(str(where[0]).partition("%")[0]) not in addresses:
        raise PermissionError("this address was not checked")
    return socket.socket(family, kind, protocol)


class _Resolved(AbstractResolver):
    """Says what was found before, and checked."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        return [
            ResolveResult(
                hostname=host,
                host=str(each),
                port=port,
                family=socket.AF_INET if each.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for each in self._addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""


async def look_up(host: str, port: int) -> Sequence[str]:
    def ask() -> Sequence[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(info[4][0]) for info in found))

    return await asyncio.get_running_loop().run_in_executor(_lookups, ask)
