# SPDX-License-Identifier: GPL-3.0-or-later
"""Which media of the two parties a section of an SDP is about."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.sdp.model import MediaDescription
from controlplane.session.media import Media, link
from controlplane.session.party import Party


class Pair(NamedTuple):
    """A received section, the sender's medium that it describes, and the receiver's medium linked to it."""

    section: MediaDescription
    sender: Media
    receiver: Media


def pair_sections(sections: list[MediaDescription], sender: Party, receiver: Party) -> list[Pair]:
    """Find or create the media for each section, and link them."""
    pairs: list[Pair] = []
    taken: set[int] = set()
    for position, section in enumerate(sections):
        own = _by_mid(section, sender, taken) or _by_position(section, sender, position, taken)
        taken.add(own.index)
        other = _linked(section, own, receiver) or _by_position(section, receiver, own.index - 1, set())
        for former in [media for media in receiver.medias if media in own.peers and media is not other]:
            former.peers.remove(own)
            own.peers.remove(former)
        link(own, other)
        pairs.append(Pair(section, own, other))
    return pairs


def _by_mid(section: MediaDescription, party: Party, taken: set[int]) -> Media | None:
    if section.mid is None:
        return None
    return next((media for media in party.medias if media.mid == section.mid and media.type == section.type
                 and media.index not in taken), None)


def _by_position(section: MediaDescription, party: Party, position: int, taken: set[int]) -> Media:
    """The medium at ``position``; appended ones if there is none, or if a mid has taken it."""
    medias = party.medias
    while len(medias) <= position:
        medias.append(Media(len(medias) + 1, section.type))
    if medias[position].index in taken:
        free = next((media for media in medias if media.index not in taken), None)
        if free is None:
            free = Media(len(medias) + 1, section.type)
            medias.append(free)
        return free
    return medias[position]


def _linked(section: MediaDescription, own: Media, receiver: Party) -> Media | None:
    for media in receiver.medias:
        if media in own.peers and media.type == section.type and (
                media.mid is None or own.mid is None or media.mid == own.mid):
            return media
    return None
