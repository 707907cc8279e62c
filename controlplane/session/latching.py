# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sockets a medium uses: the ones it had for the same peer, new ones, or what was reserved for it."""
from __future__ import annotations

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.session.call import Call
from controlplane.session.media import Media, PortMapping
from controlplane.session.sockets import Place, SocketPool
from controlplane.session.trail import OPENED

MAX_MAPPINGS = 16
"""How many sets of sockets one medium keeps; a peer that moves more often does not get its oldest ports back."""
MAX_CONSECUTIVE = 16
MAX_ADDRESSES = 8
"""How many addresses one medium has sockets on for ICE."""
NO_PORTS = "Ran out of ports"


class OutOfPorts(PeerError):
    """There are no free ports: a call in which nobody talks yet cannot go on."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(NO_PORTS, detail)


def latch(call: Call, media: Media, sockets: SocketPool, place: Place, count: int, remote: Endpoint, *,
          keep: bool) -> None:
    """Give ``media`` ``count`` sockets on ``place`` towards whose party ``remote`` is being presented.

    ``keep``: the ports stay although ``remote`` changed (ng flag ``port-latching``), and remain those of the former
    one. ICE that begins has sockets of its own. OutOfPorts.
    """
    found = _find(media, place, count, remote, keep) if not begins(media) else None
    mapping = found or _allocate(call, media, sockets, place, count)
    media.mapping = mapping
    made_for(media, remote)
    shrink(call, media, count)


def begins(media: Media) -> bool:
    """True if the party is going to do ICE, which has no sockets yet."""
    return media.ice is not None and not media.ice.mappings


def made_for(media: Media, remote: Endpoint) -> None:
    """Remember for whom the sockets in use are; those that ICE holds on to stay with the first one."""
    if media.mapping is not None and media.mapping.remote is None:
        media.mapping.remote = remote


def shrink(call: Call, media: Media, count: int) -> None:
    """Close all but ``count`` of the sockets in use: RTCP has moved to the RTP port."""
    mapping = media.mapping
    if mapping is not None:
        _trim(call, mapping, count)
    if media.ice is not None:
        for each in media.ice.mappings:
            _trim(call, each, count)
    media.use(mapping)


def _trim(call: Call, mapping: PortMapping, count: int) -> None:
    call.released += mapping.sockets[count:]
    mapping.sockets = mapping.sockets[:count]


def companions(call: Call, media: Media, sockets: SocketPool, count: int) -> list[PortMapping]:
    """The sockets in use and others on each further address of their interface, those of the same family in front.

    An address that has no free ports is left out.
    """
    first = media.mapping
    assert first is not None
    leader = first.leader or first
    others = [place for place in sockets.places(first.place.interface) if place.address != first.place.address]
    others.sort(key=lambda place: place.address.family != first.place.address.family)
    found = [first]
    for place in others[:MAX_ADDRESSES - 1]:
        mapping = next((each for each in media.mappings if each.place == place and len(each.sockets) >= count
                        and leader in (each, each.leader)), None)
        try:
            mapping = mapping or _allocate(call, media, sockets, place, count, leader)
        except OutOfPorts:
            continue
        _trim(call, mapping, count)
        found.append(mapping)
    return found


def reserve(call: Call, media: Media, sockets: SocketPool, place: Place, count: int) -> None:
    """Open the sockets that the party will be told in a later SDP, so that it cannot fail then. OutOfPorts.

    Whoever has moved to another family gets packets from there at once: the former sockets do not reach it.
    """
    if begins(media):
        media.use(_allocate(call, media, sockets, place, count))
        return
    if not any(mapping.place == place and mapping.leader is None for mapping in media.mappings):
        _allocate(call, media, sockets, place, count)
    family = media.mapping.place.address.family if media.mapping is not None else 0
    if not family or (media.ice is None and family != place.address.family):
        fitting = [mapping for mapping in media.mappings if mapping.place == place and mapping.leader is None]
        by_ice = media.ice.mappings if media.ice is not None else []
        media.use(next((mapping for mapping in (media.parked, *by_ice) if mapping in fitting), fitting[0]))


def _find(media: Media, place: Place, count: int, remote: Endpoint, keep: bool) -> PortMapping | None:
    """The latest ones that will do."""
    fitting = [mapping for mapping in reversed(media.mappings)
               if mapping.place == place and len(mapping.sockets) >= count]
    if keep and media.mapping in fitting:
        return media.mapping
    for mapping in fitting:
        if mapping.remote is not None and _same(mapping.remote, remote):
            return mapping
    return next((mapping for mapping in fitting if mapping.remote is None and mapping.leader is None), None)


def _same(known: Endpoint, remote: Endpoint) -> bool:
    """True for the same endpoint; a zero address (hold) counts as the same if the port is."""
    if known == remote:
        return True
    return known.port == remote.port and (remote.address.is_zero or known.address.is_zero)


def _allocate(call: Call, media: Media, sockets: SocketPool, place: Place, count: int,
              leader: PortMapping | None = None) -> PortMapping:
    if count > MAX_CONSECUTIVE:
        raise OutOfPorts
    try:
        mapping = PortMapping(place, sockets.allocate(place, count), None, leader)
    except PeerError as error:
        raise OutOfPorts(error.detail) from error
    if len(media.mappings) >= MAX_MAPPINGS:
        used = media.ice.mappings if media.ice is not None else ()
        oldest = next(known for known in media.mappings if known is not media.mapping and known not in used)
        media.mappings.remove(oldest)
        call.released += oldest.sockets
    media.mappings.append(mapping)
    call.trail.also(OPENED, tuple(mapping.sockets))
    return mapping
