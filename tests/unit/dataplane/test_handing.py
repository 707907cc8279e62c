# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets of STUN and DTLS that the relay hands up to the sessions."""
import select

import pytest

from controlplane.events import Mismatch, WantedTarget
from tests.unit.dataplane.rig import Rig, rtp, to, wait

STUN = bytes.fromhex("000100082112a442") + bytes(12) + bytes(8)
DTLS = b"\x16\xfe\xfd" + bytes(20)
BURST = 100


@pytest.fixture
def rig():
    with Rig(1) as made:
        yield made


def handed(rig: Rig, count: int, patience: float = 20.0):
    """The next packets that are handed up."""
    found = []
    wait(lambda: bool(found.extend(rig.relay.packets()) or len(found) >= count), patience)
    return found


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("flags, expected", [
    ({"stun": True}, [STUN]), ({"dtls": True}, [DTLS]), ({"stun": True, "dtls": True}, [STUN, DTLS]), ({}, [])])
def test_hands_up_what_was_asked_for(rig, family, flags, expected):
    near, peer, other = rig.local(family), rig.peer(family), rig.peer(family)
    rig.install(WantedTarget(near, to(near, other), **flags))
    for data in (STUN, DTLS, rtp(1)):
        peer.send(data, near)
    assert other.receive(1) == [rtp(1)]
    found = handed(rig, len(expected))
    assert [packet.data for packet in found] == expected
    assert all((packet.local, packet.source) == (near, peer.endpoint) for packet in found)
    assert not select.select([rig.relay.packets_fileno()], [], [], 0)[0]


def test_signalling_is_neither_counted_nor_learned_from(rig):
    near, peer = rig.local(), rig.peer()
    rig.install(WantedTarget(near, stun=True, learning=True))
    peer.send(STUN, near)
    assert len(handed(rig, 1)) == 1
    assert rig.state(near).counters.packets == 0 and rig.state(near).passed == 1
    assert rig.events(1, 0.05) == []


def test_comes_from_anywhere_although_media_may_not(rig):
    near, peer, stranger = rig.local(), rig.peer(), rig.peer()
    rig.install(WantedTarget(near, to(near, peer), stun=True, expected_source=peer.endpoint, mismatch=Mismatch.DROP))
    stranger.send(rtp(1), near)
    stranger.send(STUN, near)
    assert [packet.source for packet in handed(rig, 1)] == [stranger.endpoint]
    assert peer.receive(1, 0.05) == []


def test_a_flood_is_held_back_for_its_socket_alone(rig):
    flooded, other, peer = rig.local(), rig.local(), rig.peer()
    for local in (flooded, other):
        rig.install(WantedTarget(local, stun=True))
    for _ in range(10 * BURST):
        peer.send(STUN, flooded)
    peer.send(STUN, other)
    found = []

    def of(local):
        return sum(packet.local == local for packet in found)
    assert wait(lambda: bool(found.extend(rig.relay.packets()) or (of(other) and of(flooded) >= BURST)))
    assert of(flooded) < 5 * BURST
    assert rig.relay.counters().suppressed > BURST


def test_what_is_too_long_is_left_out(rig):
    near, peer = rig.local(), rig.peer()
    rig.install(WantedTarget(near, dtls=True))
    for size in (2049, 2048):
        peer.send(DTLS.ljust(size, b"x"), near)
    assert [len(packet.data) for packet in handed(rig, 1)] == [2048]
