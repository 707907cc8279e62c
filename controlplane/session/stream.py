# SPDX-License-Identifier: GPL-3.0-or-later
"""One component of a medium: where its packets come from and go to."""
from __future__ import annotations

from dataclasses import dataclass

from controlplane.addresses import Endpoint
from controlplane.events import StreamStats

NO_STATS = StreamStats()


@dataclass(slots=True, eq=False)
class Stream:
    """RTP (``component`` 1) or RTCP (2) between one local socket and one party.

    ``advertised`` is what the party's SDP said, ``learned`` the source of its packets as far as it is known,
    ``endpoint`` where we send. ``filled``: SDP of the party was seen; ``public``: it was told our port;
    ``confirmed``: learning is over. ``best_rank`` see learning.py. ``created`` is Unix time in seconds and
    moves when the party renews its SDP.
    """

    component: int
    created: float
    is_rtp: bool = True
    is_rtcp: bool = False
    local: Endpoint | None = None
    endpoint: Endpoint | None = None
    advertised: Endpoint | None = None
    learned: Endpoint | None = None
    best_rank: int | None = None
    filled: bool = False
    public: bool = False
    confirmed: bool = False
    stats: StreamStats = NO_STATS

    @property
    def learning(self) -> bool:
        """True while the source of its packets is of interest."""
        return self.filled and self.public and not self.confirmed

    @property
    def destination(self) -> Endpoint | None:
        """Where packets can be sent; None if nowhere (yet), which includes a zero address and a zero port."""
        endpoint, local = self.endpoint, self.local
        if endpoint is None or local is None or not endpoint.port or endpoint.address.is_zero:
            return None
        return endpoint if endpoint.family == local.family else None

    @property
    def last_packet(self) -> float:
        """Time of the last packet received, or of the last SDP if that is later."""
        stats = self.stats
        return max(self.created, stats.user_in.last_packet, stats.kernel_in.last_packet)

    def fill(self, advertised: Endpoint, now: float) -> None:
        """The party's SDP names ``advertised``; what was learned lasts only if it names the same as before."""
        if self.advertised != advertised:
            self.advertised = self.endpoint = advertised
            self.learned = None
        self.filled = True
        self.created = now

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
        self.local = self.endpoint = self.advertised = self.learned = None
        self.filled = self.public = False
        self.unconfirm()
