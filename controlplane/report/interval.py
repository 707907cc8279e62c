# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened between two reports that are sent regularly: extremes of durations, rates and sessions."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Extremes:
    """Least, greatest and mean of some values, all 0 without one."""

    least: float = 0.0
    greatest: float = 0.0
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        """Take one more."""
        self.least = min(self.least, value) if self.count else value
        self.greatest = max(self.greatest, value)
        self.total += value
        self.count += 1

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0


@dataclass(slots=True)
class Taken:
    """One interval: ``delays`` in seconds and ``rates`` per second by ng command, ``sessions`` at a time.

    ``call_seconds`` is how long our calls have lasted in it, all together.
    """

    delays: dict[str, Extremes] = field(default_factory=dict)
    rates: dict[str, Extremes] = field(default_factory=dict)
    sessions: Extremes = field(default_factory=Extremes)
    call_seconds: float = 0.0


class Interval:
    """Collects the interval that runs; ``last`` is the one before."""

    __slots__ = ("last", "_now", "_requests")

    def __init__(self) -> None:
        self.last = Taken()
        self._now = Taken()
        self._requests: dict[str, int] = {}

    def request(self, command: str, seconds: float) -> None:
        """An ng request was served."""
        delays = self._now.delays.get(command)
        if delays is None:
            delays = self._now.delays[command] = Extremes()
        delays.add(seconds)
        self._requests[command] = self._requests.get(command, 0) + 1

    def look(self, sessions: int, elapsed: float) -> None:
        """About once a second: the number of sessions, and what was asked for in the last ``elapsed`` seconds."""
        self._now.sessions.add(sessions)
        for command in {**self._now.rates, **self._requests}:
            rates = self._now.rates.get(command)
            if rates is None:
                rates = self._now.rates[command] = Extremes()
            rates.add(self._requests.get(command, 0) / elapsed)
        self._requests.clear()

    def take(self) -> Taken:
        """End the interval and begin the next."""
        self.last, self._now = self._now, Taken()
        return self.last
