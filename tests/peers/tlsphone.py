# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones that agree on keys by DTLS (RFC 5763): a handshake for each socket, or one if they multiplex."""
from __future__ import annotations

import select
import time

from controlplane.srtp.crypto import Crypto
from controlplane.srtp.suites import find_suite
from tests.peers import dtls, sdp
from tests.peers.dtls import Certificate, DtlsPeer
from tests.peers.phones import PATIENCE, Crypt, Phone, opening, sealing

_SUITES = {"SRTP_AES128_CM_SHA1_80": "AES_CM_128_HMAC_SHA1_80", "SRTP_AES128_CM_SHA1_32": "AES_CM_128_HMAC_SHA1_32",
           "SRTP_AEAD_AES_128_GCM": "AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM": "AEAD_AES_256_GCM"}


class TlsPhone(Phone):
    """``active``: it sends the ClientHellos; ``protection``: the only profile of SRTP that it knows."""

    def __init__(self, profile: str, seed: int, mux: bool = True, active: bool = True,
                 protection: str = dtls.PROFILE):
        super().__init__(profile, None, seed, mux)
        self.certificate, self.protection = Certificate(), protection
        self.shown = ""
        self.begin(active)

    def begin(self, active: bool) -> None:
        """The next handshakes are new ones; what was agreed on before is used until they are over."""
        self.active = active
        self.peers = {sock: DtlsPeer(active=active, profile=self.protection, certificate=self.certificate)
                      for sock in ([self.rtp] if self.mux else [self.rtp, self.rtcp])}
        self.waiting = {sock: peer.receive() for sock, peer in self.peers.items()}

    def body(self, crypto: Crypto | None = None, setup: str = "") -> str:
        setup = setup or ("active" if self.active else "passive")
        return sdp.body("127.0.0.1", self.port, payload_type=0, protocol=self.profile, attributes=[
            f"setup:{setup}", f"fingerprint:{self.certificate.fingerprint()}", *["rtcp-mux"] * self.mux])

    def hear(self, body: str) -> list[Crypto]:
        (section,) = sdp.sections(body)
        self.shown = next(each.partition(":")[2] for each in section.attributes if each.startswith("fingerprint:"))
        return super().hear(body)

    def shake_hands(self) -> None:
        """Until all have keys, with whom the SDP has announced."""
        end = time.monotonic() + PATIENCE
        while not all(peer.done for peer in self.peers.values()):
            assert time.monotonic() < end, "no handshake"
            self._answer()
            arrived = select.select(list(self.peers), [], [], 0.2)[0]
            for sock in arrived:
                data = sock.recv(4096)
                self.waiting[sock] += self.peers[sock].receive(data if data[0] < 64 else b"")
            if not arrived:
                for sock, peer in self.peers.items():
                    self.waiting[sock] += peer.again()
        self._answer()
        assert {peer.peer_fingerprint for peer in self.peers.values()} == {self.shown}
        self.seal, self.open = self._crypt(0, sealing), self._crypt(1, opening)

    def _answer(self) -> None:
        for sock, packets in self.waiting.items():
            for packet in packets:
                sock.sendto(packet, ("127.0.0.1", self.to[sock is self.rtcp]))
            packets.clear()

    def _crypt(self, which: int, make: object) -> Crypt:
        """Of RTP and RTCP: each under the keys of its socket."""
        found = []
        for peer in self.peers.values():
            suite = find_suite(_SUITES[self.protection])
            assert suite is not None and callable(make)
            both = peer.keys[which]
            found.append(make(Crypto(1, suite, both[:suite.key_length], both[suite.key_length:])))
        return lambda packet: bytes(found[-1 if 194 <= packet[1] <= 223 else 0](packet))

    def arrived(self, is_rtcp: bool = False, patience: float = PATIENCE) -> bytes:
        """What is said of another handshake meanwhile is said again to who shakes hands."""
        while (data := super().arrived(is_rtcp, patience))[0] < 64:
            pass
        return data
