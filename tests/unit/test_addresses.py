# SPDX-License-Identifier: GPL-3.0-or-later
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.addresses import Address, Endpoint, zero_address
from controlplane.errors import PeerError


@given(st.ip_addresses(), st.integers(0, 65535))
def test_agrees_with_the_standard_library(ip, port):
    address = Address.parse(str(ip))
    assert (address.family, address.packed) == (ip.version, ip.packed)
    assert ipaddress.ip_address(str(address)) == ip
    assert Endpoint.parse(str(Endpoint(address, port))) == Endpoint(address, port)


@given(st.text())
def test_any_text_is_an_address_or_a_peer_error(text):
    for parse in (Address.parse, Endpoint.parse):
        try:
            parse(text)
        except PeerError:
            pass


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4.5", "::g", "host.example", "1.2.3.4\0", "[::1]", "fe80::1%lo"])
def test_not_addresses(text):
    with pytest.raises(PeerError, match="not an IP address"):
        Address.parse(text)


@pytest.mark.parametrize("text", [
    "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:\u0661", "::1:5", ":5"])
def test_not_endpoints(text):
    with pytest.raises(PeerError):
        Endpoint.parse(text)


def test_zero():
    assert Address.parse("0.0.0.0").is_zero and Address.parse("::").is_zero
    assert zero_address(4) == Address.parse("0.0.0.0")
    assert not Address.parse("::1").is_zero


@pytest.mark.parametrize("text, alike", [
    ("10.0.0.0", "10.255.255.255"), ("172.16.0.1", "172.31.255.255"), ("192.168.0.1", "192.168.255.1"),
    ("100.64.0.1", "100.127.255.255"), ("fc00::1", "fdff::1"), ("fe80::1", "febf::1"), ("127.0.0.1", "127.9.9.9")])
def test_private_networks(text, alike):
    network = Address.parse(text).private_network
    assert network is not None and network == Address.parse(alike).private_network
    assert all(Address.parse(other).private_network not in (None, network) for other in ("169.254.1.1", "::1"))


@pytest.mark.parametrize("text", ["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "100.128.0.0", "::2",
                                  "2001:db8::1", "fec0::1", "192.169.0.0", "128.0.0.1"])
def test_addresses_of_no_private_network(text):
    assert Address.parse(text).private_network is None
