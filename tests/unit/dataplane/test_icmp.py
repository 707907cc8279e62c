# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP errors about our packets are read, others are not, and nothing else does any harm."""
from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.addresses import Address, Endpoint
from controlplane.dataplane.icmp import FORBIDDEN, REASONS, Refused, refused_ip4, refused_ip6

LOCAL4, REMOTE4, ROUTER4 = "192.0.2.1", "198.51.100.20", "203.0.113.1"
LOCAL6, REMOTE6, ROUTER6 = "2001:db8::1", "2001:db8:1::20", "2001:db8:2::1"
PORTS = 30000, 42000
UDP, TCP = 17, 6


def ip4(source: str, destination: str, protocol: int, payload: bytes, options: bytes = b"") -> bytes:
    """A packet; its checksum is not looked at."""
    words = (20 + len(options)) // 4
    return struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, 20 + len(options) + len(payload), 0, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination)) + options + payload


def ip6(source: str, destination: str, protocol: int, payload: bytes) -> bytes:
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), protocol, 64, socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, destination)) + payload


def udp(ports: tuple[int, int] = PORTS) -> bytes:
    return struct.pack("!HHHH", *ports, 180, 0)


def error4(code: int, inner: bytes, kind: int = 3, options: bytes = b"") -> bytes:
    return ip4(ROUTER4, LOCAL4, 1, struct.pack("!BBHI", kind, code, 0, 0) + inner, options)


def error6(code: int, inner: bytes, kind: int = 1) -> bytes:
    return struct.pack("!BBHI", kind, code, 0, 0) + inner


ABOUT_US4, ABOUT_US6 = ip4(LOCAL4, REMOTE4, UDP, udp()), ip6(LOCAL6, REMOTE6, UDP, udp())


def refused(local: str, remote: str, by: str, reason: str) -> Refused:
    ends = (Endpoint(Address.parse(address), port) for address, port in zip((local, remote), PORTS))
    return Refused(*ends, Address.parse(by), reason)


@pytest.mark.parametrize("code, reason", [(1, "the host does not answer"), (3, "nothing listens on the port"),
                                          (13, FORBIDDEN)])
def test_ip4(code: int, reason: str) -> None:
    expected = refused(LOCAL4, REMOTE4, ROUTER4, reason)
    assert refused_ip4(error4(code, ABOUT_US4)) == expected
    assert refused_ip4(error4(code, ABOUT_US4[:24])) == expected, "as much as matters"
    with_options = ip4(LOCAL4, REMOTE4, UDP, udp(), bytes(8))
    assert refused_ip4(error4(code, with_options, options=bytes(4))) == expected


@pytest.mark.parametrize("code, reason", [(3, "the host does not answer"), (4, "nothing listens on the port"),
                                          (1, FORBIDDEN)])
def test_ip6(code: int, reason: str) -> None:
    assert refused_ip6(error6(code, ABOUT_US6), ROUTER6) == refused(LOCAL6, REMOTE6, ROUTER6, reason)
    assert refused_ip6(error6(code, ABOUT_US6), "fe80::1%eth0") == refused(LOCAL6, REMOTE6, "fe80::1", reason)


@pytest.mark.parametrize("data", [
    error4(4, ABOUT_US4), error4(3, ABOUT_US4, kind=11), error4(3, ip4(LOCAL4, REMOTE4, TCP, udp())),
    error4(3, ABOUT_US4[:23]), error4(3, b"\x60" + ABOUT_US4[1:]), error4(3, b"\x4f" + ABOUT_US4[1:])])
def test_what_is_about_something_else_ip4(data: bytes) -> None:
    assert refused_ip4(data) is None


@pytest.mark.parametrize("data", [
    error6(2, ABOUT_US6), error6(4, ABOUT_US6, kind=3), error6(4, ip6(LOCAL6, REMOTE6, TCP, udp())),
    error6(4, ABOUT_US6[:43]), error6(4, b"\x40" + ABOUT_US6[1:])])
def test_what_is_about_something_else_ip6(data: bytes) -> None:
    assert refused_ip6(data, ROUTER6) is None


@given(st.binary(max_size=120), st.sampled_from([error4(3, ABOUT_US4), error6(4, ABOUT_US6)]),
       st.integers(0, 70), st.integers(0, 70))
def test_any_bytes(data: bytes, whole: bytes, cut: int, at: int) -> None:
    for each in (data, whole[:cut], whole[:at] + data, whole[:at] + data + whole[at + len(data):]):
        for found in (refused_ip4(each), refused_ip6(each, ROUTER6)):
            assert found is None or found.reason in {*REASONS[4].values(), *REASONS[6].values()}
