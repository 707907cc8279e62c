# SPDX-License-Identifier: GPL-3.0-or-later
"""One side of a call: what a SIP tag stands for."""
from __future__ import annotations

from controlplane.sdp.origin import OriginState
from controlplane.sdp.model import SessionDescription
from controlplane.session.media import Media, unlink, unsubscribe

UNKNOWN, FROM_TAG, TO_TAG = "UNKNOWN", "FROM_TAG", "TO_TAG"


class Party:
    """A party; ``tag`` is None until it answers, ``branch`` the via-branch under which it was called.

    ``peers`` are the parties it has an offer/answer relation with, in the order in which they came. ``session`` is
    the last description received (its media are those of ``medias``), ``origin`` what the party was sent last,
    ``final`` tells that it has sent a final response. ``call_id`` is that of the call it came from, if it was moved
    into this one. ``blocks`` see blocking.py; ``forwarding``: its media are to be recorded elsewhere. Times are Unix
    time in seconds; ``renewed`` is that of its last offer or answer, ``ended`` when it was said that it is over, which
    it is at ``deletion_at`` or, with all of its call, when that is deleted.
    """

    created: float
    tag: str | None = None
    type: str
    label: str | None = None
    branch: str | None
    deletion_at: float | None = None
    medias: list[Media]
    peers: list[Party]
    aliases: list[str]
    interface: str | None = None
    session: SessionDescription | None = None
    session_name: str | None = None
    origin: OriginState
    final: bool = False
    renewed: float = 0.0
    ended: float | None = None
    call_id: str | None = None
    blocks: frozenset[str]
    forwarding: bool = False

    def __init__(self, created: float, branch: str | None = None) -> None:
        self.created = created
        self.branch = branch
        self.medias = []
        self.peers = []
        self.aliases = []
        self.type = UNKNOWN
        self.origin = OriginState()
        self.blocks = frozenset()

    @property
    def linked(self) -> bool:
        """True if it has to do with another party."""
        return bool(self.peers) or any([media.sinks or media.sources for media in self.medias])

    def duration(self, now: float) -> float:
        """Seconds since its last offer or answer, or from there to its end."""
        return max(0.0, (now if self.ended is None else self.ended) - self.started)

    @property
    def started(self) -> float:
        """When it came, or signalled last."""
        return max(self.created, self.renewed)

    def go_on(self) -> None:
        """It is not over after all."""
        self.deletion_at = self.ended = None

    def media_at(self, position: int, kind: str) -> Media:
        """The medium at ``position`` (from 0); media of type ``kind`` are appended until there is one."""
        while len(self.medias) <= position:
            self.medias.append(Media(len(self.medias) + 1, kind))
        return self.medias[position]

    def peer_media(self, media: Media) -> Media | None:
        """The medium of this party that ``media`` of another one has an offer/answer relation with."""
        peers = media.peers
        return next((own for own in self.medias if own in peers), None)


def associate(one: Party, other: Party) -> None:
    """Note the offer/answer relation; a scheduled deletion of either is off."""
    for party, peer in ((one, other), (other, one)):
        party.go_on()
        if peer not in party.peers:
            party.peers.append(peer)


def dissociate(one: Party, other: Party) -> None:
    """Undo ``associate`` and unlink the media of the two."""
    if other in one.peers:
        one.peers.remove(other)
    if one in other.peers:
        other.peers.remove(one)
    for media in one.medias:
        for peer in media.peers:
            if peer in other.medias:
                unlink(media, peer)


def leave(party: Party) -> None:
    """Undo every relation of the party to others."""
    for other in list(party.peers):
        dissociate(party, other)
    for media in party.medias:
        for link in list(media.sinks):
            unsubscribe(media, link.sink)
        for link in list(media.sources):
            unsubscribe(link.source, media)
