# SPDX-License-Identifier: GPL-3.0-or-later
"""The ICE agents of all calls: which socket belongs to which, and when they are due."""
from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf

from controlplane.addresses import Endpoint
from controlplane.events import Datagram, PacketHanded
from controlplane.session.call import Call
from controlplane.session.demux import Protocol, protocol_of
from controlplane.session.ice import Ice, follow
from controlplane.session.media import Media


class Paths:
    """``datagrams`` are what the agents want sent; take them after each call."""

    def __init__(self) -> None:
        self.datagrams: list[Datagram] = []
        self._owners: dict[Endpoint, tuple[Call, Media]] = {}
        self._agenda: list[tuple[float, int, Ice]] = []
        self._numbers = count()

    def watch(self, call: Call, media: Media) -> None:
        """Serve the agent of this medium from now on."""
        ice = media.ice
        if ice is not None:
            for mapping in ice.mappings:
                for local in mapping.sockets:
                    self._owners[local] = call, media
            self._plan(ice)

    def forget(self, local: Endpoint) -> None:
        """A socket was closed."""
        self._owners.pop(local, None)

    def receive(self, event: PacketHanded) -> Call | None:
        """A packet that a media socket handed up; the call, if its paths have changed."""
        call, media = self._owners.get(event.local, (None, None))
        if call is None or media is None or media.ice is None or protocol_of(event.data) is not Protocol.STUN:
            return None
        media.ice.agent.receive(event.data, event.local, event.source, event.at)
        return call if self._settle(call, media, media.ice, event.at) else None

    def deadline(self) -> float:
        """When ``on_time`` is to be called next; infinity if there is nothing to wait for."""
        return self._agenda[0][0] if self._agenda else inf

    def on_time(self, now: float) -> list[Call]:
        """Have the agents do what is due; the calls whose paths have changed."""
        changed = []
        while self._agenda and self._agenda[0][0] <= now:
            at, _, ice = heappop(self._agenda)
            if ice.wake_at != at:
                continue
            ice.wake_at = inf
            call, media = self._owner(ice)
            if call is None or media is None:
                continue
            ice.agent.on_time(now)
            if self._settle(call, media, ice, now):
                changed.append(call)
        return changed

    def _settle(self, call: Call, media: Media, ice: Ice, now: float) -> bool:
        self.datagrams += ice.agent.take_datagrams()
        self._plan(ice)
        return follow(media, now)

    def _owner(self, ice: Ice) -> tuple[Call, Media] | tuple[None, None]:
        """Whose it is now: calls may be merged, and agents replaced."""
        for mapping in ice.mappings:
            for local in mapping.sockets:
                owner = self._owners.get(local)
                if owner is not None and owner[1].ice is ice:
                    return owner
        return None, None

    def _plan(self, ice: Ice) -> None:
        at = ice.agent.next_at
        if at < ice.wake_at:
            ice.wake_at = at
            heappush(self._agenda, (at, next(self._numbers), ice))
