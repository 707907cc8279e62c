# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets that restored calls take again, as a shape: the caller brings them along."""
from __future__ import annotations

from typing import Protocol

from controlplane.addresses import Address, Endpoint
from controlplane.session.sockets import Place, RandomSource
from controlplane.session.settings import SessionSettings


class Claims(Protocol):
    """Local media sockets, by their numbers."""

    def claim(self, interface: str, address: Address, ports: tuple[int, ...]) -> tuple[Place, tuple[Endpoint, ...]]:
        """Open just these ports, at ``address`` if the interface has it, else at its first one of that family.

        PeerError if there is no such interface, or a port is not free.
        """

    def release(self, endpoint: Endpoint) -> None:
        """Close a socket."""


class Claimed:
    """What one call has claimed so far. ``moved`` are the endpoints of the document with those they are now."""

    def __init__(self, claims: Claims):
        self._claims = claims
        self.moved: dict[Endpoint, Endpoint] = {}

    def claim(self, interface: str, address: Address, ports: tuple[int, ...]) -> tuple[Place, tuple[Endpoint, ...]]:
        """See Claims."""
        place, sockets = self._claims.claim(interface, address, ports)
        self.moved.update(zip([Endpoint(address, port) for port in ports], sockets))
        return place, sockets

    def give_back(self) -> None:
        """Close all of them: the call cannot be restored."""
        for endpoint in self.moved.values():
            self._claims.release(endpoint)


class Surroundings:
    """What a restored call lives in; ``now`` is Unix time in seconds."""

    def __init__(self, settings: SessionSettings, claims: Claims, random: RandomSource, now: float):
        self.settings = settings
        self.claimed = Claimed(claims)
        self.random = random
        self.now = now
