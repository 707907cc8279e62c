# SPDX-License-Identifier: GPL-3.0-or-later
"""Parties whose hosts, or routers on the way, say that what is sent to them does not arrive.

Anybody could say so: it is told to who asks, and changes nothing.
"""
from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Protocol

from controlplane.addresses import Endpoint
from controlplane.dataplane.icmp import Refused, Report
from controlplane.session.calls import Calls
from controlplane.session.trail import UNREACHABLE

RECENT = 60.0
"""Seconds for which it is believed."""


class Source(Protocol):
    """Gives what was said since the last time."""

    def read(self) -> Iterable[Refused]: ...


def no_way(local: Endpoint, remote: Endpoint) -> str:
    """Why this host itself sends nothing from one address to the other; empty if it does."""
    family = socket.AF_INET if local.family == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(local.address), 0))
            probe.connect(remote.sockaddr)      # sends nothing, but looks for a route
    except OSError as error:
        return error.strerror or str(error)
    return ""


class Unreachable:
    """``clock`` gives Unix time in seconds. Without a ``source`` nothing is heard."""

    def __init__(self, calls: Calls, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock
        self._reports: dict[Endpoint, Report] = {}
        self.source: Source | None = None

    def hear(self) -> None:
        """Take what was said since the last time; what is new is noted on the trails of the calls."""
        if self.source is None:
            return
        now = self._clock()
        for refused in self.source.read():
            self._take(refused, now)
        for local in [local for local, each in self._reports.items() if now - each.at > RECENT]:
            del self._reports[local]

    def _take(self, refused: Refused, now: float) -> None:
        owner = self._calls.owner(refused.local)
        if owner is None:
            return
        call, media = owner
        if not any([stream.local == refused.local and stream.endpoint == refused.remote for stream in media.streams]):
            return
        report = self._reports.get(refused.local)
        if report is None or report.refused.remote != refused.remote:
            report = self._reports[refused.local] = Report(refused, now)
            call.trail.note(now, UNREACHABLE, (refused.remote, str(report)))
        report.refused = refused
        report.at = now
        report.times += 1

    def of(self, local: Endpoint) -> Report | None:
        """What is said of where ``local`` sends to."""
        return self._reports.get(local)
