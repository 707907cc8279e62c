# SPDX-License-Identifier: GPL-3.0-or-later
"""T1 to T3: packets from elsewhere, before, while and after the parties speak (CVE-2025-53399, CVE-2017-14099)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.attack.ground import PACKETS, Ground, Scene, Toll
from tests.peers.rtp import Endpoint

pytestmark = pytest.mark.netns
MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {"flags": ["strict-source"]},
    "off": {"endpoint-learning": "off"},
    "off strict": {"endpoint-learning": "off", "flags": ["strict-source"]},
    "immediate strict": {"endpoint-learning": "immediate", "flags": ["strict-source"]},
    "delayed strict": {"endpoint-learning": "delayed", "flags": ["strict-source"]},
    "handover": {"flags": ["media-handover"]},
}


def before_the_answer(scene: Scene) -> None:
    scene.offer()
    scene.spray(scene.bob)


def before_anybody_speaks(scene: Scene) -> None:
    """Mallory is first; each party then hears and is heard by the other, or by her."""
    scene.offer()
    scene.answer()
    scene.spray(scene.alice)
    scene.speak(scene.bob)


def after_the_parties_spoke(scene: Scene) -> None:
    scene.offer()
    scene.answer()
    scene.talk()
    scene.spray(scene.alice, scene.bob)
    scene.speak(scene.alice)
    scene.speak(scene.bob)


def with_the_right_numbers(scene: Scene) -> None:
    """T2: SSRC, payload type, sequence and time as the party's next packets have them."""
    scene.offer()
    scene.answer()
    scene.talk()
    scene.spray(scene.alice, like=scene.alice)
    scene.speak(scene.bob)


def after_a_new_offer(scene: Scene) -> None:
    """The parties keep on speaking, as they do while an offer is under way."""
    scene.offer()
    scene.answer()
    scene.talk()
    scene.offer()
    scene.answer()
    scene.talk()
    scene.spray(scene.alice, scene.bob)
    scene.speak(scene.bob)


def after_hold_and_resume(scene: Scene) -> None:
    scene.offer()
    scene.answer()
    scene.talk()
    for offered, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        scene.offer(direction=offered)
        scene.answer(direction=answered)
        scene.speak(scene.alice, 1)
    scene.talk()
    scene.spray(scene.alice, scene.bob)
    scene.speak(scene.bob)


N = PACKETS
# In which mode what is won, (leaked, injected). Strict sources are what closes a call; "off" is what opens it to
# nobody. Before the answer nothing says where the callee is, so early media are taken from anybody, in every mode.
EXPECTED: dict[Callable[[Scene], None], dict[str, tuple[int, int]]] = {
    before_the_answer: dict.fromkeys(MODES, (0, N)),
    before_anybody_speaks: {"default": (N, N), "strict": (N, N), "off": (0, N), "off strict": (0, 0),
                            "immediate strict": (N, N), "delayed strict": (N, N), "handover": (N, N)},
    after_the_parties_spoke: {"default": (0, 2 * N), "strict": (0, 0), "off": (0, 2 * N), "off strict": (0, 0),
                              "immediate strict": (0, 0)},
    with_the_right_numbers: {"default": (0, N), "strict": (0, 0), "off": (0, N), "off strict": (0, 0),
                             "immediate strict": (0, 0), "delayed strict": (N, N), "handover": (N, N)},
    after_a_new_offer: {"default": (0, 2 * N), "strict": (0, 0), "off strict": (0, 0), "immediate strict": (0, 0)},
    after_hold_and_resume: {"default": (0, 2 * N), "strict": (0, 0), "off strict": (0, 0),
                            "immediate strict": (0, 0)},
}


@pytest.mark.parametrize("attack, mode", [(attack, mode) for attack, rows in EXPECTED.items() for mode in rows],
                         ids=lambda value: getattr(value, "__name__", value))
def test_packets_from_elsewhere(ground: Ground, family: int, attack: Callable[[Scene], None], mode: str) -> None:
    if ground.engine != "relay" and mode in ("delayed strict", "handover"):
        pytest.skip("these calls are still learned, so they are the relay's")
    with ground.scene(family, **MODES[mode]) as scene:
        attack(scene)
        assert scene.toll() == Toll(*EXPECTED[attack][mode])


@pytest.mark.parametrize("mode", ["default", "strict"])
def test_the_first_packet_from_the_announced_address_ends_a_leak(ground: Ground, family: int, mode: str) -> None:
    """CVE-2025-53399: the best source wins, whoever was first; with strict sources nobody else is heard again."""
    with ground.scene(family, **MODES[mode]) as scene:
        before_anybody_speaks(scene)
        scene.forget()
        scene.speak(scene.alice, 1)
        scene.spray(scene.alice)
        scene.speak(scene.bob)
        assert scene.toll() == Toll(0, N if mode == "default" else 0)
        assert scene.alice.payloads().count(b"party " * 20) == N


def _moved(ground: Ground, scene: Scene) -> Endpoint:
    """Alice behind a NAT that has given her another port."""
    moved = ground.endpoint(scene.alice.address)
    assert scene.alice.destination
    moved.connect(*scene.alice.destination)
    scene.ends.append(moved)
    moved.ssrc, moved.sequence = scene.alice.ssrc, scene.alice.sequence
    return moved


@pytest.mark.parametrize("mode, heard, followed", [
    ("default", N, 0), ("strict", 0, 0), ("off strict", 0, 0), ("handover", N, N)])
def test_a_new_port_of_the_same_party(ground: Ground, family: int, mode: str, heard: int, followed: int) -> None:
    """T3: followed with the first packet if the call may be handed over, else not at all."""
    if ground.engine != "relay" and mode == "handover":
        pytest.skip("a call that may move is the relay's")
    with ground.scene(family, **MODES[mode]) as scene:
        scene.offer()
        scene.answer()
        scene.talk()
        moved = _moved(ground, scene)
        scene.speak(moved)
        scene.speak(scene.bob)
        assert (len(scene.bob.arrivals), len(moved.arrivals)) == (heard, followed)
        assert len(scene.alice.arrivals) == N - followed
