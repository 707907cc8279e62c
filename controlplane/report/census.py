# SPDX-License-Identifier: GPL-3.0-or-later
"""The gauges over the calls that exist."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from controlplane.report.model import Call, Party, is_foreign

RECENT = 2.0
"""A stream counts as running while its last packet is younger than this (seconds)."""
_AT_ONCE = 256
"""Calls that are counted in one go: a few milliseconds."""


@dataclass(slots=True)
class Sessions:
    """Gauges over the calls that exist now; ``begun`` is the sum of the times when the own ones did."""

    own: int = 0
    foreign: int = 0
    ipv4: int = 0
    ipv6: int = 0
    mixed: int = 0
    transcoded: int = 0
    user_streams: int = 0
    kernel_streams: int = 0
    mixed_streams: int = 0
    begun: float = 0.0

    @property
    def total(self) -> int:
        """Own and foreign."""
        return self.own + self.foreign


class Census:
    """Knows the gauges at any time: of few calls as they are, of many as they were at the last count."""

    def __init__(self) -> None:
        self._last: Sessions | None = None

    def gauges(self, calls: Mapping[str, Call], now: float) -> Sessions:
        """The gauges over ``calls`` at ``now`` (Unix time in seconds)."""
        if self._last is None or len(calls) <= _AT_ONCE:
            return count_sessions(calls.values(), now)
        return self._last

    def take(self, calls: Mapping[str, Call], now: float) -> Iterator[None]:
        """Count, a few milliseconds at a time; about once a second."""
        every, gauges = list(calls.values()), Sessions()
        if len(every) > _AT_ONCE:
            for at in range(0, len(every), _AT_ONCE):
                _count(every[at:at + _AT_ONCE], now, gauges)
                yield
        self._last = gauges if len(every) > _AT_ONCE else None


def count_sessions(calls: Iterable[Call], now: float) -> Sessions:
    """Count the calls and their running streams (RTP only, own calls only)."""
    gauges = Sessions()
    _count(calls, now, gauges)
    return gauges


def _count(calls: Iterable[Call], now: float, gauges: Sessions) -> None:
    for call in calls:
        if family := _family(call):
            setattr(gauges, family, getattr(gauges, family) + 1)
        if is_foreign(call):
            gauges.foreign += 1
            continue
        gauges.own += 1
        gauges.begun += call.created
        for kind in _running(call, now):
            setattr(gauges, kind, getattr(gauges, kind) + 1)


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
