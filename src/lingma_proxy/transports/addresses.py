"""Which addresses are public: those that a link from a stranger may lead to.

By IANA's registries of special addresses (RFC 6890 and its successors), written out, for
what Python itself calls global differs from version to version.  An IPv4 address inside an
IPv6 one counts as what it leads to.
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

NOT_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # behind a carrier's NAT; Alibaba's metadata (100.100.100.200)
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's own services, inside every machine of theirs
            "169.254.0.0/16",  # link-local; the metadata of most clouds (169.254.169.254)
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata (192.0.0.192)
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
GLOBAL_6 = IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments; Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address of anybody's choice inside
            "3fff::/20",  # documentation
        ),
    )
)
TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last four bytes are the IPv4 address that is reached."""


def plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to, where it leads to one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    address = plain(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC)
    return address in GLOBAL_6 and not any(address in network for network in NOT_PUBLIC_6)


class Excepted:
    """What may be reached though it is not public.

    Hosts (`nas.local`), addresses, and networks (`192.168.1.0/24`).  A host's name stands for
    whatever it resolves to.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._networks: list[IPv4Network | IPv6Network] = []
        for word in words:
            try:
                self._networks.append(ip_network(word.strip("[]"), strict=False))
            except ValueError:
                self._names.add(name_of(word))

    def holds(self, host: str, address: Address) -> bool:
        if name_of(host) in self._names:
            return True
        address = plain(address)
        return any(address in network for network in self._networks)


def name_of(host: str) -> str:
    return host.lower().rstrip(".")


def literal(host: str) -> Address | None:
    """The address that a host is when it is no name; None for a name.

    Raises ValueError for one that only some read as an address, and not all the same way:
    `127.1`, `0x7f.0.0.1`, `2130706433`, `010.0.0.1`.
    """
    if ":" in host:
        return ip_address(host)
    last = host.rstrip(".").rpartition(".")[2].lower()
    # A name cannot end in a number (WHATWG URL, "ends in a number").
    if last.isdigit() or (last.startswith("0x") and all(c in "0123456789abcdef" for c in last[2:])):
        return IPv4Address(host)
    return None
