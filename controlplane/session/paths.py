# SPDX-License-Identifier: GPL-3.0-or-later
"""ICE and DTLS of all calls: which socket belongs to which agent or association, and when they are due."""
from __future__ import annotations

import logging
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Protocol

from controlplane.addresses import Endpoint
from controlplane.events import ChangeSet, Datagram, Expected, PacketHanded
from controlplane.session import demux, dtls
from controlplane.session.call import Call
from controlplane.session.ice import follow
from controlplane.session.media import Media
from controlplane.session.stages import note_stages, note_ways, ways_of

_SHOWN = 80  # characters of a call-ID in a log line
_log = logging.getLogger("rtpengine.srtp")


class Machine(Protocol):
    """What has something to do at certain times; ``wake_at`` is when we look after it next."""

    wake_at: float

    @property
    def next_at(self) -> float:
        """When ``on_time`` is due, in Unix time."""

    def on_time(self, now: float) -> None:
        """Do what is due."""

    def take_datagrams(self) -> list[Datagram]:
        """What is to be sent now."""


def _sockets(media: Media) -> list[Endpoint]:
    mappings = media.ice.mappings if media.ice is not None else media.mappings
    return [local for mapping in mappings for local in mapping.sockets]


def _tell(call: Call, media: Media) -> None:
    """Log what goes wrong with handshakes, once for each state: anybody can make reasons up."""
    handshakes = media.dtls
    if handshakes is not None and handshakes.reason and handshakes.state not in handshakes.logged:
        handshakes.logged.add(handshakes.state)
        _log.warning("call %r: DTLS of section %d %s: %s", call.call_id[:_SHOWN], media.index, handshakes.state,
                     handshakes.reason)


class Paths:
    """``give`` has what is to be done after each call."""

    def __init__(self) -> None:
        self._datagrams: list[Datagram] = []
        self._expected: dict[Endpoint, Expected] = {}
        self._told: dict[Endpoint, Expected] = {}
        self._owners: dict[Endpoint, tuple[Call, Media]] = {}
        self._agenda: list[tuple[float, int]] = []
        self._waiting: dict[int, tuple[Media, Machine]] = {}
        self._turns: dict[Media, set[int]] = {}
        self._numbers = count()

    def watch(self, call: Call, media: Media, now: float) -> None:
        """Serve this medium from now on."""
        for local in _sockets(media):
            self._owners[local] = call, media
        dtls.begin_again(media, now)
        dtls.aim(media, now)
        self._attend(media)
        self._expect(media)

    def _expect(self, media: Media) -> None:
        """Passwords and certificates are what signalling has told."""
        agent, handshakes = media.ice.agent if media.ice is not None else None, media.dtls
        former = agent.former.credentials if agent is not None and agent.former is not None else None
        sides = (agent.local, agent.remote, former) if agent is not None else ()
        expected = Expected(
            tuple([side.password for side in sides if side is not None]),
            handshakes.identity.secret if handshakes is not None else b"",
            tuple([each.digest for each in handshakes.fingerprints]) if handshakes is not None else ())
        for local in _sockets(media):
            if self._told.get(local) != expected:
                self._told[local] = self._expected[local] = expected

    def give(self, changes: ChangeSet) -> None:
        """Hand over what there is to send, and what has changed of what is expected."""
        if self._datagrams:
            changes.datagrams += self._datagrams
            self._datagrams = []
        if self._expected:
            changes.expected, self._expected = self._expected, {}

    def forget(self, local: Endpoint) -> None:
        """A socket was closed; a medium that has none left is not kept until it would have had something to do."""
        self._told.pop(local, None)
        self._expected.pop(local, None)
        _, media = self._owners.pop(local, (None, None))
        if media is not None and media in self._turns and self._call_of(media) is None:
            for turn in self._turns.pop(media):
                _, machine = self._waiting.pop(turn)
                machine.wake_at = inf

    def receive(self, event: PacketHanded) -> Call | None:
        """A packet that a media socket handed up; the call, if its paths or its keys have changed."""
        call, media = self._owners.get(event.local, (None, None))
        if call is None or media is None or media.mapping is None:
            return None
        protocol = demux.protocol_of(event.data)
        if protocol is demux.Protocol.STUN and media.ice is not None:
            media.ice.agent.receive(event.data, event.local, event.source, event.at)
        elif protocol is demux.Protocol.DTLS and media.dtls is not None:
            component = dtls.component_of(media, event)
            if component is None:
                return None
            media.dtls.receive(event, component)
        moved = self._settle(call, media, event.at)
        _tell(call, media)
        return call if moved else None

    def deadline(self) -> float:
        """When ``on_time`` is to be called next; infinity if there is nothing to wait for."""
        return self._agenda[0][0] if self._agenda else inf

    def on_time(self, now: float) -> list[Call]:
        """Have everybody do what is due; the calls whose paths or keys have changed."""
        changed = []
        while self._agenda and self._agenda[0][0] <= now:
            at, turn = heappop(self._agenda)
            waiting = self._take(turn)
            if waiting is None:
                continue
            media, machine = waiting
            if machine.wake_at != at:
                continue
            machine.wake_at = inf
            call = self._call_of(media)
            if call is None or media.mapping is None or machine not in (media.ice, media.dtls):
                continue
            machine.on_time(now)
            if self._settle(call, media, now):
                changed.append(call)
            _tell(call, media)
        return changed

    def _take(self, turn: int) -> tuple[Media, Machine] | None:
        """Whose turn it is; None if that one need not be kept any more."""
        waiting = self._waiting.pop(turn, None)
        if waiting is not None:
            turns = self._turns[waiting[0]]
            turns.remove(turn)
            if not turns:
                del self._turns[waiting[0]]
        return waiting

    def _settle(self, call: Call, media: Media, now: float) -> bool:
        before = ways_of(media)
        moved = follow(media, now)
        if media.dtls is not None:
            if moved:
                dtls.aim(media, now)
            moved = dtls.adopt(media) or moved
        self._attend(media)
        note_stages(call, media, now)
        if moved:
            note_ways(call, media, before, now)
        return moved

    def _call_of(self, media: Media) -> Call | None:
        """Whose the medium is now, for calls may be merged; None if it has lost its sockets."""
        for local in _sockets(media):
            call, owner = self._owners.get(local, (None, None))
            if owner is media:
                return call
        return None

    def _attend(self, media: Media) -> None:
        """Send what there is to send, and come back in time."""
        for machine in (media.ice, media.dtls):
            if machine is not None:
                self._datagrams += machine.take_datagrams()
                at = machine.next_at
                if at < machine.wake_at:
                    machine.wake_at = at
                    turn = next(self._numbers)
                    self._waiting[turn] = media, machine
                    self._turns.setdefault(media, set()).add(turn)
                    heappush(self._agenda, (at, turn))
