# SPDX-License-Identifier: GPL-3.0-or-later
"""SRTP through the engines in this process, against libsrtp at both ends."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from pylibsrtp import Policy, Session

from controlplane.dataplane import abi
from controlplane.dataplane.interception import Interception
from controlplane.events import SrtpKeys, WantedOutput, WantedTarget
from controlplane.relay._native import lib
from tests.unit.dataplane.rig import Rig, rtcp, rtp, wait
from tests.unit.dataplane.test_nfqueue import CONSUMED, Queue, ip
from tests.unit.targets import changed

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, "AES_CM_128", "SHA1", 16, 14, 10, 10),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, "AES_CM_128", "SHA1", 16, 14, 4, 10),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, "AES_GCM_128", "NONE", 16, 12, 16, 16),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, "AES_GCM_256", "NONE", 32, 12, 16, 16),
}


class Suite:
    """Keys of one suite as an engine takes them, and libsrtp's sessions for them."""

    def __init__(self, name: str, seed: int):
        self.profile, cipher, hmac, key_len, salt_len, rtp_tag, rtcp_tag = SUITES[name]
        self.key = bytes((seed + n) % 256 for n in range(key_len + salt_len))
        self.keys = SrtpKeys(getattr(lib, f"RTPE_CIPHER_{cipher}"), getattr(lib, f"RTPE_HMAC_{hmac}"),
                             self.key[:key_len], self.key[key_len:], rtp_tag, rtcp_tag)

    def session(self, inbound: bool) -> Session:
        """One end's libsrtp."""
        kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
        return Session(policy=Policy(key=self.key, ssrc_type=kind, srtp_profile=self.profile))


class Bench:
    """A sends with the first suite's keys, B receives with the second's, one target between them."""

    def __init__(self, rig: Rig, into: Suite, out_of: Suite):
        self.rig, self.a, self.b, self.local = rig, rig.peer(), rig.peer(), rig.local()
        self.sender, self.receiver = into.session(False), out_of.session(True)
        to = (WantedOutput(self.local, self.b.endpoint, encrypt=out_of.keys),)
        self.wanted = WantedTarget(self.local, to, to, payload_types=((0, 8000),), decrypt=into.keys)
        self.queue = Queue(rig)

    def arrived(self) -> bytes:
        """The next datagram at B, decrypted; also RTCP."""
        (data,) = self.b.receive(1)
        return bytes(self.receiver.unprotect_rtcp(data) if 194 <= data[1] <= 223 else self.receiver.unprotect(data))

    def through_relay(self, packet: bytes, protected: bytes) -> None:
        """One packet from socket to socket."""
        self.a.send(protected, self.local)
        assert self.arrived() == packet

    def through_queue(self, packet: bytes, protected: bytes) -> None:
        """One packet as the accelerator would see it."""
        assert self.queue.feed(ip(self.a.endpoint, self.local, protected)) == CONSUMED
        assert self.arrived() == packet


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as made:
        yield made


@pytest.mark.parametrize("into", SUITES)
@pytest.mark.parametrize("out_of", SUITES)
def test_every_suite_into_every_other(rig: Rig, into: str, out_of: str) -> None:
    bench = Bench(rig, Suite(into, 1), Suite(out_of, 77))
    rig.install(bench.wanted)
    for n in range(40):
        packet, report = rtp(65510 + n), rtcp()
        bench.through_relay(packet, bench.sender.protect(packet))
        if n % 4 == 0:
            bench.through_relay(report, bench.sender.protect_rtcp(report))
    assert wait(lambda: rig.state(bench.local).outputs[0].counters.packets == 50)
    counters = rig.counters(bench.local)
    assert (counters.packets, counters.errors) == (50, 0)


def test_wrong_keys_and_replays_go_nowhere_and_are_told_apart(rig: Rig) -> None:
    suite = Suite("AES_CM_128_HMAC_SHA1_80", 1)
    bench = Bench(rig, suite, suite)
    rig.install(bench.wanted)
    stranger = Suite("AES_CM_128_HMAC_SHA1_80", 9).session(False)
    good = bench.sender.protect(rtp(1))
    bench.through_relay(rtp(1), good)
    for data in (good, stranger.protect(rtp(2)), rtp(3), good[:20]):
        bench.a.send(data, bench.local)
    assert wait(lambda: rig.counters(bench.local).errors == 4)
    state = rig.state(bench.local)
    assert (state.drops[lib.RTPE_DROP_AUTH], state.drops[lib.RTPE_DROP_REPLAY]) == (3, 1)
    assert [(s.packets, s.extended_sequence) for s in state.sources] == [(1, 1)]
    assert not bench.b.receive(1, 0.1)
    bench.through_relay(rtp(4), bench.sender.protect(rtp(4)))


def test_streams_move_between_engines_with_their_indices(rig: Rig) -> None:
    bench = Bench(rig, Suite("AES_CM_128_HMAC_SHA1_80", 1), Suite("AEAD_AES_128_GCM", 50))
    rig.install(bench.wanted)
    seen = []
    for n in range(0, 300, 3):
        for k, way in ((0, bench.through_relay), (1, bench.through_queue), (2, bench.through_queue)):
            if k == 1:
                rig.install(bench.wanted, bench.queue, rig.state(bench.local).seeds)
            packet = rtp(65400 + n + k)
            protected = bench.sender.protect(packet)
            way(packet, protected)
            way(rtcp(), bench.sender.protect_rtcp(rtcp()))
            seen.append(protected)
        rig.install(bench.wanted, seeds=rig.remove(bench.local, bench.queue).seeds)
        for protected in seen[-3:]:
            bench.a.send(protected, bench.local)
    assert wait(lambda: rig.state(bench.local).drops[lib.RTPE_DROP_REPLAY] == 300)
    assert rig.source(bench.local).extended_sequence == 65400 + 299
    assert not bench.b.receive(1, 0.1)


def test_keys_are_in_no_state_and_no_error(rig: Rig) -> None:
    suite = Suite("AES_CM_128_HMAC_SHA1_80", 1)
    bench = Bench(rig, suite, suite)
    rig.install(bench.wanted)
    bench.through_relay(rtp(1), bench.sender.protect(rtp(1)))
    told = repr(rig.state(bench.local)) + repr(bench.wanted)
    assert repr(suite.keys.key)[2:20] not in told and suite.keys.key.hex() not in told


def test_copies_are_plain_and_only_of_what_is_authentic(rig: Rig) -> None:
    """An intercepted stream holds what was sent before encryption; forged packets and replays are not copied."""
    suite = Suite("AEAD_AES_128_GCM", 1)
    bench = Bench(rig, suite, Suite("AES_CM_128_HMAC_SHA1_80", 5))
    calls = Interception(rig.relay)
    calls.add_call("call")
    stream = calls.add_stream("call", "stream")
    (reply,) = abi.replies(rig.relay.command(abi.batch(abi.add_target(bench.wanted, stream=stream.index))))
    reply.check("target")
    reader = rig.relay.read_stream(stream)
    packet, report = rtp(1), rtcp()
    protected = bench.sender.protect(packet)
    bench.through_relay(packet, protected)
    bench.a.send(protected, bench.local)
    bench.a.send(protected[:-1] + bytes((protected[-1] ^ 1,)), bench.local)
    bench.through_relay(report, bench.sender.protect_rtcp(report))
    assert [(reader.read() or b"")[28:] for _ in range(2)] == [packet, report]
    assert reader.read() is None


@pytest.mark.parametrize("name", SUITES)
def test_reports_that_leave_under_the_key_they_came_under_keep_their_indices(rig: Rig, name: str) -> None:
    """The sender counts for both legs: else one index would stand for a report of its own and for another of ours."""
    suite = Suite(name, 1)
    bench = Bench(rig, suite, suite)
    rig.install(bench.wanted)
    rig.install(bench.wanted, bench.queue)
    reports = [bench.sender.protect_rtcp(rtcp()) for _ in range(40)]
    order = [reports[n] for n in (3, 7, 5, 39, 20, 0)]
    for count, protected in enumerate(order):
        if count % 2:
            assert bench.queue.feed(ip(bench.a.endpoint, bench.local, protected)) == CONSUMED
        else:
            bench.a.send(protected, bench.local)
        assert bench.b.receive(1) == [protected]
    bench.a.send(order[0], bench.local)
    bench.a.send(bench.sender.protect_rtcp(rtcp()), bench.local)
    (last,) = bench.b.receive(2, 0.1)
    assert last not in order
    other = Suite(name, 90)
    rig.install(changed(bench.wanted, decrypt=other.keys))
    bench.a.send(other.session(False).protect_rtcp(rtcp()), bench.local)
    (next_one,) = bench.b.receive(1)
    word = slice(-4, None) if "GCM" in name else slice(-14, -10)
    assert int.from_bytes(next_one[word], "big") == int.from_bytes(last[word], "big") + 1
