# SPDX-License-Identifier: GPL-3.0-or-later
"""T6: the port of RTCP, and RTCP on the port of RTP (CVE-2017-14099: short RTCP that ended a check)."""
from __future__ import annotations

import pytest

from tests.attack.forged import LYING
from tests.attack.ground import PACKETS, PATIENCE, Ground, Scene
from tests.attack.test_steering import MODES
from tests.peers import rtcp
from tests.peers.rtp import pump

pytestmark = pytest.mark.netns
N = PACKETS
STRICT = ("strict", "off strict")


def _established(scene: Scene) -> None:
    """A call in which both have spoken and reported."""
    scene.offer()
    scene.answer()
    scene.talk()
    for end in (scene.alice, scene.bob):
        end.send_report()
    assert pump(scene.ends, PATIENCE, lambda: bool(scene.alice.compounds and scene.bob.compounds))
    scene.settle()
    scene.forget()


def _report(ssrc: int) -> bytes:
    return rtcp.Report(ssrc, (), rtcp.ntp(1000.0), 7, 8, 9).pack()


@pytest.mark.parametrize("mode, injected", [("default", N), *((mode, 0) for mode in STRICT)])
def test_reports_from_elsewhere(ground: Ground, family: int, mode: str, injected: int) -> None:
    """With the party's own SSRC. No report of a party goes to the attacker, whatever the mode."""
    with ground.scene(family, **MODES[mode]) as scene:
        _established(scene)
        assert scene.alice.rtcp_destination
        for _ in range(N):
            scene.mallory.rtcp.sendto(_report(scene.alice.ssrc), scene.alice.rtcp_destination)
        scene.settle()
        assert len(scene.bob.compounds) == injected
        scene.bob.send_report()
        scene.settle()
        assert (len(scene.alice.compounds), len(scene.mallory.compounds)) == (1, 0)


@pytest.mark.parametrize("packet", LYING.values(), ids=LYING)
@pytest.mark.parametrize("on_rtp", [False, True], ids=["rtcp", "rtp"])
def test_no_report_ends_a_check(ground: Ground, family: int, packet: bytes, on_rtp: bool) -> None:
    """After lies from elsewhere, strict sources still let nothing of the attacker through, and no party is moved."""
    with ground.scene(family, **MODES["strict"]) as scene:
        _established(scene)
        for end in (scene.alice, scene.bob):
            to = end.destination if on_rtp else end.rtcp_destination
            assert to
            for _ in range(N):
                (scene.mallory.rtp if on_rtp else scene.mallory.rtcp).sendto(packet, to)
            scene.settle()
        scene.spray(scene.alice, scene.bob)
        scene.spray(scene.alice, like=scene.alice)
        scene.speak(scene.alice)
        scene.speak(scene.bob)
        assert scene.toll() == (0, 0)
        assert [len(end.arrivals) for end in (scene.alice, scene.bob)] == [N, N]
        for end in (scene.alice, scene.bob):
            assert (end.compounds, end.strays) == ([], [])


TEACHES = {"a report": 0, "4 octets": N, "8 octets": 0, "long beyond its end": N, "blocks beyond its end": 0,
           "BYE of 31": N}


@pytest.mark.parametrize("name, leaked", TEACHES.items())
def test_reports_on_the_port_of_rtp_before_the_party_speaks(ground: Ground, family: int, name: str,
                                                            leaked: int) -> None:
    """RTCP teaches no address. What is shorter than it says is neither RTCP nor RTP, and teaches as RTP does."""
    with ground.scene(family) as scene:
        scene.offer()
        scene.answer()
        assert scene.alice.destination
        for _ in range(N):
            scene.mallory.rtp.sendto(LYING.get(name) or _report(1), scene.alice.destination)
        scene.settle()
        scene.speak(scene.bob)
        assert (len(scene.alice.arrivals), len(scene.mallory.arrivals)) == (N - leaked, leaked)
