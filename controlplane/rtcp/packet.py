# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP packets as values: what reports say (RFC 3550 section 6, RFC 3611), read from and written as bytes."""
from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from controlplane.errors import PeerError

SR, RR, SDES, BYE, APP, XR = 200, 201, 202, 203, 204, 207
CNAME, MID = 1, 15
"""Items of a source description (RFC 3550 section 6.5.1, RFC 8843 section 15.1)."""
MAX_BLOCKS = 31
_NTP_EPOCH = 2208988800
_HEADER = struct.Struct("!BBH")
_SSRC = struct.Struct("!I")
_SENDER = struct.Struct("!QIII")
_BLOCK = struct.Struct("!IIIIII")
_XR_BLOCK = struct.Struct("!BxH")
_RECEIVER_TIME = struct.Struct("!Q")
_DELAY = struct.Struct("!III")
_VOIP = struct.Struct("!I8xH")
_VOIP_BYTES = 32
_RRT, _DLRR, _VOIP_METRICS = 4, 5, 7


class Sender(NamedTuple):
    """What a sender report says of the sender; ``ntp`` in units of 2**-32 s since 1900."""

    ntp: int
    timestamp: int
    packets: int
    octets: int


class Block(NamedTuple):
    """A report block: how ``ssrc`` was received.

    ``fraction`` in 1/256, ``jitter`` in RTP timestamp units, ``last_report`` the middle 32 bits of the last sender
    report's NTP time (0: none), ``delay`` since then in 1/65536 s.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


class Report(NamedTuple):
    """A sender report, or a receiver report without ``sender``."""

    ssrc: int
    sender: Sender | None = None
    blocks: tuple[Block, ...] = ()


class ReceiverTime(NamedTuple):
    """When a receiver that sends nothing has reported (RFC 3611 section 4.4)."""

    ssrc: int
    ntp: int


class ReceiverDelay(NamedTuple):
    """The answer to the ReceiverTime of ``ssrc`` (RFC 3611 section 4.5); fields as those of Block."""

    ssrc: int
    last_report: int
    delay: int


class VoipMetrics(NamedTuple):
    """How ``ssrc`` was heard (RFC 3611 section 4.7); ``round_trip`` in ms, 0 if unknown."""

    ssrc: int
    round_trip: int


class Description(NamedTuple):
    """One source's items, by RFC 3550 section 6.5."""

    ssrc: int
    items: tuple[tuple[int, bytes], ...]


class Goodbye(NamedTuple):
    """The sources that have left."""

    sources: tuple[int, ...]


Element = Report | ReceiverTime | ReceiverDelay | VoipMetrics | Description | Goodbye


def ntp(now: float) -> int:
    """Unix time in seconds as an NTP time stamp of 64 bits."""
    seconds = int(now)
    return (seconds + _NTP_EPOCH << 32 | int((now - seconds) * (1 << 32))) & 0xFFFFFFFFFFFFFFFF


def middle(stamp: int) -> int:
    """The 32 bits of an NTP time stamp that reports refer to it by."""
    return stamp >> 16 & 0xFFFFFFFF


def parse(data: bytes) -> list[Element]:
    """What a compound packet says; types that say nothing here are left out.

    PeerError if any part of it is not as its type and length claim. An end too short for a header is no part.
    """
    found: list[Element] = []
    at = 0
    while len(data) - at >= _HEADER.size:
        first, kind, words = _HEADER.unpack_from(data, at)
        end = at + _HEADER.size + 4 * words
        if first >> 6 != 2:
            raise PeerError("RTCP of another version")
        if end > len(data):
            raise PeerError("RTCP packet longer than what arrived")
        reader = _READERS.get(kind)
        if reader is not None:
            body = data[at + _HEADER.size:end]
            found.extend(reader(_unpadded(body) if first & 0x20 else body, first & 0x1f, kind))
        at = end
    if not at:
        raise PeerError("no RTCP")
    return found


def _unpadded(body: bytes) -> bytes:
    padding = body[-1] if body else 0
    if not 0 < padding <= len(body):
        raise PeerError("RTCP padding that cannot be")
    return body[:-padding]


def _read_report(body: bytes, count: int, kind: int) -> Iterator[Element]:
    start = _SSRC.size + (_SENDER.size if kind == SR else 0)
    if len(body) < start + count * _BLOCK.size:
        raise PeerError("RTCP report too short")
    sender = Sender(*_SENDER.unpack_from(body, _SSRC.size)) if kind == SR else None
    blocks = [_read_block(*_BLOCK.unpack_from(body, start + number * _BLOCK.size)) for number in range(count)]
    yield Report(_SSRC.unpack_from(body)[0], sender, tuple(blocks))


def _read_block(ssrc: int, loss: int, highest: int, jitter: int, last_report: int, delay: int) -> Block:
    lost = (loss & 0xFFFFFF ^ 0x800000) - 0x800000
    return Block(ssrc, loss >> 24, lost, highest, jitter, last_report, delay)


def _read_descriptions(body: bytes, count: int, _: int) -> Iterator[Element]:
    at = 0
    for _ in range(count):
        if len(body) - at < 2 * _SSRC.size:
            raise PeerError("RTCP source description too short")
        ssrc = _SSRC.unpack_from(body, at)[0]
        items, at = _read_items(body, at + _SSRC.size)
        yield Description(ssrc, items)


def _read_items(body: bytes, at: int) -> tuple[tuple[tuple[int, bytes], ...], int]:
    """The items from ``at`` to a zero byte, and where the next chunk begins."""
    items = []
    while at < len(body) and body[at]:
        end = at + 2 + (body[at + 1] if at + 1 < len(body) else 0)
        if at + 2 > len(body) or end > len(body):
            raise PeerError("RTCP source description cut off")
        items.append((body[at], body[at + 2:end]))
        at = end
    if at >= len(body):
        raise PeerError("RTCP source description without end")
    return tuple(items), at // 4 * 4 + 4


def _read_goodbye(body: bytes, count: int, _: int) -> Iterator[Element]:
    if len(body) < count * _SSRC.size:
        raise PeerError("RTCP goodbye too short")
    yield Goodbye(struct.unpack_from(f"!{count}I", body))


def _read_extended(body: bytes, *_: int) -> Iterator[Element]:
    if len(body) < _SSRC.size:
        raise PeerError("RTCP extended report too short")
    ssrc, at = _SSRC.unpack_from(body)[0], _SSRC.size
    while len(body) - at >= _XR_BLOCK.size:
        kind, words = _XR_BLOCK.unpack_from(body, at)
        block = body[at + _XR_BLOCK.size:at + _XR_BLOCK.size + 4 * words]
        if len(block) < 4 * words:
            raise PeerError("RTCP extended report cut off")
        if kind == _RRT and len(block) >= _RECEIVER_TIME.size:
            yield ReceiverTime(ssrc, *_RECEIVER_TIME.unpack_from(block))
        elif kind == _DLRR:
            for start in range(0, len(block) - _DELAY.size + 1, _DELAY.size):
                yield ReceiverDelay(*_DELAY.unpack_from(block, start))
        elif kind == _VOIP_METRICS and len(block) >= _VOIP_BYTES:
            yield VoipMetrics(*_VOIP.unpack_from(block))
        at += _XR_BLOCK.size + len(block)


_READERS: dict[int, Callable[[bytes, int, int], Iterator[Element]]] = {
    SR: _read_report, RR: _read_report, SDES: _read_descriptions, BYE: _read_goodbye, XR: _read_extended}


def write_report(report: Report) -> bytes:
    """A sender or receiver report; at most MAX_BLOCKS blocks."""
    blocks = report.blocks[:MAX_BLOCKS]
    body = _SSRC.pack(report.ssrc)
    if report.sender is not None:
        stamp, timestamp, packets, octets = report.sender
        body += _SENDER.pack(stamp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    body += b"".join([_write_block(block) for block in blocks])
    return _packet(RR if report.sender is None else SR, len(blocks), body)


def _write_block(block: Block) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
    return _BLOCK.pack(block.ssrc, min(block.fraction, 255) << 24 | lost, block.highest & 0xFFFFFFFF,
                       block.jitter & 0xFFFFFFFF, block.last_report, block.delay & 0xFFFFFFFF)


def write_description(description: Description) -> bytes:
    """A source description of one source; an item longer than 255 bytes is cut."""
    body = _SSRC.pack(description.ssrc)
    for kind, text in description.items:
        body += bytes((kind, min(len(text), 255))) + text[:255]
    return _packet(SDES, 1, body + bytes(4 - len(body) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body
