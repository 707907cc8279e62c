# SPDX-License-Identifier: GPL-3.0-or-later
"""Two parties speak through a call, and what each direction looked like."""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.mos import mos
from demo.speech import Recording
from tests.peers.rtp import Endpoint, pump

Progress = Callable[[float, str], None]
_REPORTS = 10
"""At most, of which one has to come back at the end."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a call, from ``sender`` to ``receiver``."""

    name: str
    sender: Endpoint
    receiver: Endpoint

    @property
    def round_trip_ms(self) -> float:
        """Median round trip by the sender's RTCP, 0 if none was measured."""
        trips = sorted(self.sender.round_trips)
        return 1000 * trips[len(trips) // 2] if trips else 0.0

    @property
    def mos(self) -> float:
        heard = self.receiver.reception
        return mos(self.round_trip_ms, heard.jitter_ms, self._loss_percent())

    def lost(self) -> int:
        """Packets sent that never came, however early or late they were sent."""
        return len(self.sender.sent) - len(self.receiver.reception.seen)

    def _loss_percent(self) -> float:
        return 100.0 * self.lost() / len(self.sender.sent) if self.sender.sent else 100.0

    def path(self) -> list[str]:
        """The four addresses that a packet of this direction passes, in order."""
        sent_to, sent_by = self.sender.destination or ("-", 0), self.receiver.destination or ("-", 0)
        ends = (self.sender.address, self.sender.port), sent_to, sent_by, (self.receiver.address, self.receiver.port)
        return [f"{address}:{port}" for address, port in ends]

    def faults(self) -> list[str]:
        """What is wrong with this direction, nothing if all is well."""
        found = []
        heard = self.receiver.reception
        if self.receiver.payloads() != self.sender.sent:
            found.append(f"{self.name}: payload differs: {len(self.receiver.arrivals)} packets received of "
                         f"{len(self.sender.sent)} sent, {self.lost()} lost, {heard.reordered} out of order, "
                         f"{heard.duplicates} twice")
        if len(self.receiver.sources) != 1:
            found.append(f"{self.name}: {len(self.receiver.sources)} sources heard instead of one")
        if self.receiver.strays:
            found.append(f"{self.name}: {len(self.receiver.strays)} packets that are not RTP")
        if not self.sender.round_trips:
            found.append(f"{self.name}: no RTCP report came back to measure the round trip")
        return found


def speak(a: Endpoint, b: Endpoint, recording: Recording, seconds: float, speed: float, progress: Progress,
          every: float = 1.0) -> None:
    """Let both ends speak at once for so many seconds of speech, ``speed`` times as fast as real.

    The caller starts at the beginning of the recording, the callee in its middle; both report once a second of
    speech. ``progress`` is called once in ``every`` seconds of real time.
    """
    scripts = recording.script(seconds, 0.0), recording.script(seconds, 0.5)
    frame = recording.frame_seconds / speed
    per_second = max(1, round(1 / recording.frame_seconds))
    per_progress = max(1, round(every / frame))
    start = time.monotonic()
    for number, frames in enumerate(zip(*scripts)):
        for end, payload, due in ((a, frames[0], number * frame), (b, frames[1], (number + 0.5) * frame)):
            pump((a, b), max(0.0, start + due - time.monotonic()))
            end.send(payload, recording.samples, marker=number == 0)
        if number % per_second == per_second - 1:
            a.send_report()
            b.send_report()
        if number % per_progress == 0:
            progress((number + 1) / len(scripts[0]), _words(a, b, number * recording.frame_seconds))
    _listen(a, b, len(scripts[0]))
    for _ in range(_REPORTS):
        a.send_report()
        b.send_report()
        pump((a, b), 0.3)
        if a.round_trips and b.round_trips:
            break
    progress(1.0, _words(a, b, seconds))


def _listen(a: Endpoint, b: Endpoint, total: int) -> None:
    """Until both have heard everything, or nothing more comes."""
    before = -1
    while before != (before := len(a.arrivals) + len(b.arrivals)):
        pump((a, b), 2.0, lambda: len(a.arrivals) >= total and len(b.arrivals) >= total)


def _words(a: Endpoint, b: Endpoint, at: float) -> str:
    lost = len(a.sent) + len(b.sent) - len(a.reception.seen) - len(b.reception.seen)
    trips = a.round_trips[-1:] + b.round_trips[-1:]
    trip = f"{1000 * sum(trips) / len(trips):.2f} ms" if trips else "-"
    return (f"{at:5.1f} s   sent {len(a.sent):4d} + {len(b.sent):4d}   on the way or lost {lost:2d}   "
            f"jitter {max(a.reception.jitter_ms, b.reception.jitter_ms):.2f} ms   round trip {trip}")
