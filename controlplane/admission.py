# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether new calls are taken: the limits on the host's load, and an operator who drains the daemon."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from controlplane.hostload import HostLoad
from controlplane.ng.reply import Reply
from controlplane.ng.request import Request
from controlplane.report.counters import Statistics
from controlplane.report.json import load_document
from controlplane.report.load import Load

FULL = "Parallel session limit reached"
ASKED = "load"
"""What a client of ng supports if it wants to know the load."""


class Limits(Protocol):
    """The options that limit what new calls may add to; 0 is no limit, of ``max_sessions`` -1."""

    max_load: float
    max_cpu: float
    max_bandwidth: int
    max_sessions: int


class Admission:
    """``calls`` are those there are."""

    def __init__(self, load: HostLoad, statistics: Statistics):
        self._load = load
        self._statistics = statistics
        self._limits = Load()
        self.calls: Mapping[str, Any] = {}
        self.draining = False

    def limit(self, settings: Limits) -> None:
        """Keep to the limits of these settings from now on."""
        self._limits = Load(max_sessions=settings.max_sessions, max_average=settings.max_load,
                            max_cpu=settings.max_cpu, max_bandwidth=settings.max_bandwidth)

    def update(self) -> None:
        """Look at how busy the host is."""
        self._load.update()
        self._statistics.load = self.load()

    def load(self) -> Load:
        """What is used of each limit now."""
        limits = self._limits
        full = 0 <= limits.max_sessions <= len(self.calls) and limits.max_sessions <= sum(
            [not call.foreign for call in self.calls.values()])
        return Load(len(self.calls), limits.max_sessions, self._load.average, limits.max_average,
                    self._load.cpu_percent, limits.max_cpu, self._statistics.rates.total.bytes, limits.max_bandwidth,
                    self.unready(full) or "")

    def ping(self, request: Request) -> Reply:
        """The ng command ``ping``: ``pong``, and the load for clients that support it; others see no difference."""
        if ASKED not in request.supports:
            return {"result": "pong"}
        return {"result": "pong", "load": load_document(self.load())}

    def refusal(self) -> str | None:
        """What forbids new calls now, in the ng protocol's words; draining reads as too many calls, known to all."""
        limits = self._limits
        if self.draining:
            return FULL
        if 0 < limits.max_average <= self._load.average:
            return "Load limit exceeded"
        if 0 < limits.max_cpu <= self._load.cpu_percent:
            return "CPU usage limit exceeded"
        if 0 < limits.max_bandwidth <= self._statistics.rates.total.bytes:
            return "Bandwidth limit exceeded"
        return None

    def unready(self, full: bool) -> str | None:
        """The same for who balances load; ``full`` if max-sessions is reached."""
        if self.draining:
            return "Draining"
        return FULL if full else self.refusal()
