# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of codecs as reports show them."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from controlplane.report.model import Media

STATIC: Mapping[int, str] = {
    0: "PCMU/8000", 3: "GSM/8000", 4: "G723/8000", 5: "DVI4/8000", 6: "DVI4/16000", 7: "LPC/8000", 8: "PCMA/8000",
    9: "G722/8000", 10: "L16/44100/2", 11: "L16/44100", 12: "QCELP/8000", 13: "CN/8000", 14: "MPA/90000",
    15: "G728/8000", 16: "DVI4/11025", 17: "DVI4/22050", 18: "G729/8000", 25: "CelB/90000", 26: "JPEG/90000",
    28: "nv/90000", 31: "H261/90000", 32: "MPV/90000", 33: "MP2T/90000", 34: "H263/90000",
}
"""RFC 3551 section 6: payload types that need no a=rtpmap."""
UNKNOWN = "unknown codec"


def codec_name(media: Media) -> str:
    """ENCODING/clock[/channels] of the payload type received most, UNKNOWN without one."""
    used: Counter[int] = Counter()
    for stream in media.streams:
        if stream.is_rtp:
            for source in stream.stats.sources:
                used[source.last_payload_type] += source.packets
    for payload_type, _ in used.most_common(1):
        return media.codecs.get(payload_type) or STATIC.get(payload_type, UNKNOWN)
    return UNKNOWN
