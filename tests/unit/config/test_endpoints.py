# SPDX-License-Identifier: GPL-3.0-or-later
import socket

import pytest
from hypothesis import given, strategies as st

from controlplane.addresses import Address
from controlplane.config import endpoints, netdevs
from controlplane.config.endpoints import listen_endpoints
from controlplane.config.netdevs import Resolver
from controlplane.errors import ConfigError

RESOLVER = Resolver(lambda name: [], lambda: [],
                    lambda name: [Address.parse("127.0.0.1"), Address.parse("::1")] if name == "here" else [])


@pytest.mark.parametrize("text,expected", [
    ("any:2223", ["0.0.0.0:2223", "[::]:2223"]),
    ("2223", ["127.0.0.1:2223", "[::1]:2223"]),
    (" 127.0.0.1 : 2223 ", ["127.0.0.1:2223"]),
    ("[::1]:2223", ["[::1]:2223"]),
    ("here:5", ["127.0.0.1:5", "[::1]:5"]),
])
def test_values(text, expected):
    assert [str(each) for each in listen_endpoints(text, RESOLVER)] == expected


@pytest.mark.parametrize("text", ["", "x", "0", "65536", ":5", "::1:5", "[::1]", "[x]:5", "nowhere:5", "1.2.3.4:", "٣"])
def test_errors(text):
    with pytest.raises(ConfigError):
        listen_endpoints(text, RESOLVER)


def test_no_ipv6_where_it_is_off(monkeypatch, tmp_path):
    monkeypatch.setattr(netdevs, "_IPV6_ADDRESSES", str(tmp_path / "if_inet6"))
    monkeypatch.setattr(endpoints, "is_local", lambda address: address.family == 4)
    assert [str(each) for each in listen_endpoints("any:2223", RESOLVER)] == ["0.0.0.0:2223"]
    assert [str(each) for each in listen_endpoints("2223", RESOLVER)] == ["127.0.0.1:2223"]


@given(st.text() | st.text(alphabet="[]:.0129a"))
def test_any_text_gives_endpoints_or_a_config_error(text):
    try:
        listen_endpoints(text, RESOLVER)
    except ConfigError:
        pass


def test_addresses_of_this_host_are_told_from_others():
    assert netdevs.is_local(Address.parse("127.0.0.1"))
    assert not netdevs.is_local(Address.parse("203.0.113.9")) and not netdevs.is_local(Address.parse("2001:db8::9"))


def test_the_loopback_device_of_this_host():
    assert Address.parse("127.0.0.1") in netdevs.device_addresses("lo")
    assert Address.parse("127.0.0.1") not in netdevs.all_addresses()


@pytest.mark.parametrize("name", ["", "nosuchdev", "x" * 40, "\0", "\udcff"])
def test_what_is_no_device_has_no_address(name):
    assert netdevs.device_addresses(name) == []


@pytest.mark.parametrize("name", ["\0", "x" * 300, "a..b", "\ud800"])
def test_what_is_no_host_name_has_no_address(name):
    assert netdevs.host_addresses(name) == []


def test_names_are_looked_up_once_per_address():
    found = netdevs.host_addresses("localhost")
    assert len(set(found)) == len(found) and all(each.family in (4, 6) for each in found)


def test_no_table_of_ipv6_addresses_means_none(tmp_path):
    assert netdevs._ipv6(str(tmp_path / "missing")) == []
    table = tmp_path / "if_inet6"
    table.write_text("fe800000000000000000000000000001 02 40 20 80     eth0\n"
                     "20010db8000000000000000000000001 02 40 00 80     eth0\n")
    assert netdevs._ipv6(str(table)) == [("eth0", Address(6, socket.inet_pton(socket.AF_INET6, "2001:db8::1")))]
