# SPDX-License-Identifier: GPL-3.0-or-later
"""Associations that talk over a network made of a list; OpenSSL keeps its own time, so losses cost real seconds."""
from __future__ import annotations

import time
from collections.abc import Callable

from controlplane.addresses import Endpoint
from controlplane.dtls.association import COOKIE_DELAY, Association, Role
from controlplane.dtls.fingerprint import Fingerprint
from controlplane.dtls.identity import Identity, IdentityOptions
from controlplane.events import Datagram

OURS, THEIRS, FOREIGN = (Endpoint.parse(text) for text in ("192.0.2.1:1000", "192.0.2.2:2000", "203.0.113.66:666"))


def identity(**options) -> Identity:
    return Identity.make(IdentityOptions(**options), time.time())


def fingerprints(*identities: Identity, name: str = "sha-256") -> tuple[Fingerprint, ...]:
    return tuple(each.fingerprint(name) for each in identities)


class Network:
    """``passes`` says of each packet whether it arrives, ``arriving`` what arrives then."""

    def __init__(self, *associations: Association, passes: Callable[[Datagram], bool] = lambda packet: True,
                 arriving: Callable[[Datagram], list[Datagram]] = lambda packet: [packet]):
        self.members = dict(zip((OURS, THEIRS, FOREIGN), associations))
        self.passes = passes
        self.arriving = arriving
        self.sent: list[Datagram] = []

    def address(self, member: Association) -> Endpoint:
        """Where one of them is."""
        return next(endpoint for endpoint, each in self.members.items() if each is member)

    def run(self, seconds: float = 0.0, until: Callable[[], bool] = lambda: False) -> None:
        """Deliver until nothing is under way; then go on, for so long, with what repeats itself."""
        end = time.time() + seconds
        while True:
            while self._round() or self._release_cookies():
                pass
            if until() or time.time() >= end:
                return
            time.sleep(0.01)
            for each in self.members.values():
                if each.next_at <= time.time():
                    each.on_time(time.time())

    def _release_cookies(self) -> bool:
        """Do not wait for the time in which requests for cookies are not believed."""
        holding = [each for each in self.members.values() if each._believe_at < time.time() + 2 * COOKIE_DELAY]
        for each in holding:
            each.on_time(time.time() + COOKIE_DELAY)
        return bool(holding)

    def _round(self) -> bool:
        packets = [packet for each in self.members.values() for packet in each.take_datagrams()]
        self.sent += packets
        for packet in packets:
            if packet.destination in self.members and self.passes(packet):
                for each in self.arriving(packet):
                    self.members[each.destination].receive(each.data, each.local, time.time())
        return bool(packets)


def pair(one: Identity, other: Identity, **network) -> tuple[Network, Association, Association]:
    """The second begins; both know each other's fingerprints and addresses."""
    server, client = Association(one), Association(other)
    for mine, theirs in ((server, other), (client, one)):
        mine.set_fingerprints(fingerprints(theirs), time.time())
    server.set_path(OURS, THEIRS, time.time())
    client.set_path(THEIRS, OURS, time.time())
    server.set_role(Role.PASSIVE, time.time())
    client.set_role(Role.ACTIVE, time.time())
    return Network(server, client, **network), server, client
