# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads UDP datagrams and RTP payloads out of capture files in the classic pcap format."""
from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers.rtp import Packet

_ORDERS = {b"\xd4\xc3\xb2\xa1": ("<", 1e6), b"\xa1\xb2\xc3\xd4": (">", 1e6),
           b"\x4d\x3c\xb2\xa1": ("<", 1e9), b"\xa1\xb2\x3c\x4d": (">", 1e9)}
_LINK_HEADER = {0: 4, 1: 14, 12: 0, 101: 0, 113: 16, 228: 0, 276: 20}


@dataclass(frozen=True, slots=True)
class Datagram:
    """A captured UDP datagram; ``at`` is Unix time in seconds."""

    at: float
    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    data: bytes


def _ip_udp(at: float, packet: bytes) -> Datagram | None:
    if not packet:
        return None
    if packet[0] >> 4 == 4:
        head, protocol, addresses = 4 * (packet[0] & 15), packet[9:10], (packet[12:16], packet[16:20])
    elif packet[0] >> 4 == 6:
        head, protocol, addresses = 40, packet[6:7], (packet[8:24], packet[24:40])
    else:
        return None
    if protocol != b"\x11" or len(packet) < head + 8:
        return None
    source, destination, length = struct.unpack_from("!HHH", packet, head)
    return Datagram(at, (addresses[0], source), (addresses[1], destination), packet[head + 8:head + length])


def datagrams(path: Path) -> Iterator[Datagram]:
    """Each UDP datagram of the file. ValueError if it is no pcap file or of an unknown link type."""
    data = path.read_bytes()
    if data[:4] not in _ORDERS:
        raise ValueError(f"{path} is not a pcap file")
    order, scale = _ORDERS[data[:4]]
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    if link not in _LINK_HEADER:
        raise ValueError(f"{path}: link type {link} is not supported")
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from(order + "IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        if link == 1 and frame[12:14] == b"\x81\x00":
            frame = frame[4:]
        found = _ip_udp(seconds + fraction / scale, frame[_LINK_HEADER[link]:])
        if found:
            yield found


def rtp_packets(path: Path) -> list[Packet]:
    """The RTP packets of the source that sent most, in the order captured."""
    streams: dict[int, list[Packet]] = {}
    for datagram in datagrams(path):
        try:
            packet = Packet.parse(datagram.data)
        except ValueError:
            continue
        streams.setdefault(packet.ssrc, []).append(packet)
    return max(streams.values(), key=len, default=[])
