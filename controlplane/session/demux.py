# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling apart the protocols that share a media socket (RFC 7983 section 7)."""
from __future__ import annotations

from enum import Enum


class Protocol(Enum):
    """What a packet may be by its first byte."""

    STUN = "STUN"
    DTLS = "DTLS"
    MEDIA = "RTP or RTCP"
    OTHER = "other"


_RANGES = ((range(0, 4), Protocol.STUN), (range(20, 64), Protocol.DTLS), (range(128, 192), Protocol.MEDIA))
_BY_FIRST_BYTE = [next((protocol for numbers, protocol in _RANGES if byte in numbers), Protocol.OTHER)
                  for byte in range(256)]


def protocol_of(data: bytes) -> Protocol:
    """The protocol that ``data`` is to be read as."""
    return _BY_FIRST_BYTE[data[0]] if data else Protocol.OTHER
