# SPDX-License-Identifier: GPL-3.0-or-later
"""Which media of the two parties a section of an SDP is about."""
from __future__ import annotations

from typing import NamedTuple

from controlplane.sdp.model import MediaDescription
from controlplane.session.match import Dialogue
from controlplane.session.media import Media, link, unlink
from controlplane.session.party import Party


class Pair(NamedTuple):
    """A received section, the sender's medium that it describes, and the receiver's medium linked to it."""

    section: MediaDescription
    sender: Media
    receiver: Media


def own_medias(sections: list[MediaDescription], sender: Party) -> list[Media]:
    """Find or create the sender's medium for each section: by mid, else by position."""
    medias: list[Media] = []
    taken: set[int] = set()
    for position, section in enumerate(sections):
        media = _by_mid(section, sender, taken) or _by_position(section, sender, position, taken)
        taken.add(media.index)
        medias.append(media)
    return medias


def partners(sections: list[MediaDescription], medias: list[Media], withheld: list[Media],
             dialogue: Dialogue) -> list[Media]:
    """Link each of the sender's ``medias`` that is not ``withheld`` to one of the receiver, and return those.

    That is the one it is linked to already, if its type fits, else the one in the same place of what the receiver
    is told.
    """
    sender, receiver = dialogue
    taken: set[int] = set()
    found: list[Media | None] = []
    for section, own in zip(sections, medias):
        other = _linked(section, own, receiver, taken) if own not in withheld else None
        if other is not None:
            taken.add(other.index)
        found.append(other)
    chosen: list[Media] = []
    for section, own, other in zip(sections, medias, found):
        if own in withheld:
            continue
        if other is None:
            position = own.index - 1 - sum(media.index < own.index for media in withheld)
            other = _by_position(section, receiver, position, taken)
            taken.add(other.index)
        _link_alone(own, other, dialogue)
        chosen.append(other)
    return chosen


def _link_alone(own: Media, other: Media, dialogue: Dialogue) -> None:
    """Link the two; between these parties a medium is linked to one other only."""
    for former in [media for media in dialogue.receiver.medias if media in own.peers and media is not other]:
        unlink(own, former)
    for former in [media for media in dialogue.sender.medias if media in other.peers and media is not own]:
        unlink(former, other)
    link(own, other)


def _by_mid(section: MediaDescription, party: Party, taken: set[int]) -> Media | None:
    if section.mid is None:
        return None
    return next((media for media in party.medias if media.mid == section.mid and media.type == section.type
                 and media.index not in taken), None)


def _by_position(section: MediaDescription, party: Party, position: int, taken: set[int]) -> Media:
    """The medium at ``position``; appended ones if there is none, or if a mid has taken it."""
    medias = party.medias
    found = party.media_at(position, section.type)
    if found.index in taken:
        free = next((media for media in medias if media.index not in taken), None)
        if free is None:
            free = Media(len(medias) + 1, section.type)
            medias.append(free)
        return free
    return found


def _linked(section: MediaDescription, own: Media, receiver: Party, taken: set[int]) -> Media | None:
    for media in receiver.medias:
        if media in own.peers and media.index not in taken and media.type == section.type and (
                media.mid is None or own.mid is None or media.mid == own.mid):
            return media
    return None
