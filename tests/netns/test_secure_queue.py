# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole call through an NFQUEUE rule: ICE and DTLS-SRTP on one side, plain RTP on the other, media and reports."""
from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from controlplane.rtcp.mos import simplified
from tests.attack.ground import Ground
from tests.attack.secure import SecureScene, secure_scene
from tests.peers import netns, rtcp
from tests.peers.quiet import rest
from tests.peers.rtp import Endpoint, pump

pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available())]
COUNT, SKIPPED = 200, 20
"""Packets from each party; those of Alice's that her network has lost already."""
REPORTS = 10
"""From each, or more."""
PATIENCE = 20.0


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    made = Ground("nfqueue")
    yield made
    made.close()


def _forwarded(ground: Ground) -> tuple[int, int]:
    """Packets since the start: by the relay, and by the queue's engine.

    Counters are read once a second, so what has stayed the same for longer is all.
    """
    found, since = (-1, -1), time.monotonic()
    deadline = since + PATIENCE
    while time.monotonic() < since + 2.5:
        rest(ground.daemon.pid)
        totals = ground.client.call("statistics")["statistics"]["totalstatistics"]
        if found != (found := (totals["relayedpackets_user"], totals["relayedpackets_kernel"])):
            since = time.monotonic()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def _talk(scene: SecureScene) -> None:
    """Each hears all that the other has sent, once and in order."""
    sent: dict[Endpoint, list[bytes]] = {scene.alice: [], scene.bob: []}
    for number in range(COUNT):
        if number % (COUNT // SKIPPED) == 5:
            scene.alice.next_packet(b"lost")
            scene.alice.sent.pop()
        else:
            sent[scene.alice].append(b"alice %d" % number)
            scene.alice.send(sent[scene.alice][-1])
        sent[scene.bob].append(b"bob %d" % number)
        scene.bob.send(sent[scene.bob][-1])
        pump(scene.ends, 0.001)
    scene.settle()
    assert (scene.alice.payloads(), scene.bob.payloads()) == (sent[scene.bob], sent[scene.alice])


def _report(scene: SecureScene) -> int:
    """Reports in turn, each of which arrives, until both parties' quality is known; how many each has sent.

    There is no round trip, and with it no score, while the daemon reads an answer along with what is answered.
    """
    for number in range(1, 1000):
        pump(scene.ends, 0.01)
        for one, other in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
            before = len(other.compounds)
            one.send_report()
            assert pump(scene.ends, PATIENCE, lambda: len(other.compounds) > before)
        rest(scene.ground.daemon.pid)
        sources = scene.call.query()["SSRC"]
        known = ["average MOS" in sources.get(str(end.ssrc), {}) for end in (scene.alice, scene.bob)]
        if number >= REPORTS and all(known):
            return number
    raise AssertionError("their quality is not known")


def _streams(reply: dict[str, Any]) -> list[dict[str, Any]]:
    return [party["medias"][0]["streams"][0] for party in reply["tags"].values()]


@pytest.mark.parametrize("family", [4, 6])
def test_media_and_reports_of_a_web_client_and_a_phone(ground: Ground, family: int) -> None:
    with secure_scene(ground, family, "ice and dtls") as scene:
        scene.establish()
        user, queue = _forwarded(ground)
        before = [stream["stats"]["packets"] for stream in _streams(scene.call.query())]
        _talk(scene)
        reports = _report(scene)
        assert scene.toll() == (0, 2 * (COUNT + reports) - SKIPPED), "everything is counted, and nothing else came"
        media = 2 * COUNT - SKIPPED
        assert _forwarded(ground) == (user, queue + media + 2 * reports)
        reply = scene.call.query()
        assert [stream["stats"]["packets"] for stream in _streams(reply)] == [
            before[0] + COUNT - SKIPPED + reports, before[1] + COUNT], "her reports come with her media"
        _judge(scene, reply["SSRC"])
        assert reply["totals"]["RTCP"]["packets"] == 1 + reports


def _judge(scene: SecureScene, sources: dict[str, Any]) -> None:
    """What the daemon has understood of the reports, those of Alice being encrypted on their way in."""
    for end, other in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
        blocks: list[rtcp.Block] = end.blocks
        details = sources[str(other.ssrc)]
        assert blocks and details["cumulative loss"] == blocks[-1].lost == other.reception.lost
        sample = details["lowest MOS"]
        assert sample["round-trip time"] > sample["round-trip time leg"] > 0
        assert sample["MOS"] == int(10 * simplified(sample["round-trip time"] / 1000, sample["jitter"],
                                                    sample["packet loss"]))
    assert scene.bob.reception.lost == SKIPPED
