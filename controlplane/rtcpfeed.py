# SPDX-License-Identifier: GPL-3.0-or-later
"""From the RTCP that the engines copy to what is known of the calls' quality; DTMF events come along with it."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

from controlplane.addresses import Address, Endpoint
from controlplane.dataplane.rtcp import RtcpTap, TappedEngine
from controlplane.errors import DataPlaneError, PeerError
from controlplane.report.counters import Statistics
from controlplane.rtcp.mos import Scale
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.media import Media
from controlplane.session.quality import Listener, clock_rate, loss_percent

_log = logging.getLogger("rtpengine.core")
_AT_ONCE = 128
_OURS = (b"\xc8", b"\xc9")
_CALLS_AT_ONCE = 64
"""Packets read, and calls measured, before others get their turn."""


def _is_rtcp(data: bytes) -> bool:
    """By the packet type (RFC 5761 section 4)."""
    return len(data) < 2 or 192 <= data[1] <= 223


class Heard(NamedTuple):
    """RTCP of a call that passed at Unix time ``at``; ``ours``: this process made it."""

    call_id: str
    source: Endpoint
    destination: Endpoint
    at: float
    data: bytes
    ours: bool = False


class RtcpFeed:
    """Reads the taps of the engines. ``errors`` counts what could not be read, ``watchers`` are told of all RTCP.

    ``event_watchers`` are told of the RTP of reported payload types, with the call and the medium that it came to.

    ``refresh`` reads the counters of a call; ``clock`` gives Unix time in seconds.
    """

    def __init__(self, calls: Calls, statistics: Statistics, scale: Scale, refresh: Callable[[Call], None],
                 clock: Callable[[], float]):
        self.taps: list[RtcpTap] = []
        self.errors = 0
        self.watchers: list[Callable[[Heard], None]] = []
        self.event_watchers: list[Callable[[Call, Media, Heard], None]] = []
        self._calls = calls
        self._statistics = statistics
        self._refresh = refresh
        self._clock = clock
        self._scale = scale
        self._counted: dict[tuple[Endpoint, int], tuple[int, int]] = {}
        self._listener = Listener(scale, self._look)
        self._current: Call | None = None

    def tap(self, engine: TappedEngine) -> int:
        """The index by which targets of the engine name the stream that is read here; 0 if it has no room for one."""
        try:
            self.taps.append(RtcpTap(engine))
        except DataPlaneError as error:
            _log.error("No statistics from RTCP: %s", error)
            return 0
        return self.taps[-1].index

    def read(self, tap: RtcpTap) -> bool:
        """Take in what waits there, within limits; False when nothing will come any more."""
        now = self._clock()
        for local, data, source in tap.read(_AT_ONCE):
            owner = self._calls.owner(local)
            if owner is None:
                continue
            self._current, media = owner
            if not _is_rtcp(data):
                heard = Heard(self._current.call_id, source, local, now, data)
                for tell in self.event_watchers:
                    tell(self._current, media, heard)
                continue
            for watch in self.watchers:
                watch(Heard(self._current.call_id, source, local, now, data))
            try:
                self._listener.hear(media, data, now, lambda name, value: self._statistics.sample(
                    local.address, name, value))
            except PeerError:
                self.errors += 1
        return not tap.ended

    def sent(self, local: Endpoint, destination: Endpoint, data: bytes) -> None:
        """A packet of our own has gone; whoever watches is told if it is RTCP."""
        owner = self._calls.owner(local) if self.watchers and data[1:2] in _OURS else None
        if owner is not None:
            heard = Heard(owner[0].call_id, local, destination, self._clock(), data, True)
            for watch in self.watchers:
                watch(heard)

    def _look(self, media: Media) -> None:
        if self._current is not None:
            self._refresh(self._current)

    def measure(self, now: float) -> Iterator[None]:
        """Once a second: samples of jitter, loss and score as the engines found them, source by source.

        Some calls at a time.
        """
        self._counted, before = {}, self._counted
        for number, call in enumerate(list(self._calls.calls.values()), 1):
            for media in call.medias:
                self._measure(media, now, before)
            if number % _CALLS_AT_ONCE == 0:
                yield

    def _measure(self, media: Media, now: float, before: dict[tuple[Endpoint, int], tuple[int, int]]) -> None:
        for stream in media.streams:
            for source in stream.stats.sources if stream.local is not None else ():
                assert stream.local is not None
                key = stream.local, source.ssrc
                self._counted[key] = source.packets, source.lost
                packets, lost = before.get(key, (0, 0))
                rate = clock_rate(media, source.last_payload_type) if source.packets > packets else 0
                if rate and now - source.last_packet < 1:
                    self._sample(stream.local.address, 1000 * source.jitter / rate,
                                 loss_percent(source.packets - packets, source.lost - lost), rate)

    def _sample(self, address: Address, jitter: float, loss: float, rate: int) -> None:
        """What one source was like in the last second; ``jitter`` in ms, ``loss`` in percent."""
        if jitter:
            self._statistics.sample(address, "jitter_measured", jitter)
        self._statistics.sample(address, "packetloss_measured", loss)
        self._statistics.sample(address, "mos_measured", self._scale.heard(jitter, loss, rate))

    def close(self) -> None:
        """Let go of all streams."""
        for tap in self.taps:
            tap.close()
        self.taps.clear()
