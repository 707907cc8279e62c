# SPDX-License-Identifier: GPL-3.0-or-later
"""The media ports: whether they are the daemon's alone."""
from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ctl.doctor.finding import Finding, ok, warning
from ctl.doctor.host import Host

_LOCAL = "/proc/sys/net/ipv4/ip_local_port_range"
_RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
_TABLES = {4: "/proc/net/udp", 6: "/proc/net/udp6"}
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Socket:
    """A UDP socket of this host, bound to ``address``."""

    address: str
    port: int
    inode: str

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def media_ranges(host: Host) -> list[tuple[int, int]]:
    """The port ranges for media, as the daemon has them if it can be asked."""
    told = host.running.interfaces if host.running else ()
    return sorted({(each.first, each.last) for each in told} or set(host.settings.port_ranges))


def ephemeral(host: Host) -> Iterator[Finding]:
    """Whether the kernel gives media ports to programs that do not care which they get."""
    local = host.numbers(_LOCAL)
    if len(local) != 2:
        return
    reserved = list(_listed(host.line(_RESERVED)))
    ranges = media_ranges(host)
    given = [(low, high) for low, high in ranges
             if any(local[0] <= port <= local[1] and not any(a <= port <= b for a, b in reserved)
                    for port in range(low, high + 1))]
    if not given:
        yield ok("the kernel gives none of the media ports to other programs")
        return
    media = ",".join(f"{low}-{high}" for low, high in given)
    every = ",".join(filter(None, (host.line(_RESERVED), media)))
    write = f"sysctl -w net.ipv4.ip_local_reserved_ports={every}"
    yield warning(f"{media} overlap with net.ipv4.ip_local_port_range = {local[0]} {local[1]}: other programs get them",
                  f"{write}   and reserve-ports = true in the settings, which does the same at each start")


def _listed(text: str) -> Iterator[tuple[int, int]]:
    """Ranges of a list such as ``1,5-7``."""
    for piece in text.split(","):
        low, _, high = piece.partition("-")
        if low.isdigit():
            yield int(low), int(high) if high.isdigit() else int(low)


def occupied(host: Host) -> Iterator[Finding]:
    """Whether other programs hold media ports."""
    ranges = media_ranges(host)
    found = [each for each in _sockets(host) if any(low <= each.port <= high for low, high in ranges)
             and _concerns(host, each.address)]
    if found and host.running is not None and host.running.pid is not None:
        own = _own_inodes(host, host.running.pid)
        found = [each for each in found if each.inode not in own]
    if not found:
        yield ok("no other program holds one of " + ", ".join(f"{low} to {high}" for low, high in ranges))
        return
    shown = ", ".join(map(str, found[:_SHOWN]))
    low, high = ranges[0][0], ranges[-1][1]
    yield warning(f"other programs hold {len(found)} of the media ports: {shown}{', ...' * (len(found) > _SHOWN)}",
                  f"ss -lunp 'sport >= :{low} and sport <= :{high}'")


def _concerns(host: Host, address: str) -> bool:
    """Whether a socket on ``address`` is in the way of one on an address for media."""
    own = {each.address for each in host.running.interfaces} if host.running else set()
    return not own or address in own or address in ("0.0.0.0", "::")


def _own_inodes(host: Host, pid: int) -> set[str]:
    """The sockets of the daemon. NeedsRoot."""
    folder = f"/proc/{pid}/fd"
    links = (host.link(f"{folder}/{name}") for name in host.names(folder))
    return {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}


def _sockets(host: Host) -> Iterator[Socket]:
    for family, path in _TABLES.items():
        for line in (host.read(path) or "").splitlines()[1:]:
            words = line.split()
            if len(words) < 10 or ":" not in words[1]:
                continue
            address, _, port = words[1].partition(":")
            yield Socket(_address(address, family), int(port, 16), words[9])


def _address(text: str, family: int) -> str:
    """An address of /proc/net: 32-bit words, each in the byte order of the host."""
    packed = b"".join(int(text[at:at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8))
    return socket.inet_ntop(socket.AF_INET if family == 4 else socket.AF_INET6, packed)
