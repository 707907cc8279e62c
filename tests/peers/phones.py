# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones that speak SRTP and agree on keys in SDP: libsrtp where it has the suite, else the model of srtp.py."""
from __future__ import annotations

import itertools
import random
import socket
from collections.abc import Callable
from typing import Any

from pylibsrtp import Policy, Session

from controlplane.srtp.crypto import Crypto, crypto_text, fresh, parse_crypto
from controlplane.srtp.suites import Suite
from tests.peers import rtcp, sdp
from tests.peers import srtp as model
from tests.peers.ngclient import NgClient
from tests.peers.rtp import Packet

LIBSRTP = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
PATIENCE = 20.0
_numbers = itertools.count(1)
Crypt = Callable[[bytes], bytes]


def _is_rtcp(packet: bytes) -> bool:
    return 194 <= packet[1] <= 223


def _plain(packet: bytes) -> bytes:
    return packet


def model_keys(crypto: Crypto) -> model.Keys:
    """The same for the model."""
    cipher = {number: name for name, (number, _, _) in model.CIPHERS.items()}[crypto.suite.cipher]
    return model.Keys(cipher, crypto.key, crypto.salt, crypto.suite.rtp_tag, crypto.suite.rtcp_tag, crypto.mki,
                      crypto.flags, "NONE" if crypto.suite.is_aead else "SHA1")


def sealing(crypto: Crypto | None) -> Crypt:
    """What a sender does to each packet."""
    if crypto is None:
        return _plain
    if crypto.suite.name in LIBSRTP and not crypto.mki and not crypto.flags:
        session = Session(Policy(crypto.key + crypto.salt, Policy.SSRC_ANY_OUTBOUND,
                                 srtp_profile=LIBSRTP[crypto.suite.name]))
        return lambda packet: bytes((session.protect_rtcp if _is_rtcp(packet) else session.protect)(packet))
    return model.Sender(model_keys(crypto)).protect


def opening(crypto: Crypto | None) -> Crypt:
    """What a receiver does to each packet; raises for what is not authentic."""
    if crypto is None:
        return _plain
    if crypto.suite.name in LIBSRTP and not crypto.mki and not crypto.flags:
        session = Session(Policy(crypto.key + crypto.salt, Policy.SSRC_ANY_INBOUND,
                                 srtp_profile=LIBSRTP[crypto.suite.name]))
        return lambda packet: bytes((session.unprotect_rtcp if _is_rtcp(packet) else session.unprotect)(packet))
    keys, indices = model_keys(crypto), model.Indices()

    def unprotect(packet: bytes) -> bytes:
        if _is_rtcp(packet):
            return model.open_rtcp(keys, packet)
        index = indices.guess(int.from_bytes(packet[2:4], "big"))
        indices.take(index)
        return model.open_rtp(keys, packet, index >> 16)
    return unprotect


def report(ssrc: int) -> bytes:
    return rtcp.Report(ssrc, (), rtcp.ntp(1000.0), 7, 8, 9).pack()


def feedback(ssrc: int) -> bytes:
    """A PLI (RFC 4585 section 6.3.1) behind an empty receiver report."""
    return rtcp.Report(ssrc, ()).pack() + bytes((0x81, 206, 0, 2)) + ssrc.to_bytes(4, "big") + bytes(4)


class Phone:
    """One end: two sockets, a key of its own per suite, what the other end told it."""

    def __init__(self, profile: str, suite: Suite | None, seed: int, mux: bool = False):
        self.profile, self.mux = profile, mux
        self.own = fresh(1, suite, random.Random(seed)) if suite is not None else None
        self.bind()
        self.ssrc = 0x1000 + seed
        self.sequence = 65500 + seed
        self.seal, self.open = _plain, _plain
        self.used: list[Crypto | None] = [None, None]
        self.to: tuple[int, int] = 0, 0

    def bind(self) -> None:
        """Take two new ports."""
        while True:
            self.rtp, self.rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
            self.rtp.bind(("127.0.0.1", 0))
            self.port = self.rtp.getsockname()[1]
            try:
                self.rtcp.bind(("127.0.0.1", self.port + 1))
                return
            except (OSError, OverflowError):
                self.close()

    def body(self, crypto: Crypto | None) -> str:
        """Its SDP."""
        lines = [crypto_text(crypto)] if crypto is not None else []
        return sdp.body("127.0.0.1", self.port, payload_type=0, protocol=self.profile,
                        attributes=[*lines, *["rtcp-mux"] * self.mux])

    def hear(self, body: str) -> list[Crypto]:
        """Take what the daemon says; the keys that it offers or has accepted."""
        (section,) = sdp.sections(body)
        assert section.protocol == self.profile
        self.to = section.port, section.rtcp_port
        found = [parse_crypto(each.partition(":")[2]) for each in section.attributes if each.startswith("crypto:")]
        return [each for each in found if each is not None]

    def send(self, packet: bytes) -> bytes:
        """Send a packet; what was on the wire."""
        protected = self.seal(packet)
        (self.rtcp if _is_rtcp(packet) and not self.mux else self.rtp).sendto(
            protected, ("127.0.0.1", self.to[_is_rtcp(packet) and not self.mux]))
        return protected

    def next_packet(self) -> bytes:
        """The next RTP packet of a stream whose numbers soon wrap."""
        self.sequence += 1
        return Packet(0, self.sequence & 0xFFFF, 160 * self.sequence, self.ssrc, bytes(range(160))).pack()

    def speak(self) -> bytes:
        """Send it; what was in it."""
        packet = self.next_packet()
        self.send(packet)
        return packet

    def renew(self, suite: Suite, seed: int) -> None:
        """Encrypt with another key from now on."""
        self.own = fresh(1, suite, random.Random(seed))

    def encrypt(self, own: Crypto | None, others: Crypto | None) -> None:
        """Begin to use these keys; under those that are in use already, indices go on."""
        if own != self.used[0]:
            self.seal = sealing(own)
        if others != self.used[1]:
            self.open = opening(others)
        self.used = [own, others]

    def arrived(self, is_rtcp: bool = False, patience: float = PATIENCE) -> bytes:
        """The next packet from the daemon as it came. TimeoutError."""
        sock = self.rtcp if is_rtcp and not self.mux else self.rtp
        sock.settimeout(patience)
        return sock.recv(2048)

    def heard(self, is_rtcp: bool = False, patience: float = PATIENCE) -> bytes:
        """The same as it was before it was encrypted."""
        return self.open(self.arrived(is_rtcp, patience))

    def silence(self) -> bool:
        """True if nothing comes for a while."""
        self.rtp.settimeout(0.15)
        try:
            self.rtp.recv(2048)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        """Give up the sockets."""
        self.rtp.close()
        self.rtcp.close()


class Call:
    """Two phones with keys agreed through the daemon."""

    def __init__(self, client: NgClient, a: Phone, b: Phone, **flags: object):
        self.client, self.a, self.b = client, a, b
        self.call_id = f"sdes-{next(_numbers)}"
        self.flags = {"DTLS": "off", "ICE": "remove", **flags}
        self.negotiate()

    def negotiate(self) -> None:
        """An offer from A and an answer from B."""
        a, b = self.a, self.b
        reply = self.client.call("offer", call_id=self.call_id, from_tag="a", sdp=a.body(a.own),
                                 **{**self.flags, "transport-protocol": b.profile})
        offered = b.hear(reply["sdp"])
        chosen = None
        if b.own is not None:
            suite = b.own.suite
            chosen = next(each for each in offered if each.suite is suite)
            b.own = b.own._replace(tag=chosen.tag, flags=chosen.flags)
        b.encrypt(b.own, chosen)
        reply = self.client.call("answer", call_id=self.call_id, from_tag="a", to_tag="b", sdp=b.body(b.own),
                                 **self.flags)
        accepted = a.hear(reply["sdp"])
        assert len(accepted) == (a.own is not None)
        a.encrypt(a.own, accepted[0] if accepted else None)

    def talk(self, packets: int = 5) -> None:
        """RTP and RTCP arrive on both sides as they were sent."""
        for one, other in ((self.a, self.b), (self.b, self.a)):
            for _ in range(packets):
                sent = one.speak()
                assert other.heard() == sent
            one.send(report(one.ssrc))
            assert other.heard(True) == report(one.ssrc)

    def streams(self, tag: str) -> list[dict[str, Any]]:
        """What a query says of the streams of a party."""
        reply = self.client.call("query", call_id=self.call_id)
        found: list[dict[str, Any]] = reply["tags"][tag]["medias"][0]["streams"]
        return found

    def end(self) -> None:
        """Hang up."""
        self.client.call("delete", call_id=self.call_id, **{"delete-delay": 0})
        self.a.close()
        self.b.close()
