# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the proxy at one moment, as every report sees it."""
from __future__ import annotations

from dataclasses import dataclass

from controlplane.report.census import Sessions
from controlplane.report.counters import InterfaceCounters, Statistics
from controlplane.report.model import PortUsage, Sources


@dataclass(slots=True)
class Interface:
    """A local address with its ports and its counters."""

    ports: PortUsage
    counters: InterfaceCounters

    @property
    def size(self) -> int:
        """Number of ports in the range."""
        return self.ports.port_max - self.ports.port_min + 1

    @property
    def used_percent(self) -> float:
        """Ports in use in percent of the range."""
        return 100.0 * self.ports.used / self.size


@dataclass(slots=True)
class Snapshot:
    """Counters and gauges at ``now`` (Unix time in seconds)."""

    now: float
    statistics: Statistics
    sessions: Sessions
    interfaces: list[Interface]

    @property
    def uptime(self) -> int:
        """Whole seconds since the start."""
        return int(self.now - self.statistics.started)


def take(sources: Sources, statistics: Statistics, now: float) -> Snapshot:
    """Look at everything once."""
    interfaces = [Interface(ports, statistics.interface(ports.address)) for ports in sources.interfaces()]
    return Snapshot(now, statistics, statistics.census.gauges(sources.calls(), now), interfaces)
