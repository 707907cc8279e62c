# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay forwards between real sockets, counts, and tells where packets came from."""
from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Iterator


import pytest

from controlplane.dataplane import abi
from controlplane.errors import DataPlaneError
from controlplane.events import (BundledMedia, Extensions, Mismatch, PayloadRule, SourceSeen, WantedOutput,
                                 WantedTarget)
from tests.unit.dataplane.rig import Rig, rtcp, rtp, sequence_of, to, wait
from tests.unit.targets import changed


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


@pytest.mark.parametrize(("inside", "outside"), [(4, 4), (6, 6), (4, 6), (6, 4)])
def test_both_directions_and_families(rig: Rig, inside: int, outside: int) -> None:
    a, b = rig.peer(inside), rig.peer(outside)
    at_a, at_b = rig.local(inside), rig.local(outside)
    rig.install(WantedTarget(at_a, to(at_b, b), payload_types=((0, 8000),)))
    rig.install(WantedTarget(at_b, to(at_a, a), payload_types=((0, 8000),)))
    forth = [rtp(n, os.urandom(160)) for n in range(50)]
    back = [rtp(n, os.urandom(20)) for n in range(50)]
    for packet, reply in zip(forth, back):
        a.send(packet, at_a)
        b.send(reply, at_b)
    got = b.receive_from(50)
    assert [data for data, _ in got] == forth
    assert {source for _, source in got} == {at_b.sockaddr}
    assert a.receive(50) == back
    assert wait(lambda: rig.state(at_a).outputs[0].counters.packets == 50)
    state = rig.state(at_a)
    assert (state.counters.packets, state.counters.bytes, state.counters.errors) == (50, 50 * 172, 0)
    assert (state.outputs[0].counters.packets, state.outputs[0].counters.bytes) == (50, 50 * 172)
    assert (state.sources[0].ssrc, state.sources[0].packets, state.sources[0].lost) == (0x11223344, 50, 0)


def test_counters_in_the_statistics_memory_are_those_of_the_state(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    slot, outputs = rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
    for n in range(10):
        a.send(rtp(n), local)
    assert len(b.receive(10)) == 10
    assert wait(lambda: rig.state(local).outputs[0].counters.packets == 10)
    state = rig.state(local)
    assert rig.targets.counters(slot) == state.counters
    assert rig.outputs.counters(outputs[0]) == state.outputs[0].counters
    assert rig.targets.sources(slot) == state.sources
    assert rig.targets.seeds(slot) == state.seeds


def test_activity_grows_with_packets_and_errors_on_any_thread(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    slots = [rig.install(WantedTarget(rig.local()))[0] for _ in range(rig.relay.geometry.target_pool.slots_per_chunk)]
    slot, (output,) = rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
    a.send(rtp(1), local)
    a.send(rtp(2, payload_type=77), local)
    assert len(b.receive(2)) == 2
    assert wait(lambda: rig.state(local).outputs[0].counters.packets == 2)
    activities, sent = rig.targets.activities(), rig.outputs.activities()
    assert (rig.targets.activity(slot), rig.outputs.activity(output)) == (3, 2)
    assert (activities[slot], sent[output]) == (3, 2)
    assert [activities[other] for other in slots] == [0] * len(slots)
    assert (sum(activities.values()), sum(sent.values())) == (3, 2)


def test_rtcp_takes_its_own_way(rig: Rig) -> None:
    a, b, b_rtcp, local, local_rtcp = rig.peer(), rig.peer(), rig.peer(), rig.local(), rig.local()
    rig.install(WantedTarget(local, to(local, b), to(local_rtcp, b_rtcp), payload_types=((0, 8000),)))
    a.send(rtp(1), local)
    a.send(rtcp(), local)
    a.send(rtp(2), local)
    assert [sequence_of(packet) for packet in b.receive(2)] == [1, 2]
    assert b_rtcp.receive_from(1) == [(rtcp(), local_rtcp.sockaddr)]


def test_all_outputs_get_a_copy(rig: Rig) -> None:
    a, local = rig.peer(), rig.local()
    sinks = [rig.peer() for _ in range(32)]
    rig.install(WantedTarget(local, to(local, *sinks)))
    sent = [rtp(n) for n in range(20)]
    for packet in sent:
        a.send(packet, local)
    assert all(sink.receive(20) == sent for sink in sinks)


@pytest.mark.parametrize("size", [0, 1, 11, 1472, 9000, 65507])
def test_other_media_pass_at_any_size(rig: Rig, size: int) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    rig.install(WantedTarget(local, to(local, b), is_rtp=False))
    data = os.urandom(size)
    a.send(data, local)
    assert b.receive(1) == [data]
    assert wait(lambda: rig.counters(local).bytes == size)


def test_rtp_only_keeps_garbage_back(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
    for garbage in (b"", b"x", b"\x80" * 11, b"\x80\xc8\xff\xff" + bytes(8), b"SIP/2.0 200 OK\r\n\r\n"):
        a.send(garbage, local)
    a.send(rtp(7), local)
    assert b.receive(2, 0.3) == [rtp(7)]
    counters = rig.counters(local)
    assert (counters.packets, counters.errors) == (6, 0)


def test_source_check_drops_and_counts(rig: Rig) -> None:
    a, stranger, b, local = rig.peer(), rig.peer(), rig.peer(), rig.local()
    rig.install(WantedTarget(local, to(local, b), expected_source=a.endpoint, mismatch=Mismatch.DROP, learning=True,
                             payload_types=((0, 8000),)))
    stranger.send(rtp(1), local)
    a.send(rtp(2), local)
    assert b.receive(1) == [rtp(2)]
    counters = rig.counters(local)
    assert (counters.packets, counters.errors) == (1, 1)
    assert [event.source for event in rig.events(2, 0.2) if isinstance(event, SourceSeen)] == [a.endpoint]


def test_replacing_under_traffic_loses_and_repeats_nothing(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    wanted = WantedTarget(local, to(local, b), payload_types=((0, 8000),))
    slots = rig.install(wanted)
    done = threading.Event()
    replacements = 0
    sent: list[bytes] = []
    got: list[bytes] = []

    def talk() -> None:
        """No more at a time than the sockets hold."""
        while got == sent and (len(sent) < 4000 or replacements <= 10):
            for n in range(len(sent), len(sent) + 100):
                sent.append(rtp(n))
                a.send(sent[-1], local)
            got.extend(b.receive(100))
        done.set()

    talking = threading.Thread(target=talk)
    talking.start()
    while not done.is_set():
        assert rig.install(changed(wanted, learning=replacements % 2 == 0)) == slots
        replacements += 1
    talking.join()
    assert got == sent
    source = rig.source(local)
    assert (source.packets, source.lost, source.duplicates, source.reordered) == (len(sent), 0, 0, 0)


def test_sources_are_reported_once_each(rig: Rig) -> None:
    a, other, local = rig.peer(), rig.peer(), rig.local()
    wanted = WantedTarget(local, learning=True, payload_types=((0, 8000),))
    rig.install(wanted)
    for peer in (a, a, other, other, a):
        peer.send(rtp(1), local)
    seen = rig.events(3)
    assert [event.source for event in seen if isinstance(event, SourceSeen)] == [
        a.endpoint, other.endpoint, a.endpoint]
    assert all(event.local == local for event in seen)
    assert rig.events(1, 0.1) == []
    rig.install(wanted)
    a.send(rtp(2), local)
    assert [event.source for event in rig.events(1) if isinstance(event, SourceSeen)] == [a.endpoint]


def test_rtcp_sources_are_told_apart(rig: Rig) -> None:
    a, control, local = rig.peer(), rig.peer(), rig.local()
    rig.install(WantedTarget(local, learning=True, payload_types=((0, 8000),)))
    for _ in range(3):
        a.send(rtp(1), local)
        control.send(rtcp(), local)
    assert [(event.source, event.is_rtcp) for event in rig.events(3, 0.3) if isinstance(event, SourceSeen)] == [
        (a.endpoint, False), (control.endpoint, True)]


def test_nothing_is_reported_without_learning(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    rig.install(WantedTarget(local, to(local, b), payload_types=((0, 8000),)))
    a.send(rtp(1), local)
    assert b.receive(1) == [rtp(1)]
    assert rig.relay.events() == []


def test_a_storm_of_sources_is_held_back(rig: Rig) -> None:
    local = rig.local()
    rig.install(WantedTarget(local, learning=True, payload_types=((0, 8000),)))
    peers = [rig.peer() for _ in range(100)]
    for peer in peers:
        peer.send(rtp(1), local)
    seen = rig.events(32)

    def all_accounted_for() -> bool:
        seen.extend(rig.relay.events())
        return rig.relay.counters().suppressed == 100 - len(seen)

    assert wait(all_accounted_for)
    assert 32 <= len(seen) <= 60


def test_strays_are_counted(rig: Rig) -> None:
    a, local = rig.peer(), rig.local()
    a.send(rtp(1), local)
    assert wait(lambda: rig.relay.counters().strays == 1)


def test_a_refused_batch_changes_nothing(rig: Rig) -> None:
    for batch in (b"", b"x" * 16, bytes(16), abi.batch(abi.hello())[:-8]):
        with pytest.raises(DataPlaneError) as refused:
            rig.relay.command(batch)
        assert refused.value.errno == errno.EINVAL
    with pytest.raises(DataPlaneError) as refused:
        rig.relay.command(bytes(1 << 21))
    assert refused.value.errno == errno.EMSGSIZE


def with_extension(number: int, payload_type: int, *elements: tuple[int, bytes]) -> bytes:
    """An RTP packet with a one-byte header extension block (RFC 8285)."""
    block = b"".join(bytes([at << 4 | len(data) - 1]) + data for at, data in elements)
    block += bytes(-len(block) % 4)
    plain = rtp(number, b"p" * 20, payload_type=payload_type)
    return bytes([plain[0] | 0x10]) + plain[1:12] + struct.pack(">HH", 0xBEDE, len(block) // 4) + block + plain[12:]


def test_rules_and_extensions(rig: Rig) -> None:
    a, b, local = rig.peer(), rig.peer(), rig.local()
    output = WantedOutput(local, b.endpoint, rules=(PayloadRule(101, True), PayloadRule(8, False, b"\xd5")),
                          extensions=Extensions((2,)))
    rig.install(WantedTarget(local, (output,), payload_types=((0, 8000), (8, 8000), (101, 8000))))
    a.send(rtp(1, b"event", payload_type=101), local)
    a.send(rtp(2, b"speech", payload_type=8), local)
    a.send(with_extension(3, 0, (1, b"gone"), (2, b"kept")), local)
    assert b.receive(2) == [rtp(2, b"\xd5" * 6, payload_type=8), with_extension(3, 0, (2, b"kept"))]


def test_bundled_media_are_told_apart(rig: Rig) -> None:
    a, audio, video, local = rig.peer(), rig.peer(), rig.peer(), rig.local()
    none = Extensions(())
    media = (BundledMedia("a", 1, ((0, 8000),), (WantedOutput(local, audio.endpoint, extensions=none),), ()),
             BundledMedia("v", 1, ((96, 90000),), (WantedOutput(local, video.endpoint, extensions=none),), ()))
    rig.install(WantedTarget(local, media[0].rtp_outputs, payload_types=((0, 8000),), bundle=media))
    a.send(rtp(1, b"p" * 20, payload_type=0), local)
    a.send(rtp(2, b"p" * 20, payload_type=96), local)
    a.send(with_extension(3, 0, (1, b"v")), local)
    assert audio.receive(1) == [rtp(1, b"p" * 20, payload_type=0)]
    assert video.receive(2) == [rtp(2, b"p" * 20, payload_type=96), rtp(3, b"p" * 20, payload_type=0)]
