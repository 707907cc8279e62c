# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain phone for calls with a browser: PCMU with a square wave, and how loud sound is."""
from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Sequence

from tests.peers.rtp import Packet

RATE, SAMPLES = 8000, 160
PERIOD = 20
"""Samples of one wave: 400 Hz."""


def level_of(samples: Sequence[int]) -> float:
    """Root mean square."""
    return math.sqrt(sum(sample ** 2 for sample in samples) / len(samples))


def magnitudes(payload: bytes) -> list[int]:
    """Of G.711 samples (ITU-T G.711 table 2a), full scale 32124."""
    return [((((byte ^ 0xFF) & 15) << 3) + 0x84 << (((byte ^ 0xFF) & 0x70) >> 4)) - 0x84 for byte in payload]


class Plain:
    """A phone at ``address`` that sends a square wave as PCMU and keeps what it hears."""

    def __init__(self, address: str = "127.0.0.1", make: Callable[[int, int], socket.socket] = socket.socket) -> None:
        self.address = address
        self.socket = make(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.setblocking(False)
        self.peer = (address, 0)
        self.heard: list[Packet] = []

    @property
    def sdp(self) -> str:
        return "\r\n".join(["v=0", f"o=- 1 1 IN IP4 {self.address}", "s=-", f"c=IN IP4 {self.address}", "t=0 0",
                            f"m=audio {self.socket.getsockname()[1]} RTP/AVP 0", ""])

    async def speak(self) -> None:
        for sequence in range(10 ** 6):
            wave = (b"\x90" * (PERIOD // 2) + b"\x10" * (PERIOD // 2)) * (SAMPLES // PERIOD)
            self.socket.sendto(Packet(0, sequence, SAMPLES * sequence, 0xABCD, wave).pack(), self.peer)
            await asyncio.sleep(SAMPLES / RATE)

    async def listen(self) -> None:
        while True:
            self.heard.append(Packet.parse(await asyncio.get_running_loop().sock_recv(self.socket, 2048)))
