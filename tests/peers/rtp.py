# SPDX-License-Identifier: GPL-3.0-or-later
"""An RTP end point with real sockets: sends, receives, reports and measures (RFC 3550)."""
from __future__ import annotations

import random
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.peers import rtcp, sdp
from tests.peers.reception import Reception

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
SocketMaker = Callable[[int, int], socket.socket]


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP packet without CSRCs; ``extension`` is (profile, data in whole words) or None."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    extension: tuple[int, bytes] | None = None

    def pack(self) -> bytes:
        first = 0x90 if self.extension else 0x80
        head = struct.pack("!BBHII", first, self.marker << 7 | self.payload_type, self.sequence & 0xFFFF,
                           self.timestamp & 0xFFFFFFFF, self.ssrc)
        if self.extension:
            profile, data = self.extension
            head += struct.pack("!HH", profile, len(data) // 4) + data
        return head + self.payload

    @classmethod
    def parse(cls, data: bytes) -> Packet:
        """ValueError if the bytes are not an RTP packet."""
        if len(data) < 12 or data[0] >> 6 != 2:
            raise ValueError("not RTP")
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        at, extension = 12 + 4 * (first & 15), None
        if first & 0x10:
            profile, words = struct.unpack_from("!HH", data, at)
            extension = profile, data[at + 4:at + 4 + 4 * words]
            at += 4 + 4 * words
        end = len(data) - (data[-1] if first & 0x20 else 0)
        if at > end:
            raise ValueError("RTP header longer than the packet")
        return cls(second & 127, sequence, timestamp, ssrc, data[at:end], bool(second >> 7), extension)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A received packet: extended sequence number, sender's address, kernel receive time in Unix seconds."""

    packet: Packet
    number: int
    source: tuple[str, int]
    at: float


def _plain_socket(family: int, kind: int) -> socket.socket:
    return socket.socket(family, kind)


def bind_pair(address: str, make: SocketMaker, port: int) -> tuple[socket.socket, socket.socket]:
    """Sockets for RTP and RTCP; ``port`` 0 takes any even one. OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(200):
        rtp, rtcp_socket = make(family, socket.SOCK_DGRAM), make(family, socket.SOCK_DGRAM)
        try:
            rtp.bind((address, port))
            even = rtp.getsockname()[1]
            if even % 2 == 0:
                rtcp_socket.bind((address, even + 1))
                return rtp, rtcp_socket
        except OSError:
            if port:
                raise
        rtp.close()
        rtcp_socket.close()
    raise OSError(f"no free port pair on {address}")


class Endpoint:
    """One party's audio: an even RTP port and the RTCP port above it.

    ``make`` creates the sockets (a namespace's ``socket`` method puts them there); ``port`` 0 takes a free pair.
    """

    protocol = "RTP/AVP"

    def __init__(self, address: str = "127.0.0.1", *, port: int = 0, payload_type: int = 8, clock_rate: int = 8000,
                 make: SocketMaker = _plain_socket, seed: int | None = None):
        self.rtp, self.rtcp = bind_pair(address, make, port)
        for sock in (self.rtp, self.rtcp):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.address = address
        self.port: int = self.rtp.getsockname()[1]
        self.payload_type, self.clock_rate = payload_type, clock_rate
        draw = random.Random(seed)
        self.ssrc = draw.getrandbits(32)
        self.sequence, self.timestamp = draw.getrandbits(15), draw.getrandbits(32)
        self.sent: list[bytes] = []
        self.octets = 0
        self.arrivals: list[Arrival] = []
        self.strays: list[bytes] = []
        self.compounds: list[bytes] = []
        self.round_trips: list[float] = []
        self.blocks: list[rtcp.Block] = []
        self.sources: dict[int, Reception] = {}
        self.destination: tuple[str, int] | None = None
        self.rtcp_destination: tuple[str, int] | None = None

    def connect(self, address: str, port: int, rtcp_port: int | None = None) -> None:
        """Send to this address from now on; RTCP to ``port`` + 1 unless told."""
        self.destination = address, port
        self.rtcp_destination = address, port + 1 if rtcp_port is None else rtcp_port

    @property
    def attributes(self) -> list[str]:
        """What its SDP says of it, besides its port."""
        return []

    def hear(self, section: sdp.Section) -> None:
        """Send to where this SDP says."""
        self.connect(section.address, section.port, section.rtcp_port)

    def transmit(self, packet: bytes, is_rtcp: bool = False) -> None:
        """Send a packet that is made."""
        sock, to = (self.rtcp, self.rtcp_destination) if is_rtcp else (self.rtp, self.destination)
        sock.sendto(packet, self._to(to))

    def next_packet(self, payload: bytes, samples: int = 160, marker: bool = False) -> Packet:
        """The next packet of the stream; ``samples`` is its length on the timestamp clock."""
        packet = Packet(self.payload_type, self.sequence, self.timestamp, self.ssrc, payload, marker)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF
        self.octets += len(payload)
        self.sent.append(payload)
        return packet

    def send(self, payload: bytes, samples: int = 160, marker: bool = False) -> None:
        """Send one payload as the next packet."""
        self.transmit(self.next_packet(payload, samples, marker).pack())

    def send_report(self) -> None:
        """Send a sender report (receiver report if nothing was sent) with a block for each source heard."""
        now = time.time()
        blocks = tuple(reception.block(now) for reception in self.sources.values())
        if self.sent:
            report = rtcp.Report(self.ssrc, blocks, rtcp.ntp(now), self.timestamp, len(self.sent), self.octets)
        else:
            report = rtcp.Report(self.ssrc, blocks)
        self.transmit(report.pack() + rtcp.sdes(self.ssrc, f"peer-{self.port}"), True)

    @staticmethod
    def _to(destination: tuple[str, int] | None) -> tuple[str, int]:
        if destination is None:
            raise ValueError("no destination yet")
        return destination

    def receive(self) -> int:
        """Take in everything that waits on both sockets; returns the number of packets."""
        count = 0
        for sock, handle in ((self.rtp, self._on_rtp), (self.rtcp, self._on_rtcp)):
            while True:
                try:
                    data, control, _, source = sock.recvmsg(65536, 64)
                except BlockingIOError:
                    break
                except ConnectionRefusedError:
                    continue
                at = time.time()
                for level, kind, value in control:
                    if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                        seconds, nanoseconds = _TIMESPEC.unpack(value)
                        at = seconds + nanoseconds / 1e9
                handle(data, source[:2], at)
                count += 1
        return count

    def _on_rtp(self, data: bytes, source: tuple[str, int], at: float) -> None:
        try:
            packet = Packet.parse(data)
        except ValueError:
            self.strays.append(data)
            return
        reception = self.sources.setdefault(packet.ssrc, Reception(packet.ssrc, self.clock_rate))
        self.arrivals.append(Arrival(packet, reception.receive(packet.sequence, packet.timestamp, at), source, at))

    def _on_rtcp(self, data: bytes, source: tuple[str, int], at: float) -> None:
        try:
            reports = list(rtcp.reports(data))
        except ValueError:
            self.strays.append(data)
            return
        self.compounds.append(data)
        for report in reports:
            if report.ntp is not None and report.ssrc in self.sources:
                self.sources[report.ssrc].heard_report((report.ntp >> 16) & 0xFFFFFFFF, at)
            for block in report.blocks:
                if block.ssrc != self.ssrc:
                    continue
                self.blocks.append(block)
                if block.last_report:
                    units = (rtcp.middle(at) - block.last_report - block.delay) & 0xFFFFFFFF
                    if units < 0x80000000:
                        self.round_trips.append(units / 65536)

    @property
    def reception(self) -> Reception:
        """The source heard most; an empty one if nothing came."""
        return max(self.sources.values(), key=lambda each: each.packets, default=Reception(0, self.clock_rate))

    def payloads(self) -> list[bytes]:
        """Payloads as they arrived, first to last."""
        return [arrival.packet.payload for arrival in self.arrivals]

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def pump(endpoints: Iterable[Endpoint], seconds: float, until: Callable[[], bool] | None = None) -> bool:
    """Receive on all end points for so long, or until the condition holds; returns whether it did."""
    ends = list(endpoints)
    sockets = [sock for end in ends for sock in (end.rtp, end.rtcp)]
    deadline = time.monotonic() + seconds
    while True:
        for end in ends:
            end.receive()
        if until is not None and until():
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        select.select(sockets, [], [], left)
