# SPDX-License-Identifier: GPL-3.0-or-later
"""What a ``delete`` ends: the call, or one party and those that are left without a partner."""
from __future__ import annotations

from controlplane.ng.request import Request
from controlplane.session import query
from controlplane.session.call import Call
from controlplane.session.party import Party
from controlplane.session.settings import SessionSettings


def find_party(call: Call, request: Request) -> Party | None:
    """The party that a ``delete`` with a from-tag means; None if nothing matches."""
    by_to_tag = "to-tag" in request.flags and request.to_tag is not None
    if request.via_branch and not by_to_tag:
        party = call.by_branch(request.via_branch)
        if party is not None:
            return party
    tag = request.to_tag if by_to_tag else request.from_tag
    party = call.tags.get(tag) if tag is not None else None
    if party is None and by_to_tag:
        caller = call.tags.get(request.from_tag or "")
        if caller is not None and any(peer.tag is None for peer in caller.peers):
            return caller
        return call.by_branch(request.via_branch)
    return party


def doomed_with(party: Party) -> list[Party]:
    """``party`` and, one after the other, those that then have no partner left."""
    doomed = [party]
    for gone in doomed:
        for peer in gone.peers:
            if peer not in doomed and all(other in doomed for other in peer.peers):
                doomed.append(peer)
    return doomed


def of_call_id(call: Call, call_id: str) -> list[Party]:
    """The parties that came in under one of the IDs of a call; all, if it has only one."""
    return [party for party in call.parties if (party.call_id or call.call_id) == call_id or not call.aliases]


def ends_call(call: Call, doomed: list[Party], by_tag: bool) -> bool:
    """True if nobody remains; after a delete by tag those do who have to do with each other, if only to listen."""
    left = [party for party in call.parties if party not in doomed and party.deletion_at is None]
    if not by_tag:
        return not left
    medias = {id(media) for party in left for media in party.medias}
    return not any(any(peer in left for peer in party.peers)
                   or any(id(link.sink) in medias for media in party.medias for link in media.sinks)
                   for party in left)


def carry_out(call: Call, request: Request, settings: SessionSettings, now: float) -> dict[str, object] | None:
    """Have the call, or what is meant of it, end when it is to; the reply's keys, None if nothing matches."""
    by_tag = request.from_tag is not None and request.all != "all"
    party = find_party(call, request) if by_tag else None
    if party is None and by_tag:
        return None
    shown = request.to_tag if request.to_tag in call.tags else request.from_tag if by_tag else None
    delay = settings.delete_delay if request.delete_delay is None else request.delete_delay
    doomed = doomed_with(party) if party is not None else of_call_id(call, request.call_id or "")
    ends = ends_call(call, doomed, by_tag)
    reply = {} if "fast" in request.flags else query.call_reply(
        call, shown, settings.ssrc_reporting, settings.scale, doomed if delay <= 0 and not ends else ())
    for gone in doomed:
        gone.ended = now
        if by_tag or not ends:
            gone.deletion_at = now + delay
    if ends:
        call.schedule_deletion(now + delay, now)
    return reply
