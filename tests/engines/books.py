# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine must have counted: statistics kept a second time, from their description."""
from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

TRACKERS = 8
WINDOW = 32


@dataclass
class Source:
    """A tracked SSRC: sets of numbers in place of bits."""

    last_pt: int = 0
    resets: int = 0
    top: int = 0
    packets: int = 0
    bytes: int = 0
    lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    jitter: int = 0
    base: int = 0
    seen: set[int] = field(default_factory=set)
    transit: int | None = None
    fresh: bool = True

    def _start(self, seq: int) -> None:
        self.top = self.base = seq
        self.seen, self.transit = set(), None

    def _knows(self, number: int) -> bool:
        return number <= self.base or number in self.seen

    def count(self, packet: bytes, us: int, rate: int) -> None:
        """A packet of this source."""
        seq, ts = struct.unpack_from("!HI", packet, 2)
        ahead, behind = (seq - self.top) % 65536, (self.top - seq) % 65536
        if self.fresh:
            self._start(seq)
            self.fresh = False
        elif 0 < ahead <= 256:
            left = range(self.top - WINDOW + 1, self.top + ahead - WINDOW + 1)
            self.lost += sum(not self._knows(number) for number in left)
            self.top += ahead
            self.seen.add(self.top)
        elif behind <= 256:
            again = behind < WINDOW and self._knows(self.top - behind)
            self.duplicates += again
            self.reordered += not again
            self.seen.add(self.top - behind)
        else:
            self._start(seq)
            self.resets += 1
        self.packets += 1
        self.bytes += len(packet)
        self.last_pt = packet[1] & 127
        if rate:
            self._count_jitter(us, ts, rate)

    def _count_jitter(self, us: int, ts: int, rate: int) -> None:
        """RFC 3550 appendix A.8; a step that is no jitter but another clock does not count."""
        arrival = (us // 1000000 * rate + us % 1000000 * rate // 1000000) & 0xFFFFFFFF
        transit = (arrival - ts) & 0xFFFFFFFF
        if self.transit is not None:
            step = (transit - self.transit) & 0xFFFFFFFF
            step = min(step, 2 ** 32 - step)
            if step < 100000:
                self.jitter += step - ((self.jitter + 8) >> 4)
        self.transit = transit

    def merge(self, other: Source) -> None:
        """What another engine knows of the same source: the sequence, not the sums."""
        seen = {n for n in self.seen | other.seen if n <= max(self.top, other.top)}
        base = max(self.base, other.base)
        if self.fresh or other.top >= self.top:
            self.last_pt, self.jitter, self.transit = other.last_pt, other.jitter, other.transit
        self.top, self.base, self.seen, self.fresh = max(self.top, other.top), base, seen, False


@dataclass
class Sums:
    """rtpe_counters but for the time."""

    packets: int = 0
    bytes: int = 0
    errors: int = 0
    passed: int = 0
    passed_media: int = 0
    passed_bytes: int = 0

    def take(self, size: int) -> None:
        """One more packet."""
        self.packets += 1
        self.bytes += size

    def pass_up(self, size: int, is_signalling: bool) -> None:
        """One that goes on to user space."""
        self.passed += 1
        if not is_signalling:
            self.passed_media += 1
            self.passed_bytes += size

    def view(self, terminal: bool = False) -> tuple[int, int, int, int]:
        """As the state has them; where nothing lies behind, media passed have been received as well."""
        return (self.packets + terminal * self.passed_media, self.bytes + terminal * self.passed_bytes, self.errors,
                self.passed)


@dataclass
class Books:
    """Of one target."""

    sums: Sums = field(default_factory=Sums)
    drops: Counter[str] = field(default_factory=Counter)
    sources: dict[int, Source] = field(default_factory=dict)
    pts: dict[int, Sums] = field(default_factory=dict)
    outputs: list[Sums] = field(default_factory=list)
    used: list[int] = field(default_factory=list)

    def source(self, ssrc: int) -> Source:
        """The tracker of an SSRC; when there is none free, that of the one longest silent is."""
        if ssrc not in self.sources and len(self.sources) == TRACKERS:
            del self.sources[self.used[0]]
            del self.used[0]
        if ssrc in self.used:
            self.used.remove(ssrc)
        self.used.append(ssrc)
        return self.sources.setdefault(ssrc, Source())

    def take_rtp(self, packet: bytes, us: int, rates: dict[int, int]) -> None:
        """A (decrypted) RTP packet that was for this target."""
        pt = packet[1] & 127
        self.source(struct.unpack_from("!I", packet, 8)[0]).count(packet, us, rates.get(pt, 0))
        if pt in rates:
            self.pts[pt].take(len(packet))

    def adopt(self, ssrc: int, other: Source) -> None:
        """A tracker of another engine."""
        self.source(ssrc).merge(other)

    def seed(self, ssrc: int, number: int) -> None:
        """A tracker that came with the target: all up to this number has been seen."""
        self.source(ssrc)
        self.sources[ssrc] = Source(top=number, base=number, fresh=False)

    def fault(self, reason: str) -> None:
        """An error, and why."""
        self.sums.errors += 1
        self.drops[reason] += 1

    def view(self) -> dict[str, Any]:
        """A copy to compare a state with, see player.compare()."""
        return {
            "sums": (self.sums.view(), self.sums.view(True)), "drops": dict(self.drops),
            "ssrcs": {n: (s.last_pt, s.resets, s.top, s.packets, s.bytes, s.lost, s.duplicates, s.reordered)
                      for n, s in self.sources.items()},
            "jitter": {n: s.jitter for n, s in self.sources.items()},
            "pts": {n: (s.packets, s.bytes) for n, s in self.pts.items()},
            "outputs": [s.view() for s in self.outputs]}
