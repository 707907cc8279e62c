# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality of one source over a call, as its receiver reported it."""
from __future__ import annotations

from typing import NamedTuple

INTERVAL = 1.0
"""Samples are at least so many seconds apart."""
PROGRESSION = 10
_MOST = 8 * PROGRESSION


class Sample(NamedTuple):
    """One report, at Unix time ``at``.

    ``mos`` ten times the score, 0 if there is none; round trips in us, end to end and of the receiver's leg, 0 if
    unknown; ``jitter`` in ms; ``loss`` in percent since the report before.
    """

    at: float
    mos: int
    round_trip: int
    leg: int
    jitter: int
    loss: int


class Average(NamedTuple):
    """The mean of ``samples`` samples with a score; all zero without one. Units as in Sample."""

    mos: int = 0
    round_trip: int = 0
    leg: int = 0
    jitter: int = 0
    loss: int = 0
    samples: int = 0


class History:
    """The samples of one source. ``lost`` is the number of packets lost that was reported last, ``reporter`` by whom.

    Of many samples only some are kept, at growing distances; average, lowest and highest are of all.
    """

    __slots__ = ("lost", "reporter", "lowest", "highest", "_kept", "_last", "_every", "_skipped", "_sums", "_scored")

    def __init__(self) -> None:
        self.lost = 0
        self.reporter = 0
        self.lowest: Sample | None = None
        self.highest: Sample | None = None
        self._kept: list[Sample] = []
        self._last: Sample | None = None
        self._every = 1
        self._skipped = 0
        self._sums = [0] * 5
        self._scored = 0

    def __bool__(self) -> bool:
        return self._last is not None

    @property
    def last(self) -> Sample | None:
        """The latest sample."""
        return self._last

    def is_due(self, now: float, scored: bool = False) -> bool:
        """Whether the last sample is old enough for another; one with a score waits for none that has no score."""
        last = self._last
        return last is None or scored and not last.mos or not 0 <= now - last.at < INTERVAL

    def add(self, sample: Sample) -> None:
        """Take one more."""
        self._keep(sample)
        self._last = sample
        if not sample.mos:
            return
        self._scored += 1
        self._sums = [total + value for total, value in zip(self._sums, sample[1:])]
        if self.lowest is None or sample.mos < self.lowest.mos:
            self.lowest = sample
        if self.highest is None or sample.mos > self.highest.mos:
            self.highest = sample

    def _keep(self, sample: Sample) -> None:
        self._skipped += 1
        if self._kept and self._skipped < self._every:
            return
        self._skipped = 0
        self._kept.append(sample)
        if len(self._kept) > _MOST:
            del self._kept[1::2]
            self._every *= 2

    @property
    def average(self) -> Average:
        """The mean of those with a score."""
        mos, trip, leg, jitter, loss = [total // max(1, self._scored) for total in self._sums]
        return Average(mos, trip, leg, jitter, loss, self._scored)

    def progression(self) -> tuple[float, list[Sample]]:
        """About PROGRESSION samples at even distances from first to last, and that distance in seconds."""
        if self._last is None:
            return 0.0, []
        samples = self._kept if self._kept[-1] is self._last else [*self._kept, self._last]
        interval = (samples[-1].at - samples[0].at) / PROGRESSION
        chosen: list[Sample] = []
        due = samples[0].at
        for sample in samples:
            if sample.at >= due or sample is self._last:
                chosen.append(sample)
                due = sample.at + interval
        return interval, chosen
