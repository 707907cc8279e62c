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
