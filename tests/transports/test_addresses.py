from ipaddress import ip_address

import pytest

from lingma_proxy.transports.addresses import Excepted, is_public, literal

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1",
          "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]  # fmt: skip
NOT_PUBLIC = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.0.1",
              "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.0.1",
              "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
              "255.255.255.255", "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
              "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:808:808::1",
              "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1",
              "ff02::1", "100::1", "4000::1"]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_can_reach_is_public(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_lies_in_here_is_not(address):
    assert not is_public(ip_address(address))


def test_a_setting_excepts_hosts_addresses_and_networks():
    excepted = Excepted(["nas.Local", "192.168.1.0/24", "10.0.0.7", "[fd00::1]", "10.1.2.3/8"])

    assert excepted.holds("NAS.local.", ip_address("127.0.0.1"))
    assert excepted.holds("any", ip_address("192.168.1.9"))
    assert excepted.holds("any", ip_address("::ffff:192.168.1.9"))
    assert excepted.holds("any", ip_address("fd00::1"))
    assert excepted.holds("any", ip_address("10.200.0.1"))  # a network may be named by a host in it
    assert not excepted.holds("any", ip_address("192.168.2.1"))
    assert not excepted.holds("evil.nas.local", ip_address("127.0.0.1"))
    assert not Excepted().holds("", ip_address("127.0.0.1"))


@pytest.mark.parametrize("host", ["a.example", "localhost", "0xyz", "1.2.3.a", "a1", "1a.example"])
def test_a_name_is_no_address(host):
    assert literal(host) is None


@pytest.mark.parametrize("host", ["8.8.8.8", "::1", "2606:4700::1111"])
def test_an_address_is_one(host):
    assert literal(host) == ip_address(host)


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "010.0.0.1", "127.0.0.1.", "1.2.3.4.5", "256.1.1.1",
     "a.example.1", "0x", "1.2.3.0x10", ":::"],
)  # fmt: skip
def test_what_only_some_read_as_an_address_is_refused(host):
    with pytest.raises(ValueError):
        literal(host)
