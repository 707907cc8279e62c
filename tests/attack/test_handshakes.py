# SPDX-License-Identifier: GPL-3.0-or-later
"""T9 to T11: handshakes that others meddle with (CVE-2023-51275), and those that cannot come to anything."""
from __future__ import annotations

import os
import select
import time

import pytest
from cryptography.hazmat.primitives import hashes

from controlplane.dtls.records import hello_verify
from tests.attack.forged import HANDSHAKE, Forger
from tests.attack.ground import PACKETS, PATIENCE, Ground
from tests.attack.parties import WebParty, material
from tests.attack.secure import SecureScene, secure_scene
from tests.peers.dtls import DtlsPeer
from tests.peers.phones import sealing
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump

pytestmark = pytest.mark.netns
N = PACKETS
SHAKING = ("dtls", "dtls begun by us", "ice and dtls", "ice and dtls begun by her")


def _shake(scene: SecureScene, stranger: DtlsPeer, end: Endpoint) -> None:
    """Mallory does as Alice would; she has a certificate of her own."""
    assert scene.alice.destination
    waiting = stranger.receive()
    for _ in range(8):
        for data in waiting:
            end.rtp.sendto(data, scene.alice.destination)
        rest(scene.ground.daemon.pid)
        pump([end], 0.05, lambda: bool(end.strays))
        waiting = [answer for data in end.strays if 20 <= data[0] <= 63 for answer in stranger.receive(data)]
        end.strays.clear()


@pytest.mark.parametrize("kind", SHAKING)
def test_a_foreign_handshake_before_that_of_the_party(ground: Ground, family: int, kind: str) -> None:
    """It never comes to an end, for its certificate is not the one."""
    with secure_scene(ground, family, kind) as scene:
        scene.offer()
        scene.answer()
        stranger = DtlsPeer(active=True)
        _shake(scene, stranger, scene.mallory)
        assert not stranger.done and scene.alice.destination
        seal = sealing(material(bytes(30)))
        for _ in range(N):
            scene.mallory.rtp.sendto(seal(scene.mallory.next_packet(b"mallory").pack()), scene.alice.destination)
            scene.bob.send(b"party, to nobody yet")
        scene.settle()
        assert scene.toll() == (0, 0) and scene.heard(scene.alice) == 0
        scene.prepare()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("forger", HANDSHAKE, ids=lambda forger: forger.__name__)
@pytest.mark.parametrize("kind", SHAKING)
@pytest.mark.parametrize("under", [False, True], ids=["from elsewhere", "under the name of the party"])
def test_foreign_packets_amid_a_handshake(ground: Ground, family: int, kind: str, forger: Forger, under: bool) -> None:
    """Before each of the first packets that the party reads."""
    with secure_scene(ground, family, kind) as scene:
        alice = scene.alice
        assert isinstance(alice, WebParty)
        meddler = alice.rtp if under else scene.mallory.rtp

        turns = iter(range(3))

        def meddle() -> None:
            assert alice.destination
            if next(turns, None) is None:
                return
            for data in list(forger(scene, alice))[:5]:
                meddler.sendto(data, alice.destination)
            time.sleep(0.01)

        alice.amid = meddle
        began = time.monotonic()
        scene.connect()
        print("established after", round(time.monotonic() - began, 2))
        alice.amid = lambda: None
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("deaf", [0.0, 1.0], ids=["listens", "listens later"])
@pytest.mark.parametrize("under", [False, True], ids=["from elsewhere", "under the name of the party"])
def test_forged_requests_for_cookies_end_no_handshake(ground: Ground, family: int, under: bool, deaf: float) -> None:
    """We begin, and take them for what they are: a handshake without cookies goes on beside the one that shows them.

    That it costs no time is shown in tests/unit/dtls/test_intake.py, where there is a clock for it.
    """
    with secure_scene(ground, family, "dtls begun by us") as scene:
        scene.offer()
        scene.answer()
        alice = scene.alice
        assert isinstance(alice, WebParty) and alice.destination
        for _ in range(N):
            (alice if under else scene.mallory).rtp.sendto(hello_verify(os.urandom(16)), alice.destination)
        time.sleep(deaf)
        while deaf and select.select([alice.rtp], [], [], 0)[0]:
            alice.rtp.recv(4096)
        scene.prepare()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", SHAKING)
def test_a_flood_of_hellos_is_turned_on_nobody(ground: Ground, family: int, kind: str) -> None:
    """T10: in the name of others; they are sent less than was sent in their name, and the party is not kept out."""
    with secure_scene(ground, family, kind) as scene:
        scene.offer()
        scene.answer()
        assert scene.alice.destination
        sent = 0
        for _ in range(10 * N):
            sent += scene.mallory.rtp.sendto(DtlsPeer(active=True).receive()[0], scene.alice.destination)
        scene.settle()
        got = sum(map(len, scene.mallory.strays))
        assert 0 < 3 * got < sent if kind == "dtls" else got == 0
        scene.mallory.strays.clear()
        time.sleep(max(0.0, (10 * N - 100) * 0.005))     # hellos are let through at a rate
        scene.prepare()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


def _answered(scene: SecureScene, alice: WebParty, lines: tuple[str, ...], works: bool) -> None:
    """Offer with these lines in place of her own; then let her try."""
    assert alice.dtls
    alice.dtls.lines = lambda setup: lines   # type: ignore[method-assign]
    scene.offer()
    scene.answer()
    if works:
        scene.prepare()
        return
    if alice.dtls.active:
        alice.greet()
    scene.settle()


@pytest.mark.parametrize("kind", ["dtls", "dtls begun by us"])
@pytest.mark.parametrize("what, works", [("sha-1", True), ("expired", True), ("another's", False), ("md5", False),
                                         ("nothing", False)])
def test_certificates_that_are_not_what_they_should_be(ground: Ground, family: int, kind: str, what: str,
                                                       works: bool) -> None:
    """T11: what counts is the fingerprint, by a hash that says something. Else there are no media, nor in clear."""
    with secure_scene(ground, family, kind) as scene:
        alice = scene.alice
        assert isinstance(alice, WebParty) and alice.dtls
        if what == "expired":
            alice.dtls = DtlsPeer(active=alice.dtls.active, lifetime=-1)
        fingerprint = {"sha-1": alice.dtls.fingerprint(hashes.SHA1(), "sha-1"), "expired": alice.dtls.fingerprint(),
                       "another's": DtlsPeer(active=True).fingerprint(),
                       "md5": alice.dtls.fingerprint(hashes.MD5(), "md5"), "nothing": ""}[what]
        _answered(scene, alice, (f"a=setup:{alice.setup}", *[f"a=fingerprint:{fingerprint}"] * bool(fingerprint)),
                  works)
        scene.forget()
        if works:
            assert scene.exchange() == (N, N)
        else:
            for one in (alice, scene.bob):
                for _ in range(N):
                    one.send(b"party " * 20)
            scene.settle()
            assert not scene.bob.arrivals + alice.arrivals
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", SHAKING)
@pytest.mark.parametrize("renewed", [False, True])
def test_another_offer(ground: Ground, family: int, kind: str, renewed: bool) -> None:
    """T11: with the same certificate nothing changes; another one means another handshake, and the first is no good."""
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        alice = scene.alice
        assert isinstance(alice, WebParty) and alice.dtls
        former = alice.wire[:]
        if renewed:
            alice.dtls = DtlsPeer(active=alice.dtls.active)
            alice.keys = None, None
        scene.offer()
        scene.answer()
        scene.prepare()
        if renewed:
            pump(scene.ends, PATIENCE, lambda: scene.exchange()[0] >= N)
            scene.forget()
        for data in former:
            alice.rtp.sendto(data, alice.destination or ("", 0))
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)
