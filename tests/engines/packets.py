# SPDX-License-Identifier: GPL-3.0-or-later
"""RTP, RTCP and what else comes to a media port, as bytes."""
from __future__ import annotations

import struct

from tests.peers.srtp import header_length

SSRC = 0x11223344
STUN = bytes.fromhex("000100002112a442") + bytes(12)
DTLS = b"\x16\xfe\xfd" + bytes(20)


def rtp(seq: int, payload: bytes = b"\xd5" * 20, *, pt: int = 0, ssrc: int = SSRC, ts: int | None = None,
        csrcs: bytes = b"", extension: bytes = b"", marker: bool = False, padding: bytes = b"") -> bytes:
    """RTP (RFC 3550 section 5.1); `extension` is whole, with its header."""
    first = 0x80 | bool(padding) << 5 | bool(extension) << 4 | len(csrcs) // 4
    return struct.pack("!BBHII", first, marker << 7 | pt, seq & 0xFFFF, (seq * 160 if ts is None else ts) & 0xFFFFFFFF,
                       ssrc) + csrcs + extension + payload + padding


def extension(elements: bytes, profile: int = 0xBEDE) -> bytes:
    """A header extension (RFC 8285)."""
    padded = elements + bytes(-len(elements) % 4)
    return struct.pack("!HH", profile, len(padded) // 4) + padded


def rtcp(count: int, kind: int, body: bytes) -> bytes:
    """One RTCP packet."""
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def sender_report(ssrc: int = SSRC, packets: int = 3) -> bytes:
    """A report without blocks (section 6.4.1)."""
    return rtcp(0, 200, struct.pack("!IQIII", ssrc, 1, 2, packets, 4))


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4, and a first length that does not lie."""
    return (len(data) >= 8 and data[0] >> 6 == 2 and 194 <= data[1] <= 223
            and (struct.unpack_from("!H", data, 2)[0] + 1) * 4 <= len(data))


def is_rtp(data: bytes) -> bool:
    """Version 2 with a whole header, and not of an RTCP type."""
    if len(data) < 12 or data[0] >> 6 != 2 or 194 <= data[1] <= 223:
        return False
    size = 12 + 4 * (data[0] & 15)
    return len(data) >= size + (4 if data[0] & 16 else 0) and len(data) >= header_length(data)
