# SPDX-License-Identifier: GPL-3.0-or-later
"""T9 to T11: handshakes that others meddle with (CVE-2023-51275), and those that cannot come to anything."""
from __future__ import annotations

import time

import pytest

from tests.attack.forged import HANDSHAKE, Forger
from tests.attack.ground import PACKETS, Ground
from tests.attack.parties import WebParty, material
from tests.attack.secure import SecureScene, secure_scene
from tests.peers.dtls import DtlsPeer
from tests.peers.phones import sealing
from tests.peers.rtp import Endpoint, pump

pytestmark = pytest.mark.netns
N = PACKETS
SHAKING = ("dtls", "dtls begun by us", "ice and dtls")


def _shake(scene: SecureScene, stranger: DtlsPeer, end: Endpoint) -> None:
    """Mallory does as Alice would; she has a certificate of her own."""
    assert scene.alice.destination
    waiting = stranger.receive()
    for _ in range(8):
        for data in waiting:
            end.rtp.sendto(data, scene.alice.destination)
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
