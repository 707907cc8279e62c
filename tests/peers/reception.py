# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver knows of one RTP source: loss, order, duplicates and jitter (RFC 3550 appendix A)."""
from __future__ import annotations

from dataclasses import dataclass, field

from tests.peers.rtcp import Block


@dataclass(slots=True)
class Reception:
    """Statistics of one SSRC. ``clock_rate`` in Hz; ``jitter`` in timestamp units; times in seconds."""

    ssrc: int
    clock_rate: int = 8000
    packets: int = 0
    duplicates: int = 0
    reordered: int = 0
    jitter: float = 0.0
    base: int = -1
    highest: int = -1
    seen: set[int] = field(default_factory=set)
    _transit: float | None = None
    _before: tuple[int, int] = (0, 0)
    last_report: int = 0
    last_report_at: float = 0.0

    def extended(self, sequence: int) -> int:
        """The 16-bit sequence number with the wraps so far in the upper bits."""
        if self.highest < 0:
            return sequence
        distance = (sequence - self.highest + 0x8000) % 0x10000 - 0x8000
        return self.highest + distance

    def receive(self, sequence: int, timestamp: int, at: float) -> int:
        """Count a packet that arrived ``at``; returns its extended sequence number."""
        number = self.extended(sequence)
        self.packets += 1
        if number in self.seen:
            self.duplicates += 1
            return number
        self.seen.add(number)
        if number < self.highest:
            self.reordered += 1
        self.base = number if self.base < 0 else min(self.base, number)
        self.highest = max(self.highest, number)
        transit = at * self.clock_rate - timestamp
        if self._transit is not None:
            distance = abs((transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31))
            self.jitter += (distance - self.jitter) / 16
        self._transit = transit
        return number

    @property
    def expected(self) -> int:
        """Packets that should have come by the sequence numbers."""
        return self.highest - self.base + 1 if self.highest >= 0 else 0

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return self.expected - len(self.seen)

    @property
    def loss_percent(self) -> float:
        return 100.0 * self.lost / self.expected if self.expected else 0.0

    @property
    def jitter_ms(self) -> float:
        return 1000.0 * self.jitter / self.clock_rate

    def heard_report(self, ntp_middle: int, at: float) -> None:
        """Remember a sender report for LSR and DLSR."""
        self.last_report, self.last_report_at = ntp_middle, at

    def block(self, now: float) -> Block:
        """The report block of this moment; the fraction lost counts from the block before."""
        expected, received = self.expected - self._before[0], len(self.seen) - self._before[1]
        self._before = self.expected, len(self.seen)
        fraction = 256 * (expected - received) // expected if expected > received else 0
        delay = int((now - self.last_report_at) * 65536) if self.last_report else 0
        return Block(self.ssrc, min(fraction, 255), self.lost, self.highest & 0xFFFFFFFF, int(self.jitter),
                     self.last_report, delay)
