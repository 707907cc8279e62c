# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP packets as values (RFC 3550 section 6)."""
from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SR, RR, SDES, BYE = 200, 201, 202, 203
_NTP_EPOCH = 2208988800


def ntp(now: float) -> int:
    """Unix time in seconds as a 64-bit NTP timestamp."""
    return int((now + _NTP_EPOCH) * (1 << 32))


def middle(now: float) -> int:
    """The middle 32 bits of the NTP timestamp, as LSR carries them: units of 1/65536 s."""
    return (ntp(now) >> 16) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Block:
    """A report block; ``jitter`` in timestamp units, ``last_report`` and ``delay`` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int

    def pack(self) -> bytes:
        lost = max(-0x800000, min(0x7FFFFF, self.lost)) & 0xFFFFFF
        return struct.pack("!IIIIII", self.ssrc, self.fraction_lost << 24 | lost, self.highest, self.jitter,
                           self.last_report, self.delay)

    @classmethod
    def parse(cls, data: bytes) -> Block:
        ssrc, loss, highest, jitter, last, delay = struct.unpack("!IIIIII", data)
        lost = loss & 0xFFFFFF
        return cls(ssrc, loss >> 24, lost - (1 << 24) if lost & 0x800000 else lost, highest, jitter, last, delay)


@dataclass(frozen=True, slots=True)
class Report:
    """A sender report (``ntp`` not None) or a receiver report."""

    ssrc: int
    blocks: tuple[Block, ...] = ()
    ntp: int | None = None
    timestamp: int = 0
    packets: int = 0
    octets: int = 0

    def pack(self) -> bytes:
        body = struct.pack("!I", self.ssrc)
        if self.ntp is not None:
            body += struct.pack("!QIII", self.ntp, self.timestamp, self.packets, self.octets)
        body += b"".join(block.pack() for block in self.blocks)
        return _header(RR if self.ntp is None else SR, len(self.blocks), body) + body


def _header(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4)


def sdes(ssrc: int, cname: str) -> bytes:
    """A source description with the canonical name alone."""
    name = cname.encode()
    body = struct.pack("!IBB", ssrc, 1, len(name)) + name
    body += bytes(4 - len(body) % 4)
    return _header(SDES, 1, body) + body


def bye(sources: Sequence[int]) -> bytes:
    """A goodbye of these sources."""
    body = b"".join(struct.pack("!I", ssrc) for ssrc in sources)
    return _header(BYE, len(sources), body) + body


def parts(compound: bytes) -> list[tuple[int, int, bytes]]:
    """(packet type, count, body) of each packet in a compound packet. ValueError for lying lengths."""
    found = []
    while compound:
        if len(compound) < 4:
            raise ValueError("RTCP packet cut short")
        first, kind, words = struct.unpack_from("!BBH", compound)
        end = 4 + 4 * words
        if first >> 6 != 2 or end > len(compound):
            raise ValueError("RTCP length or version wrong")
        found.append((kind, first & 31, compound[4:end]))
        compound = compound[end:]
    return found


def reports(compound: bytes) -> list[Report]:
    """The sender and receiver reports of a compound packet."""
    found = []
    for kind, count, body in parts(compound):
        if kind not in (SR, RR):
            continue
        start = 24 if kind == SR else 4
        if len(body) < start + 24 * count:
            raise ValueError("RTCP report cut short")
        blocks = tuple(Block.parse(body[at:at + 24]) for at in range(start, start + 24 * count, 24))
        ssrc, = struct.unpack_from("!I", body)
        if kind == SR:
            found.append(Report(ssrc, blocks, *struct.unpack_from("!QIII", body, 4)))
        else:
            found.append(Report(ssrc, blocks))
    return found
