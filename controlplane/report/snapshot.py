# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the proxy at one moment, as every report sees it."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controlplane.report.counters import InterfaceCounters, Statistics
from controlplane.report.model import Call, Party, PortUsage, Sources, is_foreign

RECENT = 2.0
"""A stream counts as running while its last packet is younger than this (seconds)."""


@dataclass(slots=True)
class Sessions:
    """Gauges over the calls that exist now."""

    own: int = 0
    foreign: int = 0
    ipv4: int = 0
    ipv6: int = 0
    mixed: int = 0
    transcoded: int = 0
    user_streams: int = 0
    kernel_streams: int = 0
    mixed_streams: int = 0

    @property
    def total(self) -> int:
        """Own and foreign."""
        return self.own + self.foreign


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
    return Snapshot(now, statistics, count_sessions(sources.calls().values(), now), interfaces)


def count_sessions(calls: Iterable[Call], now: float) -> Sessions:
    """Count the calls and their running streams (RTP only, own calls only)."""
    gauges = Sessions()
    for call in calls:
        if family := _family(call):
            setattr(gauges, family, getattr(gauges, family) + 1)
        if is_foreign(call):
            gauges.foreign += 1
            continue
        gauges.own += 1
        for kind in _running(call, now):
            setattr(gauges, kind, getattr(gauges, kind) + 1)
    return gauges


_KINDS = {(True, False): "user_streams", (False, True): "kernel_streams", (True, True): "mixed_streams"}


def _running(call: Call, now: float) -> Iterator[str]:
    for party in call.parties:
        for media in party.medias:
            for stream in media.streams:
                recent = (now - stream.stats.user_in.last_packet < RECENT,
                          now - stream.stats.kernel_in.last_packet < RECENT)
                if stream.is_rtp and recent in _KINDS:
                    yield _KINDS[recent]


def _families(party: Party) -> frozenset[int]:
    return frozenset(stream.endpoint.family for media in party.medias for stream in media.streams
                     if stream.endpoint is not None and stream.is_rtp)


_SINGLE = {4: "ipv4", 6: "ipv6"}


def _family(call: Call) -> str | None:
    """The gauge of a call by the families of offer and answer; None before the answer."""
    sides = [families for families in map(_families, call.parties) if families]
    if len(sides) < 2:
        return None
    common = sides[0] & sides[1]
    return _SINGLE[next(iter(common))] if len(common) == 1 else "mixed"
