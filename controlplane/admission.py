# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether new calls are taken: the limits on the host's load, and an operator who drains the daemon."""
from __future__ import annotations

from controlplane.hostload import HostLoad
from controlplane.report.counters import Statistics

FULL = "Parallel session limit reached"


class Admission:
    """``limits`` are max-load, max-cpu and max-bandwidth; 0 is no limit."""

    def __init__(self, load: HostLoad, statistics: Statistics):
        self._load = load
        self._statistics = statistics
        self.limits: tuple[float, float, float] = (0.0, 0.0, 0.0)
        self.draining = False

    def refusal(self) -> str | None:
        """What forbids new calls now, in the ng protocol's words; draining reads as too many calls, known to all."""
        max_load, max_cpu, max_bandwidth = self.limits
        if self.draining:
            return FULL
        if 0 < max_load <= self._load.average:
            return "Load limit exceeded"
        if 0 < max_cpu <= self._load.cpu_percent:
            return "CPU usage limit exceeded"
        if 0 < max_bandwidth <= self._statistics.rates.total.bytes:
            return "Bandwidth limit exceeded"
        return None

    def unready(self, full: bool) -> str | None:
        """The same for who balances load; ``full`` if max-sessions is reached."""
        if self.draining:
            return "Draining"
        return FULL if full else self.refusal()
