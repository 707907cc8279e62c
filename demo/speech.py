# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording that is spoken, and the sound files that are heard."""
from __future__ import annotations

import array
import sys
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import debian, pcap

RECORDING = "/usr/share/sip-tester/g711a.pcap"
RATE = 8000


@dataclass(frozen=True, slots=True)
class Recording:
    """G.711 A-law frames in order, each of ``samples`` samples at 8 kHz."""

    path: Path
    frames: tuple[bytes, ...]
    samples: int

    @property
    def frame_seconds(self) -> float:
        return self.samples / RATE

    def script(self, seconds: float, start: float) -> list[bytes]:
        """Frames for so many seconds, beginning at the fraction ``start`` of the recording, again and again."""
        first = int(start * len(self.frames))
        count = round(seconds / self.frame_seconds)
        return [self.frames[(first + number) % len(self.frames)] for number in range(count)]


def load() -> Recording:
    """The speech capture that the sip-tester package ships. Unobtainable without the package."""
    path = debian.data_file("sip-tester", RECORDING)
    packets = pcap.rtp_packets(path)
    samples = len(packets[0].payload)
    return Recording(path, tuple(packet.payload for packet in packets if len(packet.payload) == samples), samples)


def _linear(code: int) -> int:
    """One A-law code as a 16-bit sample (ITU-T G.711 table 1a)."""
    code ^= 0x55
    exponent, mantissa = code >> 4 & 7, code & 15
    magnitude = (mantissa << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


_LINEAR = [_linear(code) for code in range(256)]


def save(path: Path, frames: Sequence[bytes]) -> None:
    """Write A-law frames as a 16-bit mono WAV file."""
    samples = array.array("h", (_LINEAR[code] for frame in frames for code in frame))
    if sys.byteorder == "big":
        samples.byteswap()
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
