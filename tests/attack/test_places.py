# SPDX-License-Identifier: GPL-3.0-or-later
"""T7, T16 and T26: media that lead to ourselves or to nobody, packets that lie, ports that were somebody else's."""
from __future__ import annotations

import time
from typing import Any

import pytest

from tests.attack.ground import HOST, MALLORY, PACKETS, Ground
from tests.attack.test_steering import MODES
from tests.engines.table.malformed import PACKETS as MALFORMED
from tests.peers import sdp
from tests.peers.rtp import Endpoint, Packet

pytestmark = pytest.mark.netns
N = PACKETS
NOWHERE = {4: ["0.0.0.0", "255.255.255.255", "10.10.0.255", "224.0.0.1", "240.0.0.1"],
           6: ["::", "ff02::1", "::ffff:10.10.0.4"]}


def _pointed_at(ground: Ground, family: int, address: str, port: int, **keys: Any) -> dict[str, int]:
    """Alice's SDP names this place; who has heard how much of what Bob then says."""
    with ground.scene(family) as scene:
        client, call = ground.client, scene.call
        reply = client.call("offer", call_id=call.call_id, from_tag=call.from_tag, sdp=sdp.body(address, port),
                            **{"replace": ["origin"], "ICE": "remove", "address-family": f"IP{family}", **keys})
        scene.exists = True
        section = sdp.sections(reply["sdp"])[0]
        scene.bob.connect(section.address, section.port, section.rtcp_port)
        scene.answer()
        scene.speak(scene.bob)
        heard = {name: len(end.arrivals) for name, end in (("alice", scene.alice), ("bob", scene.bob),
                                                           ("mallory", scene.mallory))}
    return heard


@pytest.mark.parametrize("family, address", [(family, each) for family, places in NOWHERE.items() for each in places])
def test_media_for_nobody_reach_nobody(ground: Ground, family: int, address: str) -> None:
    """Zero, broadcast, multicast, reserved and mapped addresses in SDP."""
    assert set(_pointed_at(ground, family, address, 40000).values()) == {0}


def test_media_for_the_hosts_own_services(ground: Ground, family: int) -> None:
    """CVE-2020-26262 in SDP: loopback is an address like others, and gets what the other party says, N packets.

    A proxy that knows where its callers are rules that out, as the next test does.
    """
    loopback = {4: "127.0.0.1", 6: "::1"}[family]
    service = Endpoint(loopback, make=ground.host.socket)
    try:
        _pointed_at(ground, family, loopback, service.port)
        service.receive()
        assert len(service.arrivals) == N
    finally:
        service.close()


def test_the_address_of_the_sip_message_closes_the_hosts_own_services(ground: Ground, family: int) -> None:
    """Instead of what SDP says."""
    loopback = {4: "127.0.0.1", 6: "::1"}[family]
    service = Endpoint(loopback, make=ground.host.socket)
    try:
        source = {"received-from": [f"IP{family}", MALLORY[family]], "flags": ["SIP-source-address"]}
        _pointed_at(ground, family, loopback, service.port, **source)
        service.receive()
        assert not service.arrivals
    finally:
        service.close()


def test_two_calls_pointed_at_each_other_end_soon(ground: Ground, family: int) -> None:
    """Each call's caller is a port of the other; a packet goes through them four times at most."""
    with ground.scene(family) as one, ground.scene(family) as two:
        for scene in (one, two):
            scene.offer()
            scene.answer()
        for scene, other in ((one, two), (two, one)):
            scene.call.a.close()
            assert other.bob.destination
            scene.call.client.call(
                "offer", call_id=scene.call.call_id, from_tag=scene.call.from_tag, to_tag=scene.call.to_tag,
                sdp=sdp.body(HOST[family], other.bob.destination[1], version=9), **scene.call.keys)
            scene.ends.remove(scene.alice)
        one.speak(one.bob)
        one.settle()
        before = [_relayed(ground, scene.call.call_id) for scene in (one, two)]
        time.sleep(0.3)
        one.settle()
        assert [_relayed(ground, scene.call.call_id) for scene in (one, two)] == before
        assert sum(before) <= 5 * N


def _relayed(ground: Ground, call_id: str) -> int:
    parties = ground.client.call("query", call_id=call_id)["tags"].values()
    return sum(int(stream["stats"]["packets"]) for party in parties for media in party["medias"]
               for stream in media["streams"])


@pytest.mark.parametrize("mode", ["default", "strict"])
def test_malformed_packets_disturb_no_call(ground: Ground, family: int, mode: str) -> None:
    """T16: all of them, from elsewhere and from the party itself; strict sources let none of the former through."""
    with ground.scene(family, **MODES[mode]) as scene:
        scene.offer()
        scene.answer()
        scene.talk()
        assert scene.alice.destination
        for packet in MALFORMED:
            scene.mallory.rtp.sendto(packet, scene.alice.destination)
        scene.settle()
        if mode == "strict":
            assert not (scene.bob.arrivals or scene.bob.strays or scene.bob.compounds)
        for packet in MALFORMED:
            scene.alice.rtp.sendto(packet, scene.alice.destination)
        scene.settle()
        scene.forget()
        scene.speak(scene.alice)
        scene.speak(scene.bob)
        assert [len(end.arrivals) for end in scene.ends] == [N, N, 0]


def test_late_packets_of_a_call_reach_no_other(ground: Ground, family: int) -> None:
    """T26: released ports rest, so that those who go on sending to them are heard by nobody in later calls."""
    with ground.scene(family) as before:
        before.offer()
        before.answer()
        before.speak(before.alice)
        before.call.delete()
        before.exists = False
        before.forget()
        for _ in range(8):
            with ground.scene(family) as after:
                after.offer()
                after.answer()
                after.ends += before.ends
                for end in (before.alice, before.bob):
                    for number in range(N):
                        packet = Packet(8, number, number * 160, end.ssrc, b"mallory, late")
                        assert end.destination
                        end.rtp.sendto(packet.pack(), end.destination)
                after.settle()
                after.speak(after.bob)
                assert after.toll() == (0, 0) and len(after.alice.arrivals) == N
                after.ends = after.ends[:3]
        assert not before.alice.arrivals and not before.bob.arrivals
