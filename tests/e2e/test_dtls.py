# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of a DTLS-SRTP phone, made of pyOpenSSL and libsrtp, to a plain one through a running daemon."""
from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from pylibsrtp import Policy, Session

from tests.peers import sdp
from tests.peers.daemon import Daemon
from tests.peers.dtls import DtlsPeer
from tests.peers.ngclient import NgClient
from tests.peers.rtp import Packet

pytestmark = pytest.mark.e2e
PATIENCE = 30.0


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(interfaces=("127.0.0.1", "::1")) as running:
        yield running


@pytest.fixture(scope="module")
def client(daemon: Daemon) -> Iterator[NgClient]:
    with daemon.client() as made:
        yield made


def rtp(sequence: int, ssrc: int) -> bytes:
    return Packet(8, sequence, 160 * sequence, ssrc, bytes([sequence & 255]) * 160).pack()


def report(ssrc: int) -> bytes:
    """An empty RTCP receiver report."""
    return b"\x80\xc9\0\1" + ssrc.to_bytes(4, "big")


class Phone:
    """A socket on loopback; with ``dtls`` it speaks nothing but that and SRTP."""

    def __init__(self, dtls: DtlsPeer | None = None, host: str = "127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.host, self.dtls = host, dtls
        self.peer = (host, 0)
        self._out: Session | None = None
        self._in: Session | None = None

    def sdp(self, *lines: str) -> str:
        profile = "UDP/TLS/RTP/SAVPF" if self.dtls else "RTP/AVP"
        family = "IP6" if ":" in self.host else "IP4"
        return "\r\n".join(["v=0", f"o=- 1 1 IN {family} {self.host}", "s=-", f"c=IN {family} {self.host}", "t=0 0",
                            f"m=audio {self.socket.getsockname()[1]} {profile} 8", "a=rtcp-mux", *lines, ""])

    def connect(self, body: str) -> None:
        self.peer = (self.host, sdp.sections(body)[0].port)

    def shake_hands(self, patience: float = PATIENCE) -> None:
        """Until both ends have keys."""
        assert self.dtls
        self.socket.settimeout(0.2)
        end = time.monotonic() + patience
        waiting = self.dtls.receive()
        while not self.dtls.done and time.monotonic() < end:
            for data in waiting:
                self.socket.sendto(data, self.peer)
            try:
                waiting = self.dtls.receive(self.socket.recv(4096))
            except TimeoutError:
                waiting = []
        for data in waiting:
            self.socket.sendto(data, self.peer)
        assert self.dtls.done
        sent, received = self.dtls.keys
        self._out = Session(Policy(key=sent, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
        self._in = Session(Policy(key=received, ssrc_type=Policy.SSRC_ANY_INBOUND))

    def send(self, data: bytes) -> bytes:
        """What has gone out."""
        if self._out:
            data = self._out.protect(data) if data[1] < 192 else self._out.protect_rtcp(data)
        self.socket.sendto(data, self.peer)
        return data

    def receive(self, timeout: float = 20.0) -> bytes | None:
        """The next packet of media, decrypted; None if none comes."""
        self.socket.settimeout(timeout)
        try:
            while (data := self.socket.recv(4096))[0] < 128:
                if self.dtls:
                    for answer in self.dtls.receive(data):
                        self.socket.sendto(answer, self.peer)
        except TimeoutError:
            return None
        if self._in:
            return self._in.unprotect(data) if data[1] < 192 else self._in.unprotect_rtcp(data)
        return data


def talk(one: Phone, other: Phone, count: int = 50) -> None:
    """RTP and RTCP both ways arrive as they were."""
    for sender, receiver, ssrc in ((one, other, 0x1111), (other, one, 0x2222)):
        for sequence in range(count):
            packet = rtp(sequence, ssrc)
            sender.send(packet)
            assert receiver.receive() == packet
        sender.send(report(ssrc))
        assert receiver.receive() == report(ssrc)


def until_established(client: NgClient, call_id: str, tag: str, patience: float = PATIENCE) -> None:
    """The daemon may take a moment longer than the phone."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        stream = client.request("query", **{"call-id": call_id})["tags"][tag]["medias"][0]["streams"][0]
        if "DTLS fingerprint verified" in stream["flags"]:
            return
        time.sleep(0.02)
    raise AssertionError(stream)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("setup, active", [("actpass", False), ("active", True), ("passive", False)])
def test_caller(client: NgClient, setup: str, active: bool, host: str) -> None:
    a, b = Phone(DtlsPeer(active=active), host), Phone(host=host)
    assert a.dtls
    call = {"call-id": f"dtls-{setup}-{host}", "from-tag": "A"}
    offered = client.request("offer", **call, sdp=a.sdp(*a.dtls.lines(setup)), **{
        "transport-protocol": "RTP/AVP", "rtcp-mux": ["accept"], "ICE": "remove"})["sdp"]
    assert "fingerprint" not in offered and " RTP/AVP 8" in offered
    b.connect(offered)
    answered = client.request("answer", **call, **{"to-tag": "B", "sdp": b.sdp()})["sdp"]
    a.connect(answered)
    a.shake_hands()
    assert f"a=fingerprint:{a.dtls.peer_fingerprint}" in answered
    until_established(client, call["call-id"], "A")
    talk(a, b)
    client.request("delete", **call)


@pytest.mark.parametrize("setup, active", [("active", True), ("passive", False)])
def test_callee(client: NgClient, setup: str, active: bool) -> None:
    a, b = Phone(), Phone(DtlsPeer(active=active))
    assert b.dtls
    call = {"call-id": f"dtls-callee-{setup}", "from-tag": "A"}
    offered = client.request("offer", **call, sdp=a.sdp(), **{
        "transport-protocol": "UDP/TLS/RTP/SAVPF", "rtcp-mux": ["offer"], "SDES": ["off"]})["sdp"]
    b.connect(offered)
    answered = client.request("answer", **call, **{"to-tag": "B", "sdp": b.sdp(*b.dtls.lines(setup))})["sdp"]
    a.connect(answered)
    b.shake_hands()
    assert f"a=fingerprint:{b.dtls.peer_fingerprint}" in offered
    until_established(client, call["call-id"], "B")
    talk(a, b)
    client.request("delete", **call)


def test_both_with_certificates_of_their_own(client: NgClient) -> None:
    a, b = Phone(DtlsPeer(active=True)), Phone(DtlsPeer(active=False))
    assert a.dtls and b.dtls
    call = {"call-id": "dtls-both", "from-tag": "A"}
    b.connect(client.request("offer", **call, sdp=a.sdp(*a.dtls.lines("active")), **{"rtcp-mux": ["offer"]})["sdp"])
    answered = client.request("answer", **call, **{"to-tag": "B", "sdp": b.sdp(*b.dtls.lines("passive"))})["sdp"]
    a.connect(answered)
    b.shake_hands()
    a.shake_hands()
    for tag in "AB":
        until_established(client, "dtls-both", tag)
    talk(a, b)
    client.request("delete", **call)


def test_nothing_in_clear_and_nothing_from_strangers(client: NgClient) -> None:
    a, b = Phone(DtlsPeer(active=True)), Phone()
    assert a.dtls
    call = {"call-id": "dtls-strangers", "from-tag": "A"}
    b.connect(client.request("offer", **call, sdp=a.sdp(*a.dtls.lines("active")), **{
        "transport-protocol": "RTP/AVP", "rtcp-mux": ["accept"]})["sdp"])
    a.connect(client.request("answer", **call, **{"to-tag": "B", "sdp": b.sdp()})["sdp"])
    stranger = Phone(DtlsPeer(active=True))
    stranger.peer = a.peer
    for sequence in range(20):
        b.send(rtp(sequence, 1))
        stranger.socket.sendto(rtp(sequence, 2), stranger.peer)
    assert a.receive(0.3) is None and b.receive(0.3) is None and stranger.receive(0.1) is None
    assert stranger.dtls
    with pytest.raises(AssertionError):     # its certificate is not the one: it gets no keys that count
        stranger.shake_hands(3.0)
        until_established(client, call["call-id"], "A", 3.0)
    a.shake_hands()
    until_established(client, call["call-id"], "A")
    for sequence in range(20):
        stranger.socket.sendto(rtp(sequence, 2), stranger.peer)
    assert b.receive(0.3) is None
    talk(a, b)
    client.request("delete", **call)
