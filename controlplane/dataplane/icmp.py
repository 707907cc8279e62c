# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts and routers say of packets that they could not deliver: ICMP "destination unreachable" (RFC 792, 4443).

The media sockets never see these, so that nobody ends a call with one; they are read from sockets of their own, which
also hear of what the kernel module has sent.
"""
from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from controlplane.addresses import Address, Endpoint

_log = logging.getLogger("rtpengine.core")
MOST = 256
"""Read at once; what comes besides is dropped by the system."""
_BUFFER = 1 << 16
_LONGEST = 1280
_UDP = 17
_IP4_HEADER, _IP6_HEADER, _ICMP_HEADER, _PORTS = 20, 40, 8, 4
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_IP4_UNREACHABLE, _IP6_UNREACHABLE = 3, 1

FORBIDDEN = "a firewall lets nothing through to it"
REASONS = {
    4: {0: "there is no way to its network", 1: "the host does not answer", 2: "the host has no UDP",
        3: "nothing listens on the port", 9: FORBIDDEN, 10: FORBIDDEN, 13: FORBIDDEN},
    6: {0: "there is no way to its network", 1: FORBIDDEN, 3: "the host does not answer",
        4: "nothing listens on the port", 5: FORBIDDEN, 6: FORBIDDEN}}
"""Codes of either family in words; those of packets that are too long are left to the senders."""


class Refused(NamedTuple):
    """A packet from ``local`` did not get to ``remote``, which ``by`` says with a reason of REASONS."""

    local: Endpoint
    remote: Endpoint
    by: Address
    reason: str


@dataclass(slots=True)
class Report:
    """What was said of where a socket sends to, when last (Unix time in seconds), and how often."""

    refused: Refused
    at: float
    times: int = 0

    def __str__(self) -> str:
        return f"{self.refused.by} says that {self.refused.reason}"


def refused_ip4(datagram: bytes) -> Refused | None:
    """Of an IPv4 packet as a raw socket gives it; None if it is about something else."""
    head = _header_length(datagram, 0)
    if not head or len(datagram) < head + _ICMP_HEADER or datagram[head] != _IP4_UNREACHABLE:
        return None
    inner = head + _ICMP_HEADER
    length = _header_length(datagram, inner)
    if not length or datagram[inner + 9] != _UDP or len(datagram) < inner + length + _PORTS:
        return None
    return _refused(4, datagram, datagram[head + 1], inner + 12, inner + length, datagram[12:16])


def refused_ip6(message: bytes, source: str) -> Refused | None:
    """Of an ICMPv6 message without its IPv6 header, which came from ``source``; None if it is about something else."""
    inner = _ICMP_HEADER
    if len(message) < inner + _IP6_HEADER + _PORTS or message[0] != _IP6_UNREACHABLE or message[inner] >> 4 != 6 \
            or message[inner + 6] != _UDP:
        return None
    by = socket.inet_pton(socket.AF_INET6, source.partition("%")[0])
    return _refused(6, message, message[1], inner + 8, inner + _IP6_HEADER, by)


def _header_length(datagram: bytes, at: int) -> int:
    """That of the IPv4 header there, 0 if there is none or not all of it."""
    if len(datagram) < at + _IP4_HEADER or datagram[at] >> 4 != 4:
        return 0
    length = (datagram[at] & 15) * 4
    return length if _IP4_HEADER <= length <= len(datagram) - at else 0


def _refused(family: int, data: bytes, code: int, addresses: int, ports: int, by: bytes) -> Refused | None:
    """The packet that was refused has its two addresses and its two ports there."""
    reason = REASONS[family].get(code)
    if reason is None:
        return None
    size = 4 if family == 4 else 16
    local_port, remote_port = struct.unpack_from("!HH", data, ports)
    local, remote = (Address(family, bytes(data[at:at + size])) for at in (addresses, addresses + size))
    return Refused(Endpoint(local, local_port), Endpoint(remote, remote_port), Address(family, bytes(by)), reason)


class IcmpSockets:
    """One for each family that the host has; none without CAP_NET_RAW. They are read when somebody wants to know."""

    def __init__(self) -> None:
        self._readers: list[tuple[socket.socket, Callable[[bytes, str], Refused | None]]] = []
        try:
            self._readers.append((_raw(socket.AF_INET, socket.IPPROTO_ICMP, _SOL_RAW, _ICMP_FILTER, struct.pack(
                "=I", 0xFFFFFFFF & ~(1 << _IP4_UNREACHABLE))), lambda data, _: refused_ip4(data)))
            self._readers.append((_raw(socket.AF_INET6, socket.IPPROTO_ICMPV6, socket.IPPROTO_ICMPV6, _ICMP6_FILTER,
                                       struct.pack("=8I", 0xFFFFFFFF & ~(1 << _IP6_UNREACHABLE), *[0xFFFFFFFF] * 7)),
                                  refused_ip6))
        except OSError as error:
            _log.log(logging.DEBUG if self._readers else logging.INFO,
                     "ICMP errors about media that do not arrive are not heard: %s", error.strerror)

    def read(self) -> Iterator[Refused]:
        """Those that have come since the last time, as far as there is room for them."""
        for sock, parse in self._readers:
            for _ in range(MOST):
                try:
                    data, source = sock.recvfrom(_LONGEST)
                except OSError:
                    break
                found = parse(data, source[0])
                if found is not None:
                    yield found

    def close(self) -> None:
        """Hear no more."""
        for sock, _ in self._readers:
            sock.close()
        self._readers = []


def _raw(family: int, protocol: int, level: int, name: int, only: bytes) -> socket.socket:
    """OSError if this is not for us."""
    made = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    made.setsockopt(level, name, only)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    return made
