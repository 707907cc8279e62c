# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls through an NFQUEUE rule: one namespace with the engine, one with the peers."""
from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane.nfqueue import NfQueue
from controlplane.dataplane.program import Program
from controlplane.dataplane.relay import Relay
from controlplane.errors import DataPlaneError
from controlplane.events import ChangeSet, WantedOutput, WantedTarget
from tests.peers import netns
from tests.unit.dataplane.rig import rtp, wait

pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available())]
QUEUE = 7
_SO_TIMESTAMP = 29
HOST = {4: "10.9.1.1", 6: "fd09:1::1"}
PEER = {4: "10.9.1.2", 6: "fd09:1::2"}


class Topology:
    """peers (10.9.1.2, fd09:1::2) ── veth ── host (10.9.1.1, fd09:1::1), which sends UDP to a queue."""

    def __init__(self, backend: str):
        self.host, self.peers = netns.Namespace("host"), netns.Namespace("peers")
        netns.veth(self.host, "h0", self.peers, "p0")
        for family, prefix in ((4, 24), (6, 64)):
            self.host.add_address(f"{HOST[family]}/{prefix}", "h0")
            self.peers.add_address(f"{PEER[family]}/{prefix}", "p0")
        for tables in ("iptables", "ip6tables"):
            self.host.run(f"{tables}-{backend}", "-I", "INPUT", "-p", "udp", "-j", "NFQUEUE", "--queue-num", str(QUEUE),
                          "--queue-bypass")
        self.relay = self.host.inside(lambda: Relay(1))
        self.queue = self.host.inside(lambda: NfQueue(self.relay, QUEUE))
        self.program = Program(self.relay, self.queue, self.relay.close)

    def open(self, family: int, port: int) -> Endpoint:
        local = Endpoint.parse(f"[{HOST[family]}]:{port}" if family == 6 else f"{HOST[family]}:{port}")
        self.host.inside(lambda: self.relay.open(local))
        return local

    def peer(self, family: int) -> tuple[socket.socket, Endpoint]:
        made = self.peers.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((PEER[family], 0))
        made.settimeout(30)
        host, port = made.getsockname()[:2]
        return made, Endpoint.parse(f"[{host}]:{port}" if family == 6 else f"{host}:{port}")

    def close(self) -> None:
        self.queue.close()
        self.relay.shutdown()
        self.host.close()
        self.peers.close()


@pytest.fixture(params=["nft", "legacy"])
def topology(request: pytest.FixtureRequest) -> Iterator[Topology]:
    if not shutil.which(f"iptables-{request.param}"):
        pytest.skip(f"no iptables-{request.param}")
    made = Topology(request.param)
    yield made
    made.close()


class Flow:
    """One direction: from the socket ``a`` over ``local`` to the socket ``b``."""

    def __init__(self, topology: Topology, inside: int, outside: int, port: int):
        (self.a, self.a_endpoint), (self.b, self.b_endpoint) = topology.peer(inside), topology.peer(outside)
        self.local, self.away = topology.open(inside, port), topology.open(outside, port + 2)
        self.topology = topology

    def install(self, offload: bool) -> None:
        output = WantedOutput(self.away, self.b_endpoint)
        wanted = WantedTarget(self.local, (output,), offload=offload, payload_types=((0, 8000),))
        self.topology.program.apply(ChangeSet({self.local: wanted}))

    def send(self, first: int, count: int) -> None:
        sent = [rtp(n, os.urandom(160)) for n in range(first, first + count)]
        for packet in sent:
            self.a.sendto(packet, self.local.sockaddr)
        got = [self.b.recvfrom(2000) for _ in sent]
        assert [data for data, _ in got] == sent
        assert {source[:2] for _, source in got} == {self.away.sockaddr}

    def close(self) -> None:
        self.a.close()
        self.b.close()


@pytest.mark.parametrize(("inside", "outside"), [(4, 4), (6, 6), (4, 6), (6, 4)])
def test_the_rule_feeds_the_engine(topology: Topology, inside: int, outside: int) -> None:
    flow = Flow(topology, inside, outside, 30000)
    flow.install(offload=True)
    flow.send(1, 200)
    assert wait(lambda: topology.queue.counters().consumed == 200)
    stats = topology.program.stream_stats(flow.local)
    assert (stats.kernel_in.packets, stats.user_in.packets) == (200, 0)
    assert stats.kernel_in.bytes == 200 * 172
    assert topology.program.stream_stats(flow.away).kernel_out.packets == 200
    assert (stats.sources[0].packets, stats.sources[0].lost) == (200, 0)
    counters = topology.queue.counters()
    assert (counters.dropped, counters.undelivered) == (0, 0)
    flow.close()


def test_what_has_no_target_reaches_the_relay(topology: Topology) -> None:
    flow = Flow(topology, 4, 4, 30000)
    flow.install(offload=False)
    flow.send(1, 20)
    stats = topology.program.stream_stats(flow.local)
    assert (stats.kernel_in.packets, stats.user_in.packets) == (0, 20)
    assert topology.queue.counters().accepted >= 20
    flow.close()


def test_a_stream_moves_in_and_out_without_loss_or_repetition(topology: Topology) -> None:
    flow = Flow(topology, 4, 6, 30000)
    for turn in range(20):
        flow.install(offload=turn % 2 == 1)
        flow.send(65000 + turn * 50, 50)
    stats = topology.program.stream_stats(flow.local)
    assert (stats.kernel_in.packets, stats.user_in.packets) == (500, 500)
    (source,) = stats.sources
    assert (source.packets, source.lost, source.duplicates, source.reordered) == (1000, 0, 0, 0)
    flow.close()


def test_large_packets_and_fragments(topology: Topology) -> None:
    """What does not fit into the queue's buffer reaches the relay, which forwards it all the same.

    Also while somebody on the host wants time stamps, with which the kernel says more about each packet.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stamped:
        stamped.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMP, 1)
        _exchange_large(topology)


def _exchange_large(topology: Topology) -> None:
    for family in (4, 6):
        flow = Flow(topology, family, family, 31000)
        output = WantedOutput(flow.away, flow.b_endpoint)
        topology.program.apply(ChangeSet({flow.local: WantedTarget(flow.local, (output,), is_rtp=False, offload=True)}))
        for size in (0, 1400, 3000, 3500, 3600, 4000, 9000, 65000):
            data = os.urandom(size)
            flow.a.sendto(data, flow.local.sockaddr)
            assert flow.b.recv(65536) == data
        flow.close()


def test_after_close_the_rule_lets_packets_through(topology: Topology) -> None:
    flow = Flow(topology, 4, 4, 30000)
    flow.install(offload=True)
    flow.send(1, 10)
    topology.queue.close()
    topology.queue.close()
    flow.send(11, 10)
    assert wait(lambda: topology.program.stream_stats(flow.local).user_in.packets == 10)
    flow.close()


def test_a_queue_belongs_to_one_engine(topology: Topology) -> None:
    with pytest.raises(DataPlaneError) as refused:
        topology.host.inside(lambda: NfQueue(topology.relay, QUEUE))
    assert refused.value.errno in (errno.EBUSY, errno.EPERM)
