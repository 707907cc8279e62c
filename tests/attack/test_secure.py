# SPDX-License-Identifier: GPL-3.0-or-later
"""T4 to T6, T9, T12, T13, T15, T16: calls with keys, or with ICE, that others speak into. None of it wins a packet."""
from __future__ import annotations

import time

import pytest

from controlplane.session.learning import WINDOW
from tests.attack import forged
from tests.attack.forged import MEDIA, REPORTS, SIGNALLING, Forger
from tests.attack.ground import PACKETS, Ground
from tests.attack.parties import Secured
from tests.attack.secure import KINDS, SecureScene, secure_scene
from tests.peers.quiet import rest

pytestmark = pytest.mark.netns
N = PACKETS


def _attack(scene: SecureScene, forger: Forger) -> None:
    """On both ports, from elsewhere; and from the party's own address if even that is not believed without a key."""
    under = scene.kind.keyed
    for end in (scene.alice, scene.bob):
        if not isinstance(end, Secured):
            continue
        for data in list(forger(scene, end)):
            for port, to in (("rtp", end.destination), ("rtcp", end.rtcp_destination)):
                assert to
                getattr(scene.mallory, port).sendto(data, to)
                if under:
                    getattr(end, port).sendto(data, to)
    rest(scene.ground.daemon.pid)   # else there may be no room for what the parties say


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forger", [*MEDIA, *REPORTS, forged.malformed], ids=lambda forger: forger.__name__)
def test_forged_media(ground: Ground, family: int, kind: str, forger: Forger) -> None:
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        _attack(scene, forger)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forger", SIGNALLING, ids=lambda forger: forger.__name__)
def test_forged_signalling(ground: Ground, family: int, kind: str, forger: Forger) -> None:
    """T9, T5: neither the path nor the keys change, and no check is answered with success."""
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        before = scene.stream()
        _attack(scene, forger)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)
        after = scene.stream()
        assert not [data for data in scene.mallory.strays if data[:2] == b"\x01\x01"]
        for key in ("endpoint", "flags"):
            assert after[key] == before[key]


@pytest.mark.parametrize("kind", ["sdes"])
def test_forged_media_keep_no_call_alive(ground: Ground, family: int, kind: str) -> None:
    """T4: what is not authentic is no sign of life of the party."""
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        before = scene.stream()
        while int(time.time()) <= before["last packet"]:
            time.sleep(0.02)
        for forger in (forged.media_in_clear, forged.media_once_more):
            _attack(scene, forger)
        scene.settle()
        after = scene.stream()
        assert after["last packet"] == before["last packet"]
        assert after["stats"]["packets"] == before["stats"]["packets"]
        assert after["stats"]["errors"] >= before["stats"]["errors"] + 6 * N


OVERHEARD: dict[str, tuple[dict[str, object], int]] = {
    "default": ({}, 0), "off": ({"endpoint-learning": "off"}, 0), "immediate": ({"endpoint-learning": "immediate"}, N),
    "delayed": ({"endpoint-learning": "delayed"}, N)}


def _overhear(scene: SecureScene, count: int = N) -> None:
    """Mallory listens to Alice, and is faster: what Alice has encrypted comes from elsewhere first."""
    assert isinstance(scene.alice, Secured) and scene.alice.destination
    for _ in range(count):
        sealed = scene.alice.seal(scene.alice.next_packet(b"party " * 20).pack())
        scene.mallory.rtp.sendto(sealed, scene.alice.destination)
    scene.settle()


@pytest.mark.parametrize("kind", ["sdes", "dtls", "ice and dtls"])
@pytest.mark.parametrize("mode", OVERHEARD)
def test_overheard_media_that_come_from_elsewhere_first(ground: Ground, family: int, kind: str, mode: str) -> None:
    """They are heard, and attract nothing: the party is at the address that it has announced, until it says otherwise.

    Of DTLS the handshake has said where the party is, and of ICE the checks. Who asks for learning without comparing
    has what is for the party go there, encrypted, until it is heard.
    """
    keys, leaked = OVERHEARD[mode]
    with secure_scene(ground, family, kind, **keys) as scene:
        scene.connect()
        _overhear(scene)
        for _ in range(N):
            scene.bob.send(b"party " * 20)
        scene.settle()
        assert len(scene.mallory.arrivals) == (leaked if kind == "sdes" else 0)
        assert scene.heard(scene.alice) == N - len(scene.mallory.arrivals)
        assert not any(b"party" in arrival.packet.payload for arrival in scene.mallory.arrivals)
        scene.forget()
        if mode != "immediate" or kind != "sdes":
            assert scene.exchange() == (N, N)
            assert scene.toll() == (0, 0)


def test_overheard_media_of_a_party_that_is_silent(ground: Ground) -> None:
    """After three seconds a party with keys from SDP may be elsewhere, until it is heard from where it said."""
    with secure_scene(ground, 4, "sdes") as scene:
        scene.connect()
        time.sleep(WINDOW + 0.2)
        _overhear(scene)
        scene.speak(scene.bob)
        assert len(scene.mallory.arrivals) == N


@pytest.mark.parametrize("kind, mode, heard", [
    ("sdes", "default", N), ("sdes", "strict", 0), ("dtls", "default", N), ("ice and dtls", "default", 0)])
def test_a_new_port_of_the_party(ground: Ground, family: int, kind: str, mode: str, heard: int) -> None:
    """T3: what is authentic is heard unless sources are strict; we go on sending to where we did."""
    keys = {"flags": ["strict-source"]} if mode == "strict" else {}
    with secure_scene(ground, family, kind, **keys) as scene:
        scene.establish()
        assert isinstance(scene.alice, Secured) and scene.alice.destination
        moved = ground.endpoint(scene.alice.address)
        scene.ends.append(moved)
        for _ in range(N):
            sealed = scene.alice.seal(scene.alice.next_packet(b"party " * 20).pack())
            moved.rtp.sendto(sealed, scene.alice.destination)
        scene.settle()
        assert scene.heard(scene.bob) == heard
        assert scene.exchange() == (N, heard + N)
        assert not moved.arrivals and scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", ["sdes", "dtls", "ice"])
def test_what_belonged_to_the_call_before(ground: Ground, family: int, kind: str) -> None:
    """T26: the same parties call again, and what was recorded before comes to the new ports, from everywhere."""
    with secure_scene(ground, family, kind) as before:
        before.establish()
        assert isinstance(before.alice, Secured)
        old, checks = before.alice.wire[:], getattr(before.alice, "checks", [])
        with secure_scene(ground, family, kind) as after:
            after.establish()
            assert after.alice.destination
            for sock in (after.mallory.rtp, after.alice.rtp if after.kind.keyed else after.mallory.rtp,
                         before.alice.rtp):
                for data in old + checks:
                    sock.sendto(data, after.alice.destination)
                rest(ground.daemon.pid)
            assert after.exchange() == (N, N)
            assert after.toll() == (0, 0)
