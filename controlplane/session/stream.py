# SPDX-License-Identifier: GPL-3.0-or-later
"""One component of a medium: where its packets come from and go to."""
from __future__ import annotations

from typing import Final

from controlplane.addresses import Endpoint, zero_address
from controlplane.events import SsrcStats, StreamStats

NO_STATS: Final = StreamStats()


def added(one: StreamStats, other: StreamStats) -> StreamStats:
    """The counters of two sockets that served one stream after the other; ``other`` is the present one."""
    sources = {source.ssrc: source for source in one.sources}
    for source in other.sources:
        earlier = sources.get(source.ssrc)
        sources[source.ssrc] = source if earlier is None else _joined(earlier, source)
    return StreamStats(one.user_in + other.user_in, one.kernel_in + other.kernel_in, one.user_out + other.user_out,
                       one.kernel_out + other.kernel_out, tuple(sources.values()), other.offloaded)


def _joined(earlier: SsrcStats, later: SsrcStats) -> SsrcStats:
    """One source that went on sending to another socket; what it said last comes from there, if it sent there."""
    latest = later if later.packets else earlier
    return latest._replace(
        packets=earlier.packets + later.packets, bytes=earlier.bytes + later.bytes, lost=earlier.lost + later.lost,
        duplicates=earlier.duplicates + later.duplicates, reordered=earlier.reordered + later.reordered)


_PAST = Endpoint(zero_address(4), 0)
"""Stands for all sockets that were closed."""


class Stream:
    """RTP (``component`` 1) or RTCP (2) between one local socket and one party.

    ``advertised`` is what the party's SDP said, ``learned`` the source of its packets as far as it is known,
    ``endpoint`` where we send. ``filled``: SDP of the party was seen; ``public``: it was told our port;
    ``pathless``: ICE has found no way to the party. ``confirmed``: learning is over, ``received``: a packet came.
    ``best_rank`` see learning.py. ``created`` is Unix time in seconds and moves when the party renews its SDP.
    ``stats`` count everything since the beginning; ``counted`` are the counters of each socket that is or was used, if
    there were several.
    """

    component: int
    created: float
    is_rtp: bool
    is_rtcp: bool
    local: Endpoint | None = None
    endpoint: Endpoint | None = None
    advertised: Endpoint | None = None
    learned: Endpoint | None = None
    best_rank: int | None = None
    pathless: bool = False
    filled: bool = False
    public: bool = False
    confirmed: bool = False
    received: bool = False
    stats: StreamStats
    counted: dict[Endpoint, StreamStats] | None = None

    def __init__(self, component: int, created: float, is_rtp: bool = True, is_rtcp: bool = False) -> None:
        self.component = component
        self.created = created
        self.is_rtp = is_rtp
        self.is_rtcp = is_rtcp
        self.stats = NO_STATS

    @property
    def name(self) -> str:
        """What comes through it."""
        return "RTP and RTCP" if self.is_rtp and self.is_rtcp else "RTP" if self.is_rtp else "RTCP"

    @property
    def learning(self) -> bool:
        """True while the source of its packets is of interest."""
        return self.filled and self.public and not self.confirmed

    @property
    def destination(self) -> Endpoint | None:
        """Where packets can be sent; None if nowhere (yet), which includes a zero address and a zero port."""
        return self.destination_from(self.local)

    def destination_from(self, local: Endpoint | None) -> Endpoint | None:
        """Where packets can be sent from the socket ``local``."""
        endpoint = self.endpoint
        if endpoint is None or local is None or self.pathless or not endpoint.port:
            return None
        address = endpoint.address
        return endpoint if address.family == local.address.family and not address.is_zero else None

    @property
    def last_packet(self) -> float:
        """Time of the last packet received, or of the last SDP if that is later."""
        stats = self.stats
        return max(self.created, stats.user_in.last_packet, stats.kernel_in.last_packet)

    def move(self, local: Endpoint | None) -> None:
        """Use another socket, or none; what the one before has counted goes on counting."""
        if self.local is not None and self.counted is None and self.stats is not NO_STATS:
            self.counted = {self.local: self.stats}
        self.local = local
        if self.counted is not None and local is not None:
            self.counted.setdefault(local, NO_STATS)
            self._sum()

    def count(self, local: Endpoint, stats: StreamStats) -> None:
        """Take over what the engines have counted for a socket of this stream."""
        if self.counted is None:
            if local == self.local:
                self.stats = stats
        elif self.counted.get(local) is not stats:
            self.counted[local] = stats
            self._sum()

    def forget(self, local: Endpoint) -> None:
        """A socket was closed: its counters stay, and its port may come again with counters that start anew."""
        if self.counted is None:
            if local == self.local and self.stats is not NO_STATS:
                self.counted = {local: self.stats}
            else:
                return
        past = self.counted.pop(local, None)
        if past is not None:
            self.counted[_PAST] = added(self.counted.get(_PAST, NO_STATS), past)

    def _sum(self) -> None:
        total = NO_STATS
        for local, stats in sorted((self.counted or {}).items(), key=lambda item: item[0] == self.local):
            total = added(total, stats)
        self.stats = total

    def fill(self, advertised: Endpoint, now: float) -> None:
        """The party's SDP names ``advertised``; what was learned lasts only if it names the same as before."""
        if self.advertised != advertised:
            self.advertised = self.endpoint = advertised
            self.learned = None
        self.filled = True
        self.created = now

    def take_place(self, other: Stream) -> None:
        """The party is where the other stream has found it, through whose socket this one goes on."""
        self.advertised, self.endpoint, self.learned = other.advertised, other.endpoint, other.learned
        self.is_rtcp, self.filled, self.public = other.is_rtcp, other.filled, other.public
        self.confirmed, self.received, self.pathless = other.confirmed, other.received, other.pathless

    def restart(self) -> None:
        """Send to where the party's SDP says, whatever was learned since."""
        self.endpoint = self.advertised
        self.learned = None

    def unconfirm(self) -> None:
        """Learn again, and forget how good the sources seen so far were."""
        self.confirmed = False
        self.best_rank = None

    def reset(self) -> None:
        """Forget the party's SDP and our socket: the section was rejected or its party is gone."""
        self.move(None)
        self.endpoint = self.advertised = self.learned = None
        self.filled = self.public = self.pathless = False
        self.unconfirm()
