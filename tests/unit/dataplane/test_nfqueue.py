# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine behind an NFQUEUE rule, fed with IP packets by hand (tests/netns feeds it through a rule)."""
from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.addresses import Endpoint
from controlplane.dataplane.native import NativeEngine
from controlplane.errors import DataPlaneError
from controlplane.events import Mismatch, WantedTarget
from controlplane.relay._native import ffi, lib
from tests.unit.dataplane.rig import Peer, Rig, rtcp, rtp, to

ACCEPTED, CONSUMED = 0, 1


def checksum(data: bytes) -> int:
    """RFC 1071."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    """A UDP datagram with its checksum (RFC 768, RFC 8200 section 8.1)."""
    length = 8 + len(payload)
    pseudo = source.address.packed + destination.address.packed + struct.pack("!II", length, socket.IPPROTO_UDP)
    head = struct.pack("!HHH", source.port, destination.port, length)
    return head + struct.pack("!H", checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF) + payload


def ip(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    """A whole IP packet of either family."""
    body = udp(source, destination, payload)
    if source.family == 6:
        return struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_UDP, 64) + (
            source.address.packed + destination.address.packed + body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, socket.IPPROTO_UDP, 0)
    return head + source.address.packed + destination.address.packed + body


class Queue:
    """The C engine without a queue."""

    def __init__(self, rig: Rig):
        self.handle = ffi.gc(lib.rtpe_nfq_new(rig.relay.handle), lib.rtpe_nfq_free)
        self._engine = NativeEngine(lib.rtpe_nfq_engine(self.handle), self.handle, "queue")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def feed(self, packet: bytes) -> int:
        return int(lib.rtpe_nfq_packet(self.handle, packet, len(packet)))


class Bench:
    """A flow from ``a`` to ``b`` over ``local``, installed in the queue's engine alone."""

    def __init__(self, rig: Rig, family: int, **wanted: Any):
        self.rig, self.queue = rig, Queue(rig)
        self.a, self.b, self.local = rig.peer(family), rig.peer(family), rig.local(family)
        self.wanted = WantedTarget(self.local, to(self.local, self.b), payload_types=((0, 8000),), **wanted)
        rig.install(self.wanted, self.queue)

    def packet(self, payload: bytes) -> bytes:
        return ip(self.a.endpoint, self.local, payload)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(1) as rig:
        yield rig


@pytest.mark.parametrize("family", [4, 6])
def test_a_packet_for_a_target_leaves_from_the_relays_socket(rig: Rig, family: int) -> None:
    bench = Bench(rig, family)
    sent = [rtp(n, os.urandom(160 + n % 3)) for n in range(10)]
    assert [bench.queue.feed(bench.packet(packet)) for packet in sent] == [CONSUMED] * 10
    assert bench.b.receive_from(10) == [(packet, bench.local.sockaddr) for packet in sent]
    state = rig.state(bench.local, bench.queue)
    assert (state.counters.packets, state.outputs[0].counters.packets, state.sources[0].packets) == (10, 10, 10)


@pytest.mark.parametrize("family", [4, 6])
def test_what_is_for_the_relay_goes_on(rig: Rig, family: int) -> None:
    bench = Bench(rig, family)
    elsewhere = ip(bench.a.endpoint, bench.b.endpoint, rtp(1))
    for packet in (elsewhere, bench.packet(rtcp()), bench.packet(b"hello"), bench.packet(b"")):
        assert bench.queue.feed(packet) == ACCEPTED
    state = rig.state(bench.local, bench.queue)
    assert (state.counters.packets, state.passed) == (0, 3)
    assert bench.b.receive(1, 0.05) == []


def test_learning_goes_on(rig: Rig) -> None:
    bench = Bench(rig, 4, learning=True)
    assert bench.queue.feed(bench.packet(rtp(1))) == ACCEPTED


def test_strangers_are_dropped_or_passed(rig: Rig) -> None:
    for mismatch, verdict in ((Mismatch.DROP, CONSUMED), (Mismatch.PROPAGATE, ACCEPTED)):
        bench = Bench(rig, 4, expected_source=Endpoint.parse("127.0.0.1:9"), mismatch=mismatch)
        assert bench.queue.feed(bench.packet(rtp(1))) == verdict
        assert bench.b.receive(1, 0.05) == []


def _with(packet: bytes, at: int, value: bytes) -> bytes:
    return packet[:at] + value + packet[at + len(value):]


@pytest.mark.parametrize(("family", "at", "value"), [
    (4, 0, b"\x44"), (4, 0, b"\x4f"), (4, 2, b"\xff\xff"), (4, 2, b"\x00\x13"), (4, 6, b"\x20\x00"),
    (4, 6, b"\x00\x01"), (4, 9, b"\x06"), (4, 24, b"\x00\x07"), (4, 24, b"\xff\xff"), (4, 40, b"\x99"),
    (6, 4, b"\xff\xff"), (6, 4, b"\x00\x07"), (6, 6, b"\x00"), (6, 6, b"\x2c"), (6, 44, b"\x00\x04"),
    (6, 46, b"\x00\x00"), (6, 60, b"\x99"), (6, 0, b"\x50")])
def test_malformed_packets_are_left_to_the_system(rig: Rig, family: int, at: int, value: bytes) -> None:
    bench = Bench(rig, family)
    assert bench.queue.feed(_with(bench.packet(rtp(1)), at, value)) == ACCEPTED
    assert bench.b.receive(1, 0.02) == []
    assert bench.queue.feed(bench.packet(rtp(1))) == CONSUMED


@pytest.mark.parametrize("family", [4, 6])
def test_no_prefix_of_a_packet_is_taken_for_one(rig: Rig, family: int) -> None:
    bench = Bench(rig, family)
    packet = bench.packet(rtp(1))
    assert {bench.queue.feed(packet[:length]) for length in range(len(packet))} == {ACCEPTED}


def test_ip4_options_padding_and_missing_checksum(rig: Rig) -> None:
    bench = Bench(rig, 4)
    plain = bench.packet(rtp(1))
    options = b"\x46" + plain[1:2] + struct.pack("!H", len(plain) + 4) + plain[4:20] + b"\x01\x01\x01\x00" + plain[20:]
    for packet in (options, plain + bytes(20), _with(plain, 26, b"\0\0")):
        assert bench.queue.feed(packet) == CONSUMED
    assert bench.b.receive(3) == [rtp(1)] * 3


def test_an_output_needs_an_open_socket(rig: Rig) -> None:
    bench = Bench(rig, 4)
    closed = Peer()
    closed.close()
    with pytest.raises(DataPlaneError) as refused:
        rig.install(WantedTarget(bench.local, to(closed.endpoint, bench.b)), bench.queue)
    assert refused.value.errno == errno.EADDRNOTAVAIL


def test_streams_move_to_the_queue_and_back_without_a_gap(rig: Rig) -> None:
    bench = Bench(rig, 4)
    rig.remove(bench.local, bench.queue)
    rig.install(bench.wanted)
    for n in range(0, 400, 4):
        for k in (0, 1):
            bench.a.send(rtp(65500 + n + k), bench.local)
        assert len(bench.b.receive(2)) == 2
        rig.install(bench.wanted, bench.queue, rig.state(bench.local).seeds)
        for k in (2, 3):
            assert bench.queue.feed(bench.packet(rtp(65500 + n + k))) == CONSUMED
        assert len(bench.b.receive(2)) == 2
        seeds = rig.remove(bench.local, bench.queue).seeds
        rig.install(bench.wanted, seeds=seeds)
    source = rig.source(bench.local)
    assert (source.lost, source.duplicates, source.reordered) == (0, 0, 0)
    assert source.extended_sequence == 65500 + 399


@given(st.binary(max_size=120) | st.builds(lambda head, rest: bytes([head]) + rest, st.sampled_from([0x45, 0x60]),
                                           st.binary(max_size=120)))
def test_garbage_is_left_to_the_system(packet: bytes) -> None:
    assert _bare().feed(packet) == ACCEPTED


_BARE: list[Any] = []


def _bare() -> Queue:
    if not _BARE:
        rig = Rig(1)
        _BARE.extend((Queue(rig), rig))
    queue: Queue = _BARE[0]
    return queue
