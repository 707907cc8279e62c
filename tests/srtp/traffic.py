# SPDX-License-Identifier: GPL-3.0-or-later
"""Random media and the roads they take."""
from __future__ import annotations

from collections.abc import Iterator
from random import Random

SSRCS = (b"\x11\x22\x33\x44", b"\xfe\xdc\xba\x98", b"\0\0\0\0")


def rtp(random: Random, seq: int, ssrc: bytes) -> bytes:
    """RTP with CSRCs, a header extension, and a payload of any length."""
    csrcs, extended = random.choice((0, 0, 0, 3, 15)), random.random() < 0.2
    head = bytes([0x80 | extended << 4 | csrcs, random.randrange(96)]) + (seq & 0xFFFF).to_bytes(2, "big")
    head += random.randbytes(4) + ssrc + random.randbytes(4 * csrcs)
    if extended:
        words = random.randrange(4)
        head += b"\xbe\xde" + words.to_bytes(2, "big") + random.randbytes(4 * words)
    return head + random.randbytes(random.choice((0, 1, 15, 16, 17, 20, 160, random.randrange(1200))))


def rtcp(random: Random, ssrc: bytes) -> bytes:
    """A sender report, and perhaps something behind it."""
    return b"\x80\xc8\0\x06" + ssrc + random.randbytes(20) + random.choice((b"", b"\x80\xca\0\1" + random.randbytes(4)))


def numbers(random: Random, count: int) -> Iterator[int]:
    """Sequence numbers without end of a sender: in order, at times with a gap; close to wraps more often than not."""
    at = random.choice((0, 1, 65530, 65535, random.randrange(65536)))
    for _ in range(count):
        yield at
        step = random.random()
        if step < 0.97:
            at += 1
        elif step < 0.995:
            at += random.randrange(1, 300)
        else:
            at += random.randrange(1, 20000)


def road(random: Random, packets: list[bytes], damage: bool = True) -> Iterator[bytes]:
    """Loses, delays and repeats packets, adds cut and damaged ones; the first one comes through."""
    delayed: list[tuple[int, bytes]] = []
    for n, packet in enumerate(packets):
        while delayed and delayed[0][0] <= n:
            yield delayed.pop(0)[1]
        fate = random.random() if n else 1.0
        if fate < 0.05:
            continue
        if fate < 0.15:
            delayed.append((n + random.choice((2, 5, 40, 126, 127, 128, 129, 300)), packet))
            delayed.sort(key=lambda d: d[0])
            continue
        if damage and fate < 0.20:
            yield damaged(random, packet)
        yield packet
        if fate < 0.30:
            delayed.insert(0, (n, packet))
        elif fate < 0.35:
            delayed.append((n + random.randrange(1, 300), packet))
            delayed.sort(key=lambda d: d[0])


def damaged(random: Random, packet: bytes) -> bytes:
    """A wrong bit behind what says that it is RTP or RTCP, or an end cut off."""
    if random.random() < 0.3:
        return packet[:random.randrange(min(12, len(packet) - 1), len(packet))]
    at = random.randrange(4, len(packet))
    return packet[:at] + bytes([packet[at] ^ 1 << random.randrange(8)]) + packet[at + 1:]
