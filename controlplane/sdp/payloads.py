# SPDX-License-Identifier: GPL-3.0-or-later
"""The statically assigned RTP payload types (RFC 3551 section 6)."""
from __future__ import annotations

from typing import NamedTuple


class StaticPayload(NamedTuple):
    """What a payload type means without rtpmap; ``clock_rate`` is in Hz, ``ptime`` in milliseconds (0: none)."""

    encoding: str
    clock_rate: int
    channels: int = 1
    ptime: int = 0


STATIC_PAYLOADS: dict[int, StaticPayload] = {
    0: StaticPayload("PCMU", 8000, ptime=20),
    3: StaticPayload("GSM", 8000, ptime=20),
    4: StaticPayload("G723", 8000, ptime=30),
    5: StaticPayload("DVI4", 8000, ptime=20),
    6: StaticPayload("DVI4", 16000, ptime=20),
    7: StaticPayload("LPC", 8000, ptime=20),
    8: StaticPayload("PCMA", 8000, ptime=20),
    9: StaticPayload("G722", 8000, ptime=20),
    10: StaticPayload("L16", 44100, 2, 20),
    11: StaticPayload("L16", 44100, ptime=20),
    12: StaticPayload("QCELP", 8000, ptime=20),
    13: StaticPayload("CN", 8000, ptime=20),
    14: StaticPayload("MPA", 90000),
    15: StaticPayload("G728", 8000, ptime=20),
    16: StaticPayload("DVI4", 11025, ptime=20),
    17: StaticPayload("DVI4", 22050, ptime=20),
    18: StaticPayload("G729", 8000, ptime=20),
    25: StaticPayload("CelB", 90000),
    26: StaticPayload("JPEG", 90000),
    28: StaticPayload("nv", 90000),
    31: StaticPayload("H261", 90000),
    32: StaticPayload("MPV", 90000),
    33: StaticPayload("MP2T", 90000),
    34: StaticPayload("H263", 90000),
}
UNKNOWN_PAYLOAD = StaticPayload("", 0)
