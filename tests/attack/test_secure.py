# SPDX-License-Identifier: GPL-3.0-or-later
"""T4 to T6, T9, T12, T13, T15, T16: calls with keys, or with ICE, that others speak into. None of it wins a packet."""
from __future__ import annotations

import time

import pytest

from tests.attack import forged
from tests.attack.forged import MEDIA, REPORTS, SIGNALLING, Forger
from tests.attack.ground import PACKETS, Ground
from tests.attack.parties import Secured
from tests.attack.secure import KINDS, SecureScene, secure_scene

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
    """T9, T5: neither the path nor the keys change."""
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        before = scene.stream()
        _attack(scene, forger)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)
        after = scene.stream()
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
