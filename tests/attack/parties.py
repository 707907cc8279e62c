# SPDX-License-Identifier: GPL-3.0-or-later
"""Parties whose media are encrypted, with keys from SDP or from DTLS, and those that do ICE."""
from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from functools import partial

from pylibsrtp import Error

from controlplane.addresses import Endpoint as Address
from controlplane.ice.agent import Agent, Phase
from controlplane.ice.candidate import Candidate, priority_of, usable
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.session.demux import Protocol, protocol_of
from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto
from controlplane.srtp.suites import find_suite
from tests.peers import sdp, srtp
from tests.peers.dtls import DtlsPeer
from tests.peers.phones import Crypt, opening, sealing
from tests.peers.rtp import Endpoint, SocketMaker

SUITE = "AES_CM_128_HMAC_SHA1_80"
Source = tuple[str, int]
MakeParty = Callable[[str, SocketMaker], Endpoint]


def address(pair: Source) -> Address:
    host, port = pair
    return Address.parse(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def material(both: bytes) -> Crypto:
    """A key with its salt, as one would write it into SDP."""
    suite = find_suite(SUITE)
    assert suite is not None
    return Crypto(1, suite, both[:suite.key_length], both[suite.key_length:])


class Secured(Endpoint):
    """A party with keys. ``wire`` is what it has sent; what does not open is among its strays."""

    def __init__(self, host: str, make: SocketMaker):
        super().__init__(host, make=make)
        self.wire: list[bytes] = []
        self.keys: tuple[Crypto | None, Crypto | None] = None, None
        self.seal: Crypt = sealing(None)
        self.open: Crypt = opening(None)

    @property
    def ready(self) -> bool:
        """Whether all is agreed on with us."""
        return True

    def encrypt(self, own: Crypto | None, ours: Crypto | None) -> None:
        """Use these keys from now on; under those that are in use, indices go on."""
        if (own, ours) != self.keys:
            self.keys = own, ours
            self.seal, self.open = sealing(own), opening(ours)

    def transmit(self, packet: bytes, is_rtcp: bool = False) -> None:
        self.wire.append(self.seal(packet))
        super().transmit(self.wire[-1], is_rtcp)

    def _on_rtp(self, data: bytes, source: Source, at: float) -> None:
        self._open(data, source, at, super()._on_rtp)

    def _on_rtcp(self, data: bytes, source: Source, at: float) -> None:
        self._open(data, source, at, super()._on_rtcp)

    def _open(self, data: bytes, source: Source, at: float, take: Callable[[bytes, Source, float], None]) -> None:
        try:
            plain = self.open(data)
        except (Error, srtp.Refused):
            self.strays.append(data)
            return
        take(plain, source, at)


class SdesParty(Secured):
    """Keys from SDP."""

    protocol = "RTP/SAVP"

    def __init__(self, host: str, make: SocketMaker):
        super().__init__(host, make)
        suite = find_suite(SUITE)
        assert suite is not None
        self.own = fresh(1, suite, random.SystemRandom())

    @property
    def attributes(self) -> list[str]:
        return [crypto_text(self.own)]

    def hear(self, section: sdp.Section) -> None:
        super().hear(section)
        told = [parse_crypto(each.partition(":")[2]) for each in section.attributes if each.startswith("crypto:")]
        ours = next(each for each in told if each is not None and each.suite is self.own.suite)
        self.own = self.own._replace(tag=ours.tag)
        self.encrypt(self.own, ours)


class WebParty(Secured):
    """RTP and RTCP on one port; keys from DTLS if it has a ``dtls``, a path from ICE if it has an ``agent``."""

    def __init__(self, host: str, make: SocketMaker, *, dtls: DtlsPeer | None = None, setup: str = "actpass",
                 ice: bool = False):
        super().__init__(host, make)
        self.dtls, self.setup = dtls, setup
        self.shakes = True
        self.protocol = "UDP/TLS/RTP/SAVPF" if dtls else "RTP/AVP"
        self.here = address((host, self.port))
        self.agent = self._agent() if ice else None

    def _agent(self) -> Agent:
        agent = Agent(random.SystemRandom(), controlling=True)
        candidate = Candidate("1", 1, "UDP", priority_of("host", 0, 1), self.here, "host")
        agent.set_locals([LocalCandidate(self.here, candidate)], time.time())
        return agent

    @property
    def attributes(self) -> list[str]:
        lines = ["rtcp-mux"]
        if self.dtls:
            lines += [each.removeprefix("a=") for each in self.dtls.lines(self.setup)]
        if self.agent:
            lines += [f"ice-ufrag:{self.agent.local.ufrag}", f"ice-pwd:{self.agent.local.password}",
                      *(f"candidate:{each.candidate}" for each in self.agent.checklist.locals)]
        return lines

    def hear(self, section: sdp.Section) -> None:
        self.connect(section.address, section.port, section.port)
        values = dict(each.partition(":")[::2] for each in section.attributes)
        if self.agent:
            self.agent.set_remote(Credentials(values["ice-ufrag"], values["ice-pwd"]), time.time())
            for each in usable(a.partition(":")[2] for a in section.attributes if a.startswith("candidate:")):
                self.agent.add_remote(each, time.time())

    @property
    def ready(self) -> bool:
        return (self.agent is None or self.agent.phase is Phase.COMPLETED) and (self.dtls is None or self.dtls.done)

    def transmit(self, packet: bytes, is_rtcp: bool = False) -> None:
        super().transmit(packet)

    def signal(self, data: bytes) -> None:
        """Something that is not media, as it is."""
        self.rtp.sendto(data, self._to(self.destination))

    def greet(self) -> None:
        """The active side's first words."""
        self._shake_hands(b"")

    def receive(self) -> int:
        count = super().receive()
        if self.agent:
            self.agent.on_time(time.time())
            self._answer_checks()
        return count

    def _on_rtp(self, data: bytes, source: Source, at: float) -> None:
        protocol = protocol_of(data)
        if protocol is Protocol.STUN and self.agent:
            self.agent.receive(data, self.here, address(source), at)
            self._answer_checks()
        elif protocol is Protocol.DTLS and self.dtls and self.shakes:
            self._shake_hands(data)
        elif len(data) > 1 and 194 <= data[1] <= 223:
            self._open(data, source, at, super(Secured, self)._on_rtcp)
        else:
            super()._on_rtp(data, source, at)

    def _on_rtcp(self, data: bytes, source: Source, at: float) -> None:
        """A port that nobody was told of: answers to those who have sent under its name."""
        if protocol_of(data) is Protocol.MEDIA:
            super()._on_rtcp(data, source, at)

    def _answer_checks(self) -> None:
        assert self.agent
        for packet in self.agent.take_datagrams():
            self.rtp.sendto(packet.data, packet.destination.sockaddr)

    def _shake_hands(self, data: bytes) -> None:
        assert self.dtls
        for answer in self.dtls.receive(data):
            self.signal(answer)
        if self.dtls.done and self.keys == (None, None):
            own, ours = self.dtls.keys
            self.encrypt(material(own), material(ours))


def plain(host: str, make: SocketMaker) -> Endpoint:
    return Endpoint(host, make=make)


def web(active: bool | None, ice: bool) -> MakeParty:
    """A party that begins the handshake, or leaves it to us; None: without DTLS."""
    def made(host: str, make: Callable[[int, int], socket.socket]) -> Endpoint:
        dtls = None if active is None else DtlsPeer(active=active)
        return WebParty(host, make, dtls=dtls, setup="active" if active else "actpass", ice=ice)
    return made


SDES: MakeParty = partial(SdesParty)
