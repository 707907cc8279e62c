# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng commands ``connect`` and ``mesh``: parties that get each other's media without any SDP."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.session.call import Call
from controlplane.session.media import Media, check_room, find_link, link, subscribe
from controlplane.session.party import Party, associate, dissociate, leave


def connect(sources: list[Party], sink: Party, request: Request) -> None:
    """Let ``sink`` have the media of ``sources``: as their only partner or, with ``directional``, besides."""
    others = [party for party in sources if party is not sink]
    if "directional" in request.flags:
        for source in others:
            add_flow(source, sink)
            if "bidirectional" in request.flags:
                add_flow(sink, source)
        return
    for source in others:
        for party in (source, sink):
            for peer in list(party.peers):
                dissociate(party, peer)
        for one, other in _matched(source, sink):
            link(one, other)
        associate(source, sink)


def add_flow(source: Party, sink: Party) -> None:
    """Copies of what ``source`` sends go to ``sink``, unless they do already."""
    for one, other in _matched(source, sink):
        if find_link(one, other) is None:
            check_room(one)
            subscribe(one, other)


def mesh(call: Call, request: Request) -> None:
    """Let parties have each other's media as the list ``tags`` says. PeerError if one of them does not exist."""
    flows: list[tuple[Party, list[Party]]] = []
    for entry in request.mesh:
        if entry.source is None:
            raise PeerError("Empty/missing from-tag")
        source = call.tags.get(entry.source)
        if source is None:
            raise PeerError("Given from-tag not found")
        sinks = [call.tags.get(tag) for tag in entry.sinks]
        if None in sinks:
            raise PeerError("Given to-tag not found")
        flows.append((source, [sink for sink in sinks if sink is not None and sink is not source]))
    if "unsubscribe" in request.flags:
        for source, _ in flows:
            leave(source)
    for source, sinks_of in flows:
        for sink in sinks_of:
            add_flow(source, sink)
            if "bidirectional" in request.flags:
                add_flow(sink, source)


def _matched(source: Party, sink: Party) -> Iterator[tuple[Media, Media]]:
    """Pairs of media of one type: by mid, else from the same position on, and then from the first."""
    taken: set[int] = set()
    for media in source.medias:
        other = next((each for each in sink.medias if each.mid is not None and each.mid == media.mid
                      and each.type == media.type and each.index not in taken), None)
        if other is None:
            start = media.index - 1
            turned = sink.medias[start:] + sink.medias[:start]
            other = next((each for each in turned if each.type == media.type and each.index not in taken), None)
        if other is not None:
            taken.add(other.index)
            yield media, other


def absorb(call: Call, other: Call, collision: str) -> None:
    """Move the parties of ``other`` into ``call``. PeerError with the text ``collision`` if both use one tag."""
    if call.tags.keys() & other.tags.keys():
        raise PeerError(collision)
    for party in other.parties:
        party.call_id = party.call_id or other.call_id
        for media in party.medias:
            if media.number is not None:
                media.number += call.numbered
    call.numbered += other.numbered
    call.parties += other.parties
    call.tags |= other.tags
    call.alias_keys |= other.alias_keys
    call.released += other.released
    call.aliases += [other.call_id, *other.aliases]
    call.last_signal = max(call.last_signal, other.last_signal)
    call.trail.join(other.trail)
    other.parties, other.tags, other.released = [], {}, []
