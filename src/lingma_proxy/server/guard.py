"""Who may speak to us, decided before anything else is looked at.

Loopback is not a boundary: a web page in the next tab can reach 127.0.0.1 through the
browser, and under a name of its own choosing (DNS rebinding).  So:

*   Host must be a name that cannot be rebound: a loopback name, an IP address that we
    listen on, or a name that the settings allow;
*   Origin, which browsers send with every request that a page could read or that could
    do harm, must be our own or one that the settings allow by name;
*   a browser that says a request crosses sites without naming an origin is refused too;
*   the key, when one is set, must be right: `Authorization: Bearer` or `x-api-key`.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from lingma_proxy.errors import NotAllowed
from lingma_proxy.gateway import is_loopback

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})

OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Probes of supervisors, which can send no key; they tell nothing but "ready" or not."""


@dataclass(frozen=True)
class Guard:
    bound_host: str = "127.0.0.1"
    """What we listen on; beyond loopback, any bare IP address is a good Host."""
    key: str = field(default="", repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    """Names, lower case, without port."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins as browsers send them: `https://app.example`, `http://localhost:3000`."""

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """Raises NotAllowed: 403 for a host or an origin, 401 for the key."""
        host = headers.get("Host", "")
        if host:
            self._check_host(host)
        origin = headers.get("Origin")
        if origin is not None:
            self._check_origin(origin, host)
        elif (
            headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
            and headers.get("Sec-Fetch-Mode") != "navigate"
        ):
            raise NotAllowed(
                "A web page of another site may not use Lingma Proxy. If it should, add its"
                " origin to the setting `allowed_origins`.",
                status=403,
            )
        if self.key and path not in OPEN_PATHS:
            self._check_key(headers)

    def may_read(self, origin: str | None) -> bool:
        """Whether a page of that origin may be told the answer (CORS)."""
        return origin is not None and origin in self.allowed_origins

    def _check_host(self, host: str) -> None:
        name = without_port(host.lower())
        if name in LOOPBACK_NAMES or name in self.allowed_hosts or name == self.bound_host.lower():
            return
        if not is_loopback(self.bound_host) and is_address(name):
            return
        raise NotAllowed(
            f"The host name {name[:100]!r} is not one that Lingma Proxy answers to. Use"
            " 127.0.0.1 or localhost, or add the name to the setting `allowed_hosts`.",
            status=403,
        )

    def _check_origin(self, origin: str, host: str) -> None:
        if origin in self.allowed_origins:
            return
        if host and origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}:
            return
        raise NotAllowed(
            f"Pages of {origin[:100]!r} may not use Lingma Proxy. If they should, add that origin"
            " to the setting `allowed_origins`.",
            status=403,
        )

    def _check_key(self, headers: Mapping[str, str]) -> None:
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        given = [headers.get("x-api-key", "")]
        if scheme.lower() == "bearer":
            given.append(bearer.strip())
        wanted = self.key.encode()
        # Compare with each, always: the time it takes says nothing.
        matches = [
            hmac.compare_digest(one.encode("utf-8", "surrogateescape"), wanted) for one in given
        ]
        if not any(matches):
            raise NotAllowed(
                "This Lingma Proxy wants a key. Send it as `Authorization: Bearer …` or"
                " `x-api-key: …`; it is the setting `api_key`."
            )


def without_port(host: str) -> str:
    """The name in a Host header: `[::1]:8095` → `[::1]`, `localhost:8095` → `localhost`."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
