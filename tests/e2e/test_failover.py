# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nodes and an address that moves between them while calls run: encrypted media go on, indices included.

RTPENGINE_FAILOVERS says how often it moves; every second time the node that has it is killed.
"""
from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controlplane.persist.encoding import from_bytes
from controlplane.srtp.suites import SUITES
from tests.peers import netns, phones
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace
from tests.peers.redis import PROGRAM, RedisServer

pytestmark = [pytest.mark.e2e, pytest.mark.netns,
              pytest.mark.skipif(bool(netns.available()), reason=netns.available()),
              pytest.mark.skipif(PROGRAM is None, reason="no redis-server (package redis-server)")]
FAILOVERS = int(os.environ.get("RTPENGINE_FAILOVERS", "3"))
CALLS = 4
SHARED, PHONES, STORE = "10.9.0.10", "10.9.0.3", "10.9.0.1"
NG, CLI, REDIS = 2223, 9900, 6379
PATIENCE = 60.0


class Phone(phones.Phone):
    """A phone in another network than that of the test, which calls the address that moves."""

    space: Namespace

    def bind(self) -> None:
        self.rtp, self.rtcp = (self.space.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        while True:
            self.rtp.bind((PHONES, 0))
            self.port = self.rtp.getsockname()[1]
            try:
                self.rtcp.bind((PHONES, self.port + 1))
                return
            except (OSError, OverflowError):
                self.rtp.close()
                self.rtp = self.space.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def body(self, crypto: phones.Crypto | None) -> str:
        return super().body(crypto).replace("127.0.0.1", PHONES)

    def send(self, packet: bytes) -> bytes:
        protected = self.seal(packet)
        is_rtcp = phones._is_rtcp(packet)
        (self.rtcp if is_rtcp else self.rtp).sendto(protected, (SHARED, self.to[is_rtcp]))
        return protected


class Node:
    """A daemon of the pair; both use one data base, and the shared address whether they have it or not."""

    def __init__(self, hub: Namespace, number: int):
        self.number = number
        self.space = Namespace(f"n{number}")
        netns.veth(hub, f"n{number}", self.space, "p0")
        hub.ip("link", "set", f"n{number}", "master", "br0")
        self.space.add_address(f"10.9.0.{20 + number}/24", "p0")
        self.space.run("sysctl", "-qw", "net.ipv4.ip_nonlocal_bind=1")
        self.daemon = self.begin()

    def begin(self) -> Daemon:
        options = [f"--redis={STORE}:{REDIS}/0", "--subscribe-keyspace=0", "--delete-delay=0",
                   "--redis-connect-timeout=20000"]
        return Daemon(interfaces=[SHARED], options=options, namespace=self.space, ng_port=NG, cli_port=CLI)

    def own(self) -> int:
        return self.daemon.cli("list sessions own").count("frgn:n")

    def foreign(self) -> int:
        return self.daemon.cli("list sessions foreign").count("frgn:y")

    def crash(self) -> None:
        self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.log_path.unlink()

    def close(self) -> None:
        self.daemon.__exit__()
        self.space.close()


class Site:
    """Phones, a store and two nodes on one network."""

    def __init__(self, directory: Path):
        self.hub, self.phones = Namespace("hub"), Namespace("phones")
        self.hub.ip("link", "add", "br0", "type", "bridge")
        self.hub.ip("link", "set", "br0", "up")
        self.hub.add_address(f"{STORE}/24", "br0")
        netns.veth(self.hub, "ph", self.phones, "p0")
        self.hub.ip("link", "set", "ph", "master", "br0")
        self.phones.add_address(f"{PHONES}/24", "p0")
        self.redis = RedisServer(directory, port=REDIS, address=STORE, namespace=self.hub)
        self.nodes = [Node(self.hub, number) for number in (1, 2)]
        self.at: Node | None = None
        self.move(self.nodes[0])

    def move(self, to: Node) -> None:
        """The address is at this node from now on."""
        if self.at is not None:
            self.at.space.ip("address", "del", f"{SHARED}/32", "dev", "p0")
        to.space.add_address(f"{SHARED}/32", "p0")
        self.phones.ip("neigh", "flush", "dev", "p0")
        self.at = to

    def close(self) -> None:
        for node in self.nodes:
            node.close()
        self.redis.stop()
        for space in (self.hub, self.phones):
            space.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def wait(condition: Callable[[], object], what: str = "this") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def essence(document: dict[str, object]) -> object:
    """What must be the same after a fail-over, whoever has written it."""
    parties: list[dict[str, object]] = document["parties"]  # type: ignore[assignment]
    return [(party.get("tag"), party.get("peers"), party.get("session"), party.get("label"), [
        {key: value for key, value in media.items() if key != "streams"}
        | {"streams": [{key: stream.get(key) for key in ("endpoint", "advertised", "learned", "confirmed")}
                       for stream in media["streams"]]}
        for media in party["medias"]]) for party in parties]  # type: ignore[attr-defined]


def is_settled(document: dict[str, object]) -> bool:
    """Whether it has been written since the parties spoke."""
    parties: list[dict[str, object]] = document["parties"]  # type: ignore[assignment]
    return all(stream.get("confirmed") for party in parties for media in party["medias"]  # type: ignore[attr-defined]
               for stream in media["streams"])


@pytest.mark.timeout(max(600, 15 * FAILOVERS))
def test_calls_survive_fail_overs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Phone, "space", site.phones, raising=False)
    active, standby = site.nodes
    calls = []
    for number in range(CALLS):
        ends = [Phone("RTP/SAVP", SUITES[(2 * number + side) % len(SUITES)], 10 * number + side) for side in (0, 1)]
        calls.append(phones.Call(active.daemon.client(), *ends))
        calls[-1].talk(3)
    store = site.redis.client(0)
    wait(lambda: standby.foreign() == CALLS and all(
        is_settled(from_bytes(store.get(call.call_id))) for call in calls))
    before = {call.call_id: essence(from_bytes(store.get(call.call_id))) for call in calls}
    for number in range(FAILOVERS):
        crash = number % 2 == 1
        if crash:
            active.crash()
        site.move(standby)
        assert standby.daemon.cli("active").startswith("Ok")
        if not crash:
            assert active.daemon.cli("standby").startswith("Ok")
        assert standby.own() == CALLS
        for call in calls:
            call.talk(20)
        if crash:
            active.daemon = active.begin()
        active, standby = standby, active
        wait(lambda: standby.foreign() == CALLS and standby.own() == 0)
        wait(lambda: before == {call.call_id: essence(from_bytes(store.get(call.call_id))) for call in calls},
             f"fail-over {number + 1} changes nothing")
    for call in calls:
        call.client = active.daemon.client()
        call.negotiate()
        call.talk(5)
        call.end()
    wait(lambda: not store.dbsize() and active.own() == standby.foreign() == 0)
