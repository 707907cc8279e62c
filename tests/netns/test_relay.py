# SPDX-License-Identifier: GPL-3.0-or-later
"""The relay between two networks: what routes, links and administrators do to its sockets."""
from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator

import pytest

from controlplane.addresses import Endpoint
from controlplane.dataplane.relay import Relay
from controlplane.events import SocketFailed, WantedOutput, WantedTarget
from tests.peers import netns
from tests.unit.dataplane.rig import PATIENCE, Rig, rtp, wait

pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(netns.available()), reason=netns.available())]
INSIDE = {4: "10.8.1.1", 6: "fd08:1::1"}
OUTSIDE = {4: "10.8.2.1", 6: "fd08:2::1"}


def _endpoint(address: str, port: int) -> Endpoint:
    return Endpoint.parse(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")


class Topology(Rig):
    """a (10.8.1.2, fd08:1::2) ── h0 host h1 ── (10.8.2.2, fd08:2::2) b; the relay lives in host."""

    def __init__(self) -> None:
        self.spaces = {name: netns.Namespace(name) for name in ("a", "host", "b")}
        self.host = self.spaces["host"]
        netns.veth(self.host, "h0", self.spaces["a"], "p0")
        netns.veth(self.host, "h1", self.spaces["b"], "p0")
        for device, addresses, peer in (("h0", INSIDE, "a"), ("h1", OUTSIDE, "b")):
            for family, prefix in ((4, 24), (6, 64)):
                self.host.add_address(f"{addresses[family]}/{prefix}", device)
                self.spaces[peer].add_address(f"{addresses[family][:-1]}2/{prefix}", "p0")
        self.relay = self.host.inside(lambda: Relay(2))
        self.peers = []
        self.sockets: list[socket.socket] = []

    def open(self, address: str, port: int) -> Endpoint:
        local = _endpoint(address, port)
        self.host.inside(lambda: self.relay.open(local))
        return local

    def end(self, name: str, family: int, port: int = 0) -> tuple[socket.socket, Endpoint]:
        """A socket of a or b and its address."""
        made = self.spaces[name].socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        address = (INSIDE if name == "a" else OUTSIDE)[family][:-1] + "2"
        made.bind((address, port))
        made.settimeout(PATIENCE)
        self.sockets.append(made)
        return made, _endpoint(address, made.getsockname()[1])

    def flow(self, inside: int, outside: int, is_rtp: bool = True) -> tuple[socket.socket, socket.socket, Endpoint]:
        """a's socket, b's socket and the local endpoint between them."""
        a, _ = self.end("a", inside)
        b, b_endpoint = self.end("b", outside)
        local, away = self.open(INSIDE[inside], 30000), self.open(OUTSIDE[outside], 30002)
        output = WantedOutput(away, b_endpoint)
        self.install(WantedTarget(local, (output,), is_rtp=is_rtp, payload_types=((0, 8000),)))
        return a, b, local

    def close(self) -> None:
        self.relay.shutdown()
        for made in self.sockets:
            made.close()
        for space in self.spaces.values():
            space.close()


@pytest.fixture
def net() -> Iterator[Topology]:
    made = Topology()
    yield made
    made.close()


def _pass(a: socket.socket, b: socket.socket, local: Endpoint, first: int, count: int = 20) -> None:
    sent = [rtp(n, os.urandom(160)) for n in range(first, first + count)]
    for packet in sent:
        a.sendto(packet, local.sockaddr)
    assert [b.recv(2000) for _ in sent] == sent


@pytest.mark.parametrize(("inside", "outside"), [(4, 4), (6, 6), (4, 6), (6, 4)])
def test_from_network_to_network(net: Topology, inside: int, outside: int) -> None:
    a, b, local = net.flow(inside, outside)
    _pass(a, b, local, 1, 200)
    assert wait(lambda: net.state(local).outputs[0].counters.packets == 200)
    source = net.source(local)
    assert (source.packets, source.lost, source.duplicates) == (200, 0, 0)


@pytest.mark.parametrize("family", [4, 6])
def test_a_narrow_link_gets_fragments(net: Topology, family: int) -> None:
    """As UDP without "don't fragment": nothing is lost because the way out is narrower than the way in."""
    a, b, local = net.flow(family, family, is_rtp=False)
    net.host.ip("link", "set", "h1", "mtu", "1280")
    for size in (1200, 1400, 1472, 8000):
        data = os.urandom(size)
        a.sendto(data, local.sockaddr)
        assert b.recv(9000) == data
    assert net.state(local).outputs[0].counters.errors == 0


@pytest.mark.parametrize("family", [4, 6])
def test_port_unreachable_is_no_failure(net: Topology, family: int) -> None:
    a, b, local = net.flow(family, family)
    port = b.getsockname()[1]
    b.close()
    for n in range(10):
        a.sendto(rtp(n), local.sockaddr)
    assert wait(lambda: net.state(local).outputs[0].counters.packets == 10)
    again, _ = net.end("b", family, port)
    _pass(a, again, local, 10)
    assert net.state(local).outputs[0].counters.errors == 0


def test_a_route_that_goes_and_comes_back(net: Topology) -> None:
    a, b, local = net.flow(4, 4)
    _pass(a, b, local, 1)
    net.host.ip("route", "del", "10.8.2.0/24", "dev", "h1")
    for n in range(30):
        a.sendto(rtp(100 + n), local.sockaddr)
    assert wait(lambda: net.state(local).outputs[0].counters.errors == 30)
    assert net.counters(local).packets == 50
    net.host.ip("route", "add", "10.8.2.0/24", "dev", "h1", "src", OUTSIDE[4])
    _pass(a, b, local, 200)
    assert net.relay.counters().failures == 0


def test_a_link_that_goes_and_comes_back(net: Topology) -> None:
    a, b, local = net.flow(4, 4)
    _pass(a, b, local, 1)
    net.host.ip("link", "set", "h1", "down")
    for n in range(30):
        a.sendto(rtp(100 + n), local.sockaddr)
    assert wait(lambda: net.counters(local).packets == 50)
    net.host.ip("link", "set", "h1", "up")
    assert wait(lambda: "state UP" in net.host.ip("link", "show", "h1"))
    _pass(a, b, local, 200)


@pytest.mark.skipif(not shutil.which("ss"), reason="no ss program (package iproute2)")
def test_a_destroyed_socket_is_reported_once(net: Topology) -> None:
    a, b, local = net.flow(4, 4)
    _pass(a, b, local, 1)
    net.host.run("ss", "-K", "-u", "-a", "src", f"{local.address}:{local.port}", check=False)
    events = net.events(1, 1.0)
    if not events:
        pytest.skip("this kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)")
    assert events == [SocketFailed(local, errno.ECONNABORTED)]
    assert net.relay.events() == []
    net.relay.close(local)
    net.open(INSIDE[4], local.port)
    _pass(a, b, local, 30)
