# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host knows of names: its network devices and their addresses, and the resolver."""
from __future__ import annotations

import fcntl
import socket
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from controlplane.addresses import Address

_SIOCGIFFLAGS = 0x8913
_SIOCGIFCONF = 0x8912
_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_IFREQ_SIZE = 40
_LINK_LOCAL_SCOPE = 0x20
_MOST_ADDRESSES = 4096
_IPV6_ADDRESSES = "/proc/net/if_inet6"


@dataclass(frozen=True, slots=True)
class Resolver:
    """The three look-ups that settings need; each gives an empty list for what it does not know.

    ``device`` takes the name of a network device, ``everything`` gives all addresses that are not loopback,
    ``host`` takes a host name. Link-local IPv6 addresses and devices that are down are left out.
    """

    device: Callable[[str], list[Address]]
    everything: Callable[[], list[Address]]
    host: Callable[[str], list[Address]]


def system_resolver() -> Resolver:
    """The look-ups of this host, in its network namespace."""
    return Resolver(device_addresses, all_addresses, host_addresses)


def device_addresses(name: str) -> list[Address]:
    """Addresses of a network device that is up, IPv4 first."""
    if not _flags(name) & _IFF_UP:
        return []
    return [address for device, address in _ipv4() + _ipv6() if name in (device, device.split(":")[0])]


def all_addresses() -> list[Address]:
    """Addresses of all devices that are up and not loopback, IPv4 first."""
    return [address for device, address in _ipv4() + _ipv6()
            if _flags(device) & (_IFF_UP | _IFF_LOOPBACK) == _IFF_UP]


def is_local(address: Address) -> bool:
    """True if sockets can be bound to this address now."""
    family = socket.AF_INET if address.family == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((str(address), 0))
    except OSError:
        return False
    return True


def has_ipv6() -> bool:
    """False if IPv6 is switched off in this kernel."""
    return Path(_IPV6_ADDRESSES).exists()


def host_addresses(name: str) -> list[Address]:
    """All addresses of a host name, in the order of the resolver, each once."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError, ValueError):
        return []
    return list(dict.fromkeys(Address.parse(str(sockaddr[0])) for *_, sockaddr in found
                              if "%" not in str(sockaddr[0])))


def _flags(device: str) -> int:
    name = device.encode("utf-8", "surrogateescape")
    if not 0 < len(name) < 16 or b"\0" in name:
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, struct.pack("16s24x", name))
        except OSError:  # no such device
            return 0
    return int(struct.unpack_from("H", answer, 16)[0])


def _ipv4() -> list[tuple[str, Address]]:
    """Every IPv4 address with its device: SIOCGIFCONF lists secondary addresses too, labels as ``eth0:1``."""
    buffer = array("B", bytes(_IFREQ_SIZE * _MOST_ADDRESSES))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        answer = fcntl.ioctl(sock, _SIOCGIFCONF, struct.pack("iP", len(buffer), buffer.buffer_info()[0]))
    length = struct.unpack_from("i", answer)[0]
    found = []
    for start in range(0, length, _IFREQ_SIZE):
        device = buffer[start:start + 16].tobytes().split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        found.append((device, Address(4, buffer[start + 20:start + 24].tobytes())))
    return found


def _ipv6(path: str = _IPV6_ADDRESSES) -> list[tuple[str, Address]]:
    try:
        lines = Path(path).read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:  # IPv6 is off
        return []
    rows = (line.split() for line in lines)
    return [(row[5], Address(6, bytes.fromhex(row[0]))) for row in rows if int(row[3], 16) & 0xf0 != _LINK_LOCAL_SCOPE]
