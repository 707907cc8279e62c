# SPDX-License-Identifier: GPL-3.0-or-later
"""T5: from where media are taken with ICE, and what moves them (RFC 8445 section 12, RFC 7675)."""
from __future__ import annotations

import time

import pytest

from tests.attack.ground import PACKETS, Ground
from tests.attack.parties import Roamer, WebParty
from tests.attack.secure import ROAMING, SecureScene, secure_scene
from tests.peers.dtls import DtlsPeer

pytestmark = pytest.mark.netns
N = PACKETS


def _roaming(scene: SecureScene) -> Roamer:
    """Alice, of whose two paths one is selected and the other is valid as well."""
    scene.establish()
    assert isinstance(scene.alice, Roamer) and scene.alice.agent
    assert len(scene.alice.agent.valid) == 2 and scene.alice.agent.selection[1].local.base == scene.alice.here
    return scene.alice


def test_media_are_taken_from_every_valid_path_and_move_none(ground: Ground, family: int) -> None:
    """RFC 8445 section 12.2.1: the party may send where it likes; we go on sending where it has nominated."""
    with secure_scene(ground, family, ROAMING) as scene:
        alice = _roaming(scene)
        assert alice.destination
        for _ in range(N):
            alice.other.sendto(alice.next_packet(b"party " * 20).pack(), alice.destination)
        scene.settle()
        assert scene.heard(scene.bob) == N
        assert scene.exchange() == (N, 2 * N)
        assert not alice.got and scene.toll() == (0, 0)


def test_media_are_taken_from_no_path_that_was_not_checked(ground: Ground, family: int) -> None:
    """Not even from the host of the party."""
    with secure_scene(ground, family, ROAMING) as scene:
        alice = _roaming(scene)
        stranger = ground.net.socket(alice.other.family, alice.other.type)
        stranger.bind((alice.address, 0))
        assert alice.destination
        for sock in (stranger, scene.mallory.rtp, alice.rtcp):
            for _ in range(N):
                sock.sendto(scene.mallory.next_packet(b"mallory").pack(), alice.destination)
        stranger.close()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("lite", ["off", "both"])
@pytest.mark.parametrize("kind", ["ice", "ice and dtls"])
def test_checks_that_were_overheard_move_nothing(ground: Ground, family: int, kind: str, lite: str) -> None:
    """The party's own requests to nominate, from elsewhere; then media, and a handshake, from there."""
    with secure_scene(ground, family, kind, **{"ICE-lite": lite}) as scene:
        scene.establish()
        alice = scene.alice
        assert isinstance(alice, WebParty) and alice.checks and alice.destination
        before = scene.stream()["endpoint"]
        for check in alice.checks[-N:]:
            scene.mallory.rtp.sendto(check, alice.destination)
        scene.settle()
        for number in range(N):
            scene.mallory.rtp.sendto(scene.mallory.next_packet(b"mallory").pack(), alice.destination)
            scene.mallory.rtp.sendto(DtlsPeer(active=True).receive()[0], alice.destination)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0) and scene.stream()["endpoint"] == before
        assert not [data for data in scene.mallory.strays if 20 <= data[0] <= 63]


@pytest.mark.skipif(N < 50, reason="consent lasts half a minute: make attack waits for it")
def test_media_end_with_consent(ground: Ground) -> None:
    """RFC 7675: who does not answer any more gets nothing, whatever still comes from there."""
    with secure_scene(ground, 4, "ice") as scene:
        scene.establish()
        assert isinstance(scene.alice, WebParty)
        deadline = time.monotonic() + 45
        while "ICE" not in scene.call.query()["tags"][scene.call.from_tag]["medias"][0]:
            assert time.monotonic() < deadline
            scene.alice.transmit(scene.alice.next_packet(b"party").pack())
            time.sleep(0.5)
        scene.alice.agent = None
        scene.alice.receive()
        scene.forget()
        for _ in range(N):
            scene.bob.send(b"party " * 20)
        scene.settle()
        assert scene.heard(scene.alice) == 0
