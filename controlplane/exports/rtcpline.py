# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that the log keeps of an RTCP packet (option log-facility-rtcp)."""
from __future__ import annotations

import struct
from collections.abc import Iterator

from controlplane.errors import PeerError
from controlplane.rtcp.packet import RR, SR, XR, ReceiverDelay, ReceiverTime, Report, VoipMetrics, parse

_HEADER = struct.Struct("!BBHI")
Item = tuple[str, int]


def line(call_id: str, data: bytes) -> str | None:
    """What the compound packet ``data`` says; None if it cannot be read."""
    try:
        items = [item for part in _parts(data) for item in _items(part)]
    except PeerError:
        return None
    return f"[{call_id}] " + ", ".join([f"{key}={value}" for key, value in items]) if items else None


def _parts(data: bytes) -> Iterator[bytes]:
    """The packets of a compound; ``parse`` has the last word on each."""
    while len(data) >= _HEADER.size:
        size = 4 + 4 * int.from_bytes(data[2:4], "big")
        yield data[:size]
        data = data[size:]


def _items(part: bytes) -> Iterator[Item]:
    if part[1] not in (SR, RR, XR):
        return
    first, kind, length, ssrc = _HEADER.unpack_from(part)
    yield from (("version", first >> 6), ("padding", first >> 5 & 1), ("count", first & 31), ("payloadtype", kind),
                ("length", length), ("ssrc", ssrc))
    for element in parse(part):
        if isinstance(element, Report):
            yield from _report(element)
        elif isinstance(element, ReceiverTime):
            yield from (("rb_rr_time_ntp_sec", element.ntp >> 32),
                        ("rb_rr_time_ntp_fractions", element.ntp & 0xFFFFFFFF))
        elif isinstance(element, ReceiverDelay):
            yield from (("rb_dlrr_ssrc", element.ssrc), ("rb_dlrr_last_rr", element.last_report),
                        ("rb_dlrr_delay_since_last_rr", element.delay))
        elif isinstance(element, VoipMetrics):
            yield from (("rb_voip_mtc_ssrc", element.ssrc), ("rb_voip_mtc_rnd_trip_delay", element.round_trip))


def _report(report: Report) -> Iterator[Item]:
    if sender := report.sender:
        yield from (("ntp_sec", sender.ntp >> 32), ("ntp_fractions", sender.ntp & 0xFFFFFFFF),
                    ("rtp_ts", sender.timestamp), ("sender_packets", sender.packets),
                    ("sender_bytes", sender.octets))
    for block in report.blocks:
        yield from (("ssrc", block.ssrc), ("fraction_lost", block.fraction), ("packet_loss", block.lost),
                    ("last_seq", block.highest), ("jitter", block.jitter), ("last_sr", block.last_report),
                    ("delay_since_last_sr", block.delay))
