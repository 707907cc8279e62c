# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that the log keeps of an RTCP packet (option log-facility-rtcp)."""
from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from controlplane.errors import PeerError
from controlplane.rtcp.packet import RR, SR, XR, Report, parse

_HEADER = struct.Struct("!BBH")
_BLOCK_HEADER = struct.Struct("!BBH")
Item = tuple[str, int]


class _Layout(NamedTuple):
    """A kind of report block (RFC 3611 section 4): its fields, and whether they come again and again."""

    layout: struct.Struct
    names: tuple[str, ...]
    repeats: bool = False


_STATISTICS = ("ssrc", "begin_seq", "end_seq", "lost_packets", "dup_packets", "min_jitter", "max_jitter", "mean_jitter",
               "dev_jitter", "min_ttl_or_hl", "max_ttl_or_hl", "mean_ttl_or_hl", "dev_ttl_or_hl")
_VOIP = ("ssrc", "loss_rate", "discard_rate", "burst_den", "gap_den", "burst_dur", "gap_dur", "rnd_trip_delay",
         "end_sys_delay", "signal_lvl", "noise_lvl", "rerl", "gmin", "r_factor", "ext_r_factor", "mos_lq", "mos_cq",
         "rx_config", "jb_nom", "jb_max", "jb_abs_max")
_LAYOUTS = {
    4: _Layout(struct.Struct("!II"), ("rb_rr_time_ntp_sec", "rb_rr_time_ntp_frac")),
    5: _Layout(struct.Struct("!III"), ("rb_dlrr_ssrc", "rb_dlrr_lrr", "rb_dlrr_dlrr"), True),
    6: _Layout(struct.Struct("!IHHIIIIIIBBBB"), tuple(f"rb_stats_{name}" for name in _STATISTICS)),
    7: _Layout(struct.Struct("!IBBBBHHHHBBBBBBBBBxHHH"), tuple(f"rb_voip_mtc_{name}" for name in _VOIP)),
}


def line(call_id: str, data: bytes) -> str | None:
    """What the compound packet ``data`` says; None if it cannot be read."""
    try:
        parse(data)
        items = [item for part in _parts(data) for item in _items(part)]
    except PeerError:
        return None
    return f"[{call_id}] " + ", ".join([f"{key}={value}" for key, value in items])


def _parts(data: bytes) -> Iterator[bytes]:
    """The packets of a compound, whose lengths have been checked."""
    while len(data) >= _HEADER.size:
        size = 4 + 4 * int.from_bytes(data[2:4], "big")
        yield data[:size]
        data = data[size:]


def _items(part: bytes) -> Iterator[Item]:
    first, kind, length = _HEADER.unpack_from(part)
    yield from (("version", first >> 6), ("padding", first >> 5 & 1), ("count", first & 31), ("payloadtype", kind),
                ("length", length))
    if kind in (SR, RR, XR):
        yield "ssrc", int.from_bytes(part[4:8], "big")
    if kind == XR:
        yield from _extended(part[8:])
    for element in parse(part):
        if isinstance(element, Report):
            yield from _report(element)


def _report(report: Report) -> Iterator[Item]:
    if sender := report.sender:
        yield from (("ntp_sec", sender.ntp >> 32), ("ntp_fractions", sender.ntp & 0xFFFFFFFF),
                    ("rtp_ts", sender.timestamp), ("sender_packets", sender.packets),
                    ("sender_bytes", sender.octets))
    for block in report.blocks:
        yield from (("ssrc", block.ssrc), ("fraction_lost", block.fraction), ("packet_loss", block.lost),
                    ("last_seq", block.highest), ("jitter", block.jitter), ("last_sr", block.last_report),
                    ("delay_since_last_sr", block.delay))


def _extended(blocks: bytes) -> Iterator[Item]:
    while len(blocks) >= _BLOCK_HEADER.size:
        kind, specific, words = _BLOCK_HEADER.unpack_from(blocks)
        body, blocks = blocks[4:4 + 4 * words], blocks[4 + 4 * words:]
        yield from (("rb_header_blocktype", kind), ("rb_header_blockspecdata", specific),
                    ("rb_header_blocklength", words))
        known = _LAYOUTS.get(kind)
        while known is not None and len(body) >= known.layout.size:
            yield from zip(known.names, known.layout.unpack_from(body))
            body = body[known.layout.size:] if known.repeats else b""
