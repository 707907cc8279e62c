# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams on their way between the relay and an accelerator, both real; packets are real too.

The accelerator is the NFQUEUE engine fed by hand, so no privileges are needed.
"""
import errno
import socket
import struct


import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane.native import NativeEngine
from controlplane.dataplane.program import Program
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.events import ChangeSet, WantedOutput, WantedTarget
from controlplane.relay._native import ffi, lib
from tests.unit.dataplane.rig import wait
from tests.unit.targets import changed

SSRC = 0x1234abcd


class HandFedQueue:
    """The NFQUEUE engine; arrive() stands for the kernel's queue."""

    def __init__(self, relay):
        self.handle = ffi.gc(lib.rtpe_nfq_new(relay.handle), lib.rtpe_nfq_free)
        self.broken = self.given_back = False
        self._engine = NativeEngine(lib.rtpe_nfq_engine(self.handle), self.handle, "queue")
        self.geometry = self._engine.geometry
        self.chunk = self._engine.chunk

    def command(self, batch):
        if self.broken:
            raise DataPlaneError(errno.EIO, "queue")
        return self._engine.command(batch)

    def close(self):
        self.given_back = True

    def arrive(self, local, payload):
        """An IPv4 packet for ``local``; True if the engine consumed it."""
        udp = struct.pack("!HHHH", 4000, local.port, 8 + len(payload), 0) + payload
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                         socket.inet_aton("127.0.0.9"), local.address.packed)
        packet = ip + udp
        return bool(lib.rtpe_nfq_packet(self.handle, packet, len(packet)))


def rtp(seq, payload=b"x" * 160):
    return struct.pack("!BBHII", 0x80, 8, seq, seq * 160, SSRC) + payload


class World:
    """A stream from outside to ``a``, leaving from ``b`` towards ``sink``."""

    def __init__(self):
        self.relay = Relay(1)
        self.queue = HandFedQueue(self.relay)
        self.closed = []
        self.program = Program(self.relay, self.queue, self.close)
        self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sink.bind(("127.0.0.1", 0))
        self.sink.settimeout(30)
        self.outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.a, self.b = self.open(), self.open()
        self.wanted = WantedTarget(
            self.a, rtp_outputs=(WantedOutput(self.b, Endpoint.parse("127.0.0.1:%d" % self.sink.getsockname()[1])),),
            payload_types=((8, 8000),))

    def open(self):
        for _ in range(100):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("127.0.0.1", 0))
                endpoint = Endpoint.parse("127.0.0.1:%d" % probe.getsockname()[1])
            try:
                self.relay.open(endpoint)
                return endpoint
            except DataPlaneError:
                continue
        raise AssertionError("no free port")

    def close(self, local):
        self.closed.append(local)
        self.relay.close(local)

    def want(self, **changes):
        self.wanted = changed(self.wanted, **changes)
        self.program.apply(ChangeSet(wanted={self.a: self.wanted}))

    def by_socket(self, seq):
        self.outside.sendto(rtp(seq), self.a.sockaddr)
        return self.sink.recvfrom(2048)

    def by_queue(self, seq):
        assert self.queue.arrive(self.a, rtp(seq))
        return self.sink.recvfrom(2048)

    def stats(self, local=None):
        return self.program.stream_stats(local or self.a)

    def every(self):
        """The statistics of all sockets."""
        return {local: stats for piece in self.program.stats() for local, stats in piece.items()}

    def sent(self, local, user, kernel=0):
        """Whether this left through the socket; the relay counts after sending."""
        def counted():
            stats = self.stats(local)
            return (stats.user_out.packets, stats.kernel_out.packets) == (user, kernel)
        return wait(counted)


@pytest.fixture
def world():
    made = World()
    yield made
    made.relay.shutdown()
    made.sink.close()
    made.outside.close()


def test_relay_forwards_from_the_output_socket_and_counts(world):
    world.want()
    data, source = world.by_socket(1)
    assert (data, source[1]) == (rtp(1), world.b.port)
    assert (world.stats().user_in.packets, world.stats().user_in.bytes) == (1, 172)
    assert world.sent(world.b, 1)
    assert not world.queue.arrive(world.a, rtp(2)), "not offloaded, so the queue must let it go on"


def test_offloaded_stream_counts_as_kernel_traffic_only(world):
    world.want()
    world.want(offload=True)
    data, source = world.by_queue(1)
    assert (data, source[1]) == (rtp(1), world.b.port)
    stats = world.stats()
    assert (stats.user_in.packets, stats.kernel_in.packets, stats.offloaded) == (0, 1, True)
    assert world.sent(world.b, 0, 1)


def test_a_stream_may_change_sides_at_any_time_without_a_false_loss(world):
    world.want()
    seq = 65500
    for turn in range(8):
        world.want(offload=turn % 2 == 1)
        for _ in range(10):
            (world.by_queue if turn % 2 else world.by_socket)(seq & 0xffff)
            seq += 1
    stats = world.stats()
    (source,) = stats.sources
    assert (stats.user_in.packets, stats.kernel_in.packets) == (40, 40)
    assert (source.packets, source.lost, source.duplicates, source.reordered) == (80, 0, 0, 0)
    assert source.extended_sequence == seq - 1
    assert world.sent(world.b, 40, 40)


def test_packets_still_queued_on_the_socket_while_the_accelerator_takes_over_are_forwarded(world):
    world.want()
    world.by_socket(1)
    world.want(offload=True)
    world.by_queue(3)
    world.by_socket(2)
    world.want(offload=False)
    for seq in range(4, 60):
        world.by_socket(seq)
    (source,) = world.stats().sources
    assert (source.packets, source.lost) == (59, 0)


def test_loss_is_counted_once_wherever_it_happens(world):
    world.want()
    world.by_socket(1)
    world.want(offload=True)
    for seq in range(3, 20):
        world.by_queue(seq)
    world.want(offload=False)
    for seq in range(25, 100):
        world.by_socket(seq)
    (source,) = world.stats().sources
    assert source.lost == 1 + 5


def test_moving_the_destination_of_an_offloaded_stream(world):
    world.want()
    world.want(offload=True)
    world.by_queue(1)
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 0))
    other.settimeout(30)
    with other:
        world.want(rtp_outputs=(WantedOutput(world.b, Endpoint.parse("127.0.0.1:%d" % other.getsockname()[1])),))
        assert world.queue.arrive(world.a, rtp(2))
        assert other.recv(2048) == rtp(2)
    assert world.sent(world.b, 0, 2)


def test_counters_of_an_output_that_moved_to_another_socket_stay(world):
    world.want()
    world.by_socket(1)
    assert world.sent(world.b, 1)
    c = world.open()
    world.want(rtp_outputs=(WantedOutput(c, world.wanted.rtp_outputs[0].destination),))
    assert world.by_socket(2)[1][1] == c.port
    assert world.sent(world.b, 1)
    assert world.sent(c, 1)


def test_learning_streams_are_never_offloaded(world):
    world.want(offload=True, learning=True)
    assert not world.queue.arrive(world.a, rtp(1))
    assert not world.stats().offloaded


def test_a_refused_target_stays_in_the_relay(world, caplog):
    world.want()
    gone = Endpoint.parse("127.0.0.1:1")
    world.program.apply(ChangeSet(wanted={gone: changed(world.wanted, local=gone)}))
    assert "127.0.0.1:1" in caplog.text
    world.by_socket(1)


@pytest.mark.parametrize("offload", [False, True])
def test_a_target_that_cannot_be_written_keeps_nothing_from_the_others(world, caplog, offload):
    output, = world.wanted.rtp_outputs
    world.program.apply(ChangeSet(wanted={
        world.b: changed(world.wanted, local=world.b, rtp_outputs=(output,) * 300, offload=offload),
        world.a: changed(world.wanted, offload=offload)}))
    assert f"target {world.b}" in caplog.text
    (world.by_queue if offload else world.by_socket)(1)


def test_closing_removes_the_target_everywhere(world):
    world.want()
    world.want(offload=True)
    world.by_queue(1)
    world.program.apply(ChangeSet(closed=[world.a, world.b]))
    assert world.closed == [world.a, world.b]
    assert not world.queue.arrive(world.a, rtp(2))
    assert world.every() == {}


def test_what_a_closed_target_sent_still_counts_for_the_socket_that_sent_it(world):
    world.want()
    world.by_socket(1)
    assert world.sent(world.b, 1)
    world.want(offload=True)
    world.by_queue(2)
    world.program.apply(ChangeSet(closed=[world.a]))
    assert world.sent(world.b, 1, 1)


def test_a_socket_may_close_before_the_target_that_sends_from_it(world):
    world.want()
    world.program.apply(ChangeSet(closed=[world.b]))
    c = world.open()
    world.want(rtp_outputs=(WantedOutput(c, world.wanted.rtp_outputs[0].destination),))
    assert world.by_socket(1)[1][1] == c.port


def test_statistics_without_news_are_the_same_object(world):
    world.want()
    world.want(offload=True)
    silent = world.stats()
    assert world.stats() is silent
    world.by_queue(1)
    assert world.stats() is not silent
    spoken = world.stats()
    assert world.stats() is spoken
    world.want(offload=False)
    assert not world.stats().offloaded


@pytest.mark.parametrize("change, why", [
    ({"learning": True}, "it is not clear where its party is"),
    ({"rtp_outputs": ()}, "there is nowhere to send its packets to"),
    ({"offload": False}, "it is not clear where the other party is")])
def test_moves_are_told_once_and_with_their_reasons(world, change, why):
    world.want(offload=True)
    world.want(offload=True, payload_types=((0, 8000),))
    assert world.program.take_moves() == [(world.a, "")]
    world.want(**{"offload": True} | change)
    assert world.program.take_moves() == [(world.a, why)] and not world.program.take_moves()


def test_who_is_closed_moves_nowhere(world):
    world.want(offload=True)
    world.program.apply(ChangeSet(closed=[world.a]))
    assert world.program.take_moves() == [(world.a, "")]


def test_an_accelerator_that_fails_has_all_streams_move(world):
    world.want(offload=True)
    world.queue.broken = True
    world.want(offload=False)
    assert [local for local, why in world.program.take_moves() if why] == [world.a]


@pytest.mark.parametrize("moment", ["entering", "leaving", "closing"])
def test_an_accelerator_that_fails_is_given_up_and_the_relay_goes_on(world, caplog, moment):
    world.want(offload=moment != "entering")
    world.queue.broken = True
    if moment == "closing":
        world.program.apply(ChangeSet(closed=[world.open()]))
        world.program.apply(ChangeSet(closed=[world.a]))
        assert world.a in world.closed
    else:
        world.want(offload=moment == "entering")
        world.by_socket(1)
        assert not world.stats().offloaded
        world.want(offload=True)
        world.by_socket(2)
    assert world.queue.given_back
    assert "queue" in caplog.text and "all media go on in user space" in caplog.text


def test_many_targets_need_several_batches(world):
    locals_ = [world.open() for _ in range(600)]
    world.program.apply(ChangeSet(wanted={
        local: WantedTarget(local, rtp_outputs=world.wanted.rtp_outputs, offload=True) for local in locals_}))
    assert len(world.every()) == 600
    assert all(stats.offloaded for stats in world.every().values())
    assert len(list(world.program.stats())) > 1
    world.program.apply(ChangeSet(closed=locals_))
    assert world.every() == {}


def test_sockets_may_come_and_go_while_all_are_read(world):
    def install(number):
        locals_ = [world.open() for _ in range(number)]
        world.program.apply(ChangeSet(wanted={
            local: WantedTarget(local, rtp_outputs=world.wanted.rtp_outputs) for local in locals_}))
        return locals_
    kept, gone = install(550), install(50)
    pieces = world.program.stats()
    first = next(pieces)
    world.program.apply(ChangeSet(closed=gone))
    fresh = install(100)
    found = [*first, *[local for piece in pieces for local in piece]]
    assert found[:len(kept)] == kept
    assert set(found[len(kept):]) == set(gone) & set(fresh), "ports that came again at once"
