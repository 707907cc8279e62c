# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that are understood: what becomes of each, and at which level it is looked for.

Every attribute not listed here is generic: handed on to the receiver as it came.
"""
from __future__ import annotations

from enum import Enum
from typing import Final


class Level(Enum):
    """Where a consumed attribute has a meaning."""

    MEDIA = "m-section only"
    INHERITED = "m-section, else session"
    SESSION = "session only"


ATTRIBUTES: Final[dict[str, Level]] = {
    "rtcp": Level.MEDIA,
    "rtcp-mux": Level.MEDIA,
    "rtpmap": Level.MEDIA,
    "fmtp": Level.MEDIA,
    "rtcp-fb": Level.MEDIA,
    "ptime": Level.MEDIA,
    "maxptime": Level.MEDIA,
    "mid": Level.MEDIA,
    "label": Level.MEDIA,
    "crypto": Level.MEDIA,
    "candidate": Level.MEDIA,
    "remote-candidates": Level.MEDIA,
    "ice-mismatch": Level.MEDIA,
    "ice-ufrag": Level.INHERITED,
    "ice-pwd": Level.INHERITED,
    "ice-options": Level.INHERITED,
    "ice-lite": Level.INHERITED,
    "end-of-candidates": Level.INHERITED,
    "setup": Level.INHERITED,
    "fingerprint": Level.INHERITED,
    "tls-id": Level.INHERITED,
    "sendrecv": Level.INHERITED,
    "sendonly": Level.INHERITED,
    "recvonly": Level.INHERITED,
    "inactive": Level.INHERITED,
    "extmap": Level.INHERITED,
    "extmap-allow-mixed": Level.INHERITED,
    "group": Level.SESSION,
    "rtpengine": Level.SESSION,
    "T38FaxVersion": Level.MEDIA,
    "T38MaxBitRate": Level.MEDIA,
    "T38FaxFillBitRemoval": Level.MEDIA,
    "T38FaxTranscodingMMR": Level.MEDIA,
    "T38FaxTranscodingJBIG": Level.MEDIA,
    "T38FaxRateManagement": Level.MEDIA,
    "T38FaxMaxBuffer": Level.MEDIA,
    "T38FaxMaxDatagram": Level.MEDIA,
    "T38FaxMaxIFP": Level.MEDIA,
    "T38FaxUdpEC": Level.MEDIA,
    "T38FaxUdpECDepth": Level.MEDIA,
    "T38FaxUdpFECMaxSpan": Level.MEDIA,
}

SESSION_FALLBACK = frozenset(name for name, level in ATTRIBUTES.items() if level is Level.INHERITED)


def is_generic(name: str, text: str) -> bool:
    """True if the attribute is handed on unchanged; feedback for all payload types (``rtcp-fb:*``) is."""
    return name not in ATTRIBUTES or text.startswith("rtcp-fb:*")
