# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sessions need of the ports and of randomness, as shapes: the caller brings them along."""
from __future__ import annotations

from typing import NamedTuple, Protocol

from controlplane.addresses import Address, Endpoint
from controlplane.ng.request import Request


_SHOWN = 40  # characters of a name in a note


class Place(NamedTuple):
    """A local address of the logical interface ``interface``, and what peers are told in its stead."""

    interface: str
    address: Address
    advertised: Address


class SocketPool(Protocol):
    """Local media sockets. They are given back through ``ChangeSet.closed``, once no target needs them."""

    def knows(self, name: str) -> bool:
        """Whether an interface can be asked for by this name; one that cannot counts for nothing."""

    def select(self, name: str | None, family: int, current: str | None) -> Place:
        """The address to use: of interface ``name`` if given, else of ``current``, else of the default one.

        ``current``, the interface used so far, stays if ``name`` allows it. Another family is the last resort.
        """

    def places(self, interface: str) -> list[Place]:
        """All addresses of an interface, in the order of the settings."""

    def facing(self, peer: Address) -> str | None:
        """The interface from which packets to ``peer`` leave by the routes of the host; None if it is none of ours."""

    def allocate(self, place: Place, count: int) -> tuple[Endpoint, ...]:
        """Open 1 socket, or an even number of consecutive ones that begin at an even port.

        PeerError ``Ran out of ports`` if there are none.
        """


class RandomSource(Protocol):
    """As ``random.SystemRandom``."""

    def getrandbits(self, k: int, /) -> int:
        """A number of ``k`` random bits."""


def asked_for(request: Request, name: str | None, peer: Address | None, sockets: SocketPool) -> str | None:
    """The interface that a request names, or that leads to ``peer``; a name that there is not is noted."""
    if name is None:
        return sockets.facing(peer) if peer is not None else None
    if not sockets.knows(name):
        request.note_ignored(f"interface: '{name[:_SHOWN]}' is not configured")
    return name
