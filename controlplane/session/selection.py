# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parties a command means that is neither an offer nor an answer."""
from __future__ import annotations

import logging

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.session.call import Call
from controlplane.session.party import Party

_log = logging.getLogger("rtpengine.control")
_SHOWN = 80  # characters of a tag in a log line


def find_party(call: Call, request: Request, *, needs_directional: bool = False) -> Party | None:
    """The party that label, address or from-tag select; None for the whole call. PeerError if there is no such.

    ``needs_directional``: the from-tag counts with the flag ``directional`` alone.
    """
    party = None
    if request.label is not None:
        party = next((each for each in call.parties if each.label == request.label), None)
        if party is None:
            raise PeerError("No monologue matching the given label")
    elif request.address is not None:
        party = next((each for each in call.parties if _advertises(each, request.address)), None)
        if party is None:
            raise PeerError("Failed to match address to any tag")
    elif request.from_tag is not None and (not needs_directional or "directional" in request.flags):
        party = call.tags.get(request.from_tag)
        if party is None:
            raise PeerError("From-tag given, but no such tag exists")
    if party is not None and request.set_label is not None:
        party.label = request.set_label
    return party


def _advertises(party: Party, address: Address) -> bool:
    return any(stream.advertised is not None and stream.advertised.address == address
               for media in party.medias for stream in media.streams)


def find_sources(call: Call, request: Request) -> list[Party]:
    """The parties whose media are asked for: all, the selected one, or those of ``from-tags``. PeerError."""
    if request.all == "all":
        return list(call.parties)
    party = find_party(call, request)
    found = [party] if party is not None else []
    for tag in request.from_tags:
        other = call.tags.get(tag)
        if other is None:
            _log.warning("call %r: no party has the tag %r", call.call_id[:_SHOWN], tag[:_SHOWN])
        elif other not in found:
            found.append(other)
    return found
