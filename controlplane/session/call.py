# SPDX-License-Identifier: GPL-3.0-or-later
"""One call: the parties that share a call-ID."""
from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Union

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.trail import Trail

MAX_PARTIES = 256
MAX_TAGS = 1024
MAX_ALIAS_KEYS = 64

AliasKey = Union[bytes, Endpoint]
"""Digest of a body, or the first endpoint in it: whoever offers the same again is the same party."""


class Call:
    """A call. Times are Unix time in seconds; ``created_from`` is the client as ``address:port``.

    ``tags`` finds parties by tag, former tag and alias, ``alias_keys`` by what they offered (ng ``alias-key``).
    ``deleted_at``: when a ``delete`` takes effect. ``relearn_at``: when sources that are still being learned are to
    be looked at anew. ``wake_at``: when the call needs attention, infinite for a call that has ended. ``released``
    are sockets given up and not yet reported. ``report_at``: when the parties are to get RTCP of ours. ``aliases`` are
    the call-IDs of calls that were merged into this one. ``blocks`` see blocking.py. ``foreign``: another process
    serves the call, and we are ready to. ``dtmf_log``: who is told of its DTMF events. ``hosted_db``: the number of
    the data base that has it (-1: none); ``stored_at``: when it was written there last. ``trail`` is what happened to
    it; ``missed``: its packets are.
    """

    call_id: str
    created: float
    created_from: str
    last_signal: float
    tos: int
    metadata: str | None = None
    parties: list[Party]
    tags: dict[str, Party]
    alias_keys: dict[AliasKey, Party]
    deleted_at: float | None = None
    dtmf_log: Endpoint | None = None
    drop_traffic: bool = False
    blocks: frozenset[str]
    forwarding: bool = False
    aliases: list[str]
    relearn_at: float | None = None
    report_at: float
    wake_at: float | None = None
    released: list[Endpoint]
    numbered: int = 0
    foreign: bool = False
    hosted_db: int = -1
    stored_at: float = 0.0
    trail: Trail
    missed: bool = False

    def __init__(self, call_id: str, created: float, created_from: str = "", last_signal: float = 0.0,
                 tos: int = 0) -> None:
        self.call_id = call_id
        self.created = created
        self.created_from = created_from
        self.last_signal = last_signal
        self.tos = tos
        self.parties = []
        self.tags = {}
        self.alias_keys = {}
        self.blocks = frozenset()
        self.aliases = []
        self.report_at = inf
        self.released = []
        self.trail = Trail()

    def number(self, media: Media) -> int:
        """The number of ``media`` in the call, in the order in which they are asked for."""
        if media.number is None:
            media.number = self.numbered
            self.numbered += 1
        return media.number

    @property
    def medias(self) -> Iterator[Media]:
        """The media of all parties."""
        for party in self.parties:
            yield from party.medias

    def add_party(self, now: float, tag: str | None = None, branch: str | None = None) -> Party:
        """A new party without media. PeerError if there are too many already."""
        if len(self.parties) >= MAX_PARTIES:
            raise PeerError("Too many parties in the call")
        party = Party(now, branch=branch)
        self.parties.append(party)
        if tag is not None:
            self.set_tag(party, tag)
        return party

    def set_tag(self, party: Party, tag: str) -> None:
        """Name ``party``; a name it had before becomes an alias. PeerError if there are too many already."""
        self._find_by(tag, party)
        if party.tag is not None and party.tag != tag:
            party.aliases.append(party.tag)
        party.tag = tag

    def add_alias(self, party: Party, tag: str) -> None:
        """Let ``tag`` stand for ``party`` as well. PeerError if there are too many tags already."""
        self._find_by(tag, party)
        party.aliases.append(tag)

    def _find_by(self, tag: str, party: Party) -> None:
        if len(self.tags) >= MAX_TAGS:
            raise PeerError("Too many tags in the call")
        self.tags[tag] = party

    def remember(self, key: AliasKey, party: Party) -> None:
        """Whoever offers ``key`` next is ``party``; of many keys the oldest is forgotten."""
        self.alias_keys.pop(key, None)
        self.alias_keys[key] = party
        if len(self.alias_keys) > MAX_ALIAS_KEYS:
            del self.alias_keys[next(iter(self.alias_keys))]

    def by_branch(self, branch: str | None) -> Party | None:
        """The party called under this via-branch."""
        if branch is None:
            return None
        return next((party for party in self.parties if party.branch == branch), None)

    def signalled(self, now: float) -> None:
        """An offer or answer came: learning starts over, and a scheduled deletion of the whole call is off."""
        self.last_signal = now
        for media in self.medias:
            for stream in media.streams:
                stream.best_rank = None
        if self.deleted_at is not None:
            for party in self.parties:
                if party.deletion_at in (None, self.deleted_at):
                    party.go_on()
            self.deleted_at = None

    def schedule_deletion(self, at: float, now: float) -> None:
        """End the call at ``at`` unless it is signalled before; its parties are over from ``now`` on."""
        self.deleted_at = at
        self.end(now)

    def end(self, now: float) -> None:
        """All parties that are not over yet are from ``now`` on."""
        for party in self.parties:
            if party.ended is None:
                party.ended = now

    @property
    def talks(self) -> bool:
        """True if two parties know where they get each other's media."""
        for media in self.medias:
            if media.streams and media.streams[0].filled and media.streams[0].public:
                for link in media.sinks:
                    if link.sink.streams and link.sink.streams[0].filled and link.sink.streams[0].public:
                        return True
        return False

    def tag_of(self, media: Media) -> str | None:
        """Whose medium it is."""
        return next((party.tag for party in self.parties if media in party.medias), None)

    def close_party(self, party: Party) -> bool:
        """Take the sockets of a party; it stays known. False if it had none."""
        before = len(self.released)
        for media in party.medias:
            self.released += media.close()
        return len(self.released) > before

    def close(self) -> None:
        """Take all sockets."""
        for party in self.parties:
            self.close_party(party)

    def come_apart(self) -> None:
        """Nothing of a call that has ended waits for the garbage collector."""
        for party in self.parties:
            party.peers.clear()
            for media in party.medias:
                media.sinks.clear()
                media.sources.clear()
                media.bundle = None
