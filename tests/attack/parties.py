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
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, priority_of, usable
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.ice.phase import Phase
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
    """RTP and RTCP on one port; keys from DTLS if it has a ``dtls``, a path from ICE if it has an ``agent``.

    ``checks`` are the requests that it has sent; ``amid`` is called before each packet of ours in a handshake is read.
    """

    def __init__(self, host: str, make: SocketMaker, *, dtls: DtlsPeer | None = None, setup: str = "actpass",
                 ice: bool = False):
        super().__init__(host, make)
        self.dtls, self.setup = dtls, setup
        self.amid: Callable[[], None] = lambda: None
        self.protocol = "UDP/TLS/RTP/SAVPF" if dtls else "RTP/AVP"
        self.here = address((host, self.port))
        self.checks: list[bytes] = []
        self.agent = self._agent() if ice else None

    def _agent(self) -> Agent:
        agent = Agent(random.SystemRandom(), controlling=True)
        agent.set_locals([LocalCandidate(base, Candidate(str(index), 1, "UDP", priority_of("host", index, 1), base,
                                                         "host"))
                          for index, base in enumerate(self._bases())], time.time())
        return agent

    def _bases(self) -> list[Address]:
        return [self.here]

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
        elif protocol is Protocol.DTLS and self.dtls:
            self.amid()
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
            if packet.data[:2] == b"\0\1":
                self.checks.append(packet.data)
            self._socket(packet.local).sendto(packet.data, packet.destination.sockaddr)

    def _socket(self, base: Address) -> socket.socket:
        return self.rtp

    def _shake_hands(self, data: bytes) -> None:
        assert self.dtls
        for answer in self.dtls.receive(data):
            self.signal(answer)
        if self.dtls.done and self.keys == (None, None):
            own, ours = self.dtls.keys
            self.encrypt(material(own), material(ours))


class Roamer(WebParty):
    """A party with ICE and a second socket, ``other``, which is a candidate of hers as well."""

    def __init__(self, host: str, make: SocketMaker):
        self.other = make(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.other.bind((host, 0))
        self.other.setblocking(False)
        self.there = address(self.other.getsockname()[:2])
        self.got: list[bytes] = []
        super().__init__(host, make, ice=True)

    def _bases(self) -> list[Address]:
        return [self.here, self.there]

    def _socket(self, base: Address) -> socket.socket:
        return self.rtp if base == self.here else self.other

    def receive(self) -> int:
        """``got`` is what comes to the second socket and is no STUN."""
        while True:
            try:
                data, source = self.other.recvfrom(2048)
            except BlockingIOError:
                return super().receive()
            if protocol_of(data) is not Protocol.STUN:
                self.got.append(data)
            elif self.agent:
                self.agent.receive(data, self.there, address(source[:2]), time.time())

    def close(self) -> None:
        super().close()
        self.other.close()


def plain(host: str, make: SocketMaker) -> Endpoint:
    return Endpoint(host, make=make)


def web(active: bool | None, ice: bool) -> MakeParty:
    """A party that begins the handshake, or leaves it to us; None: without DTLS."""
    def made(host: str, make: Callable[[int, int], socket.socket]) -> Endpoint:
        dtls = None if active is None else DtlsPeer(active=active)
        return WebParty(host, make, dtls=dtls, setup="active" if active else "actpass", ice=ice)
    return made


SDES: MakeParty = partial(SdesParty)
