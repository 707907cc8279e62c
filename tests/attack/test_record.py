# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have been found vulnerable to, each by its number. None of it may win a packet or end a call."""
from __future__ import annotations

import os

import pytest

from controlplane.ice import stun
from controlplane.ice.stun import Kind, Type
from tests.attack.forged import LYING, NULL_CIPHERS, client_hello, media_in_clear, media_with_changes
from tests.attack.ground import MALLORY, PACKETS, Ground
from tests.attack.secure import KINDS, secure_scene
from tests.peers import sdp
from tests.peers.dtls import DtlsPeer
from tests.peers.quiet import rest
from tests.peers.rtp import Packet, pump

pytestmark = pytest.mark.netns
N = PACKETS
KEYED = [name for name, kind in KINDS.items() if kind.keyed]
MODES: dict[str, dict[str, object]] = {
    "default": {}, "strict": {"flags": ["strict-source"]}, "off": {"endpoint-learning": "off"},
    "immediate": {"endpoint-learning": "immediate"}, "delayed": {"endpoint-learning": "delayed"},
    "handover": {"flags": ["media-handover"]}}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KEYED)
def test_cve_2025_53399_addresses_learned_from_forged_media(ground: Ground, family: int, kind: str,
                                                            mode: str) -> None:
    """RTP bleed and injection, CVE-2017-14114 as well: Mallory is first, in every mode of learning."""
    with secure_scene(ground, family, kind, **MODES[mode]) as scene:
        scene.offer()
        for data in media_in_clear(scene, scene.alice):     # to Bob's port: before the answer that is early media
            if kind == "sdes as it is":
                scene.mallory.rtp.sendto(data, scene.bob.destination or ("", 0))
        scene.answer()
        assert scene.alice.destination
        for data in media_in_clear(scene, scene.alice):
            scene.mallory.rtp.sendto(data, scene.alice.destination)
        scene.prepare()
        for data in media_in_clear(scene, scene.alice):
            scene.mallory.rtp.sendto(data, scene.alice.destination)
        for _ in range(N):
            scene.bob.send(b"party " * 20)
        scene.settle()
        assert scene.exchange() == (2 * N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", ["dtls", "dtls begun by us", "ice and dtls"])
def test_cve_2023_51275_a_hello_without_encryption_before_the_partys(ground: Ground, family: int, kind: str) -> None:
    """The race for the first ClientHello, from elsewhere and under the party's address; then again while they talk."""
    with secure_scene(ground, family, kind) as scene:
        scene.offer()
        scene.answer()
        for _ in range(2):
            assert scene.alice.destination
            for sock in (scene.mallory.rtp, scene.alice.rtp):
                for _ in range(min(N, 20)):     # more are not let up at once
                    sock.sendto(client_hello(*NULL_CIPHERS), scene.alice.destination)
                    sock.sendto(DtlsPeer(active=True).receive()[0], scene.alice.destination)
            scene.prepare()
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("packet", LYING.values(), ids=LYING)
def test_cve_2017_14099_short_reports_that_end_a_check(ground: Ground, family: int, packet: bytes) -> None:
    """AST-2017-008; without keys strict sources do the same, see test_reports.py."""
    with secure_scene(ground, family, "sdes") as scene:
        scene.establish()
        assert scene.alice.destination and scene.alice.rtcp_destination
        for sock, to in ((scene.mallory.rtp, scene.alice.destination),
                         (scene.mallory.rtcp, scene.alice.rtcp_destination)):
            for _ in range(N):
                sock.sendto(packet, to)
            for data in media_in_clear(scene, scene.alice):
                sock.sendto(data, to)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


@pytest.mark.parametrize("kind", KEYED)
def test_cve_2021_41105_a_hundred_bad_packets_hang_nobody_up(ground: Ground, family: int, kind: str) -> None:
    with secure_scene(ground, family, kind) as scene:
        scene.establish()
        assert scene.alice.destination
        forged = list(media_with_changes(scene, scene.alice))
        before = scene.stream()["stats"]["errors"]
        for number in range(40 * N):
            scene.alice.rtp.sendto(forged[number % len(forged)], scene.alice.destination)
        rest(ground.daemon.pid)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)
        assert scene.stream()["stats"]["errors"] >= before + 100


def test_cve_2021_41145_a_flood_fills_no_memory(ground: Ground, family: int) -> None:
    """Packets with ever other sources, hellos and checks, from ever other ports."""
    with secure_scene(ground, family, "ice and dtls") as scene, secure_scene(ground, family, "dtls") as other:
        for each in (scene, other):
            each.establish()
        before = ground.daemon.memory_kb()
        for number in range(4 * N):
            sock = ground.net.socket(scene.mallory.rtp.family, scene.mallory.rtp.type)
            for each in (scene, other):
                assert each.alice.destination
                for data in (Packet(8, number, number, number, bytes(160)).pack(), client_hello(0xC02B),
                             stun.build(Kind.REQUEST, os.urandom(12), [stun.text(Type.USERNAME, "x:y")], "z")):
                    for _ in range(10):
                        sock.sendto(data, each.alice.destination)
            sock.close()
            rest(ground.daemon.pid)     # what does not fit into the sockets' queues is lost, be it the party's
            pump(scene.ends + other.ends, 0)    # who answers no checks for half a minute has left (RFC 7675)
        assert scene.exchange() == other.exchange() == (N, N)
        assert scene.toll() == other.toll() == (0, 0)
        assert ground.daemon.memory_kb() - before < 4096


def test_cve_2021_37706_error_codes_that_are_too_short(ground: Ground, family: int) -> None:
    with secure_scene(ground, family, "ice") as scene:
        scene.establish()
        assert scene.alice.destination
        for size in range(5):
            for sock in (scene.alice.rtp, scene.mallory.rtp):
                for _ in range(N):
                    data = stun.build(Kind.ERROR, os.urandom(12), [(Type.ERROR_CODE, bytes(size))], None)
                    sock.sendto(data, scene.alice.destination)
        assert scene.exchange() == (N, N)
        assert scene.toll() == (0, 0)


def test_cve_2026_29068_packets_with_more_frames_than_anybody_decodes(ground: Ground, family: int) -> None:
    """They go on as they are."""
    with ground.scene(family) as scene:
        scene.offer()
        scene.answer()
        scene.talk()
        sizes = [1400, 4000, 9000]
        for size in sizes:
            scene.alice.send(b"party" + bytes(size))
        scene.settle()
        assert [len(payload) - 5 for payload in scene.bob.payloads()] == sizes


@pytest.mark.parametrize("line", ["ptime:4294967296", "ptime:-1", "maxptime:99999999999999999999", "ptime:0",
                                  "rtpmap:8 PCMA/4294967296", "rtpmap:8 " + "A" * 4000 + "/8000", "fmtp:8 mode-set="
                                  + ",".join(map(str, range(900)))])
def test_cve_2026_41416_numbers_in_sdp_that_overflow(ground: Ground, family: int, line: str) -> None:
    """Packet times, clock rates, names that fill a buffer: the call is set up, and carries media."""
    with ground.scene(family) as scene:
        call = scene.call
        text = sdp.body(scene.alice.address, scene.alice.port, attributes=[line])
        reply = ground.client.call("offer", call_id=call.call_id, from_tag=call.from_tag, sdp=text, **call.keys)
        scene.exists = True
        scene.bob.hear(sdp.sections(reply["sdp"])[0])
        scene.answer()
        scene.talk()
        scene.speak(scene.alice)
        assert len(scene.bob.arrivals) == N


@pytest.mark.parametrize("kind", ["sdes", "ice and dtls"])
def test_cve_2020_26262_addresses_of_nobody_in_sdp(ground: Ground, family: int, kind: str) -> None:
    """A party that says it is nowhere gets nothing there, keys or not; a candidate there is no path."""
    nowhere = {4: "0.0.0.0", 6: "::"}[family]
    with secure_scene(ground, family, kind) as scene:
        scene.connect()
        scene.exchange()
        scene.forget()
        text = sdp.body(nowhere, 9, protocol=scene.alice.protocol, version=9, attributes=[
            each.replace(scene.alice.address, nowhere) if each.startswith("candidate") else each
            for each in scene.alice.attributes])
        call = scene.call
        ground.client.call("offer", call_id=call.call_id, from_tag=call.from_tag, to_tag=call.to_tag, sdp=text,
                           **{**call.keys, **scene.kind.offer})
        for _ in range(N):
            scene.bob.send(b"party " * 20)
        scene.settle()
        assert scene.toll() == (0, 0) and MALLORY[family] not in str(scene.stream()["endpoint"])
        assert scene.heard(scene.alice) == (0 if kind == "sdes" else N)     # the path that ICE has found is still there
