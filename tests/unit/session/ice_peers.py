# SPDX-License-Identifier: GPL-3.0-or-later
"""Parties with an ICE agent of their own around a daemon without engines."""
from __future__ import annotations

import random
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.events import Datagram, PacketHanded
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, priority_of, usable
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from tests.unit.session.calls import Daemon, ep, sdp

DELAY = 0.001


class IceParty:
    """A party at ``bases``, one for each component; its SDP, and what it makes of ours."""

    def __init__(self, *bases: str, seed: int = 1, **options: Any):
        self.bases = [ep(base) for base in bases]
        self.agent = Agent(random.Random(seed), components=len(bases), **options)
        self.agent.set_locals([LocalCandidate(base, Candidate(
            "h", number, "UDP", priority_of("host", 0, number), base, "host"))
            for number, base in enumerate(self.bases, 1)], 0.0)

    @property
    def lines(self) -> list[str]:
        """The attributes of its section."""
        local = self.agent.local
        return [f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}", *(["a=rtcp-mux"] * (len(self.bases) == 1)),
                *(f"a=candidate:{each.candidate}" for each in self.agent.checklist.locals)]

    def sdp(self, *more: str) -> str:
        return sdp(str(self.bases[0].address), self.bases[0].port, *self.lines, *more)

    def hear(self, body: str, now: float) -> None:
        """Our SDP has arrived."""
        values = ice_values(body)
        self.agent.set_remote(Credentials(values["ice-ufrag"][0], values["ice-pwd"][0]), now,
                              lite="a=ice-lite" in body)
        for candidate in usable(values["candidate"]):
            self.agent.add_remote(candidate, now)


def ice_values(body: str) -> dict[str, list[str]]:
    """The attributes of a body by name."""
    found: dict[str, list[str]] = {"candidate": []}
    for line in body.splitlines():
        name, _, value = line.removeprefix("a=").partition(":")
        found.setdefault(name, []).append(value)
    return found


class IceNetwork:
    """Carries packets between a daemon and parties, until nothing more is to be done within the time.

    ``delivered`` are those that the parties got.
    """

    def __init__(self, daemon: Daemon, *parties: IceParty):
        self.daemon, self.parties = daemon, parties
        self.flying: list[tuple[float, Datagram]] = []
        self.cut = False
        self.delivered: list[bytes] = []

    def run(self, seconds: float) -> None:
        daemon = self.daemon
        end = daemon.now + seconds
        while True:
            self._collect()
            times = [at for at, _ in self.flying] + [party.agent.next_at for party in self.parties]
            times += [daemon.calls.deadline() or end + 1, daemon.calls.next_path_at]
            at = max(daemon.now, min(times))
            if at > end:
                daemon.now = end
                return
            daemon.now = at
            arrived = [packet for due, packet in self.flying if due <= at]
            self.flying = [(due, packet) for due, packet in self.flying if due > at]
            for packet in arrived:
                self._deliver(packet)
            for party in self.parties:
                if party.agent.next_at <= at:
                    party.agent.on_time(at)
            self._collect()
            daemon.calls.on_path_deadline(at)
            if (daemon.calls.deadline() or end) <= at:
                daemon.calls.on_deadline(at)

    def _collect(self) -> None:
        packets = [packet for party in self.parties for packet in party.agent.take_datagrams()]
        packets += self.daemon.apply().datagrams
        if not self.cut:
            self.flying += [(self.daemon.now + DELAY, packet) for packet in packets]

    def _deliver(self, packet: Datagram) -> None:
        for party in self.parties:
            if packet.destination in party.bases:
                self.delivered.append(packet.data)
                party.agent.receive(packet.data, packet.destination, packet.local, self.daemon.now)
                return
        target = self.daemon.targets.get(packet.destination)
        if target is not None and target.stun:
            self.daemon.calls.on_packet(PacketHanded(packet.destination, packet.local, self.daemon.now, packet.data))


def admitted(daemon: Daemon, local: Endpoint) -> str:
    """The only source whose media a socket takes."""
    target = daemon.targets[local]
    assert target.stun and target.mismatch.name == "DROP" and not target.learning
    return str(target.expected_source)
