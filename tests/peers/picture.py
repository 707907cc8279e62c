# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one shade of grey in VP8 (RFC 7741), and which shade a picture has."""
from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import av
from aiortc.codecs.vpx import Vp8Encoder, vp8_depayload

from tests.peers.rtp import Packet

WIDTH, HEIGHT = 64, 48
CLOCK, INTERVAL = 90000, 0.06
"""Ticks of RTP time in a second, and seconds from one picture to the next."""


def grey(luma: int) -> av.VideoFrame:
    """A picture of this brightness, 16 to 235."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, value in zip(frame.planes, (luma, 128, 128)):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def luma_of(frame: av.VideoFrame) -> float:
    """The brightness of the first line."""
    line = bytes(frame.planes[0])[:frame.width]
    return sum(line) / len(line)


def payloads(luma: int) -> list[bytes]:
    """What packets carry of a picture that needs none before it."""
    frame = grey(luma)
    frame.pts, frame.time_base = 0, Fraction(1, CLOCK)
    found: list[bytes] = Vp8Encoder().encode(frame, force_keyframe=True)[0]
    return found


class Screen:
    """Shows the pictures of a stream of packets, as far as they can be read."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libvpx", "r")
        self._parts: defaultdict[int, list[bytes]] = defaultdict(list)

    def show(self, packet: Packet) -> list[float]:
        """The brightness of what a packet completes."""
        parts = self._parts[packet.timestamp]
        parts.append(vp8_depayload(packet.payload))
        if not packet.marker:
            return []
        del self._parts[packet.timestamp]
        try:
            return [luma_of(frame) for frame in self._codec.decode(av.Packet(b"".join(parts)))]
        except av.error.FFmpegError:
            return []  # one before it is missing
