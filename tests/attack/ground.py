# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon in a network of its own with two parties and an attacker, who is on no path between them."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.peers.call import Call
from tests.peers.daemon import Daemon
from tests.peers.netns import Namespace, veth
from tests.peers.ngclient import NgClient
from tests.peers.quiet import SLOWNESS, rest
from tests.peers.rtp import Endpoint, Packet, pump

ENGINES = ("relay", "nfqueue", "kernel")
"""The last is run by tests/kernel/guest/attacks.py, where there is a kernel to load the module into."""
PACKETS = int(os.environ.get("RTPENGINE_ATTACK_PACKETS", "5"))
QUEUE = 7
PATIENCE = 20.0 * SLOWNESS
HOST = {4: "10.10.0.1", 6: "fd0a::1"}
ALICE, BOB, MALLORY = ({4: f"10.10.0.{number}", 6: f"fd0a::{number}"} for number in (2, 3, 4))


Source = tuple[str, int]


class Counts(NamedTuple):
    """Packets that have come to a port: those that were sent on, refused, and left to the relay."""

    packets: int
    errors: int
    passed: int


class Toll(NamedTuple):
    """What an attack won, in packets."""

    leaked: int
    injected: int


def join(host: Namespace, net: Namespace) -> None:
    """host (10.10.0.1, fd0a::1) ── veth ── everybody else."""
    veth(host, "h0", net, "p0")
    for family, prefix in ((4, 24), (6, 64)):
        host.add_address(f"{HOST[family]}/{prefix}", "h0")
        for who in (ALICE, BOB, MALLORY):
            net.add_address(f"{who[family]}/{prefix}", "p0")


class Ground:
    """A daemon on the host, and everybody else in a network that is linked with it."""

    def __init__(self, engine: str):
        self.engine = engine
        self.host, self.net = Namespace("host"), Namespace("net")
        join(self.host, self.net)
        options = ["--delete-delay=0", "--port-min=30000", "--port-max=30199"]
        if engine == "nfqueue":
            for tables in ("iptables", "ip6tables"):
                self.host.run(f"{tables}-nft", "-I", "INPUT", "-p", "udp", "-j", "NFQUEUE", "--queue-num", str(QUEUE),
                              "--queue-bypass")
            options += ["--accelerator=nfqueue", f"--nfqueue-number={QUEUE}"]
        self.daemon = Daemon(interfaces=tuple(HOST.values()), options=options, namespace=self.host, ng_port=2223,
                             cli_port=9900)
        self.client: NgClient = self.daemon.client()

    def endpoint(self, address: str) -> Endpoint:
        return Endpoint(address, make=self.net.socket)

    @contextmanager
    def scene(self, family: int, **keys: Any) -> Iterator[Scene]:
        """A call that is not yet offered, gone at the end."""
        made = Scene(self, family, keys)
        try:
            yield made
        finally:
            made.close()

    def has_taken(self, scene: Scene) -> bool:
        """Whether what accelerates, if anything does, forwards both directions; asked after the parties have spoken."""
        if self.engine == "relay":
            return True
        parties = scene.call.query()["tags"].values()
        flags = [set(party["medias"][0]["streams"][0]["flags"]) for party in parties]
        return all("kernelized" in each and "no kernel support" not in each for each in flags)

    def confirm(self, scene: Scene) -> None:
        """That the attack was on what accelerates, if it had taken the call."""

    def close(self) -> None:
        self.client.close()
        self.daemon.stop()
        self.daemon.log_path.unlink(missing_ok=True)
        self.host.close()
        self.net.close()


class Scene:
    """Alice calls Bob, and Mallory knows our ports. What anybody sends says who sent it."""

    def __init__(self, ground: Ground, family: int, keys: dict[str, Any]):
        self.ground = ground
        self.alice, self.bob = self.cast(family)
        self.mallory = ground.endpoint(MALLORY[family])
        self.ends = [self.alice, self.bob, self.mallory]
        self.call = Call(ground.client, self.alice, self.bob, **keys)
        self.exists = False
        self.counted: dict[Source, Counts] = {}     # by port of ours, when the kernel had taken the call

    def cast(self, family: int) -> tuple[Endpoint, Endpoint]:
        """Who plays Alice and Bob."""
        return self.ground.endpoint(ALICE[family]), self.ground.endpoint(BOB[family])

    def offer(self, **keys: Any) -> None:
        self.call.offer(**keys)
        self.exists = True
        self.counted = {}

    def answer(self, **keys: Any) -> None:
        self.call.answer(**keys)

    def settle(self) -> None:
        """Pump until the daemon has worked off everything and nothing more arrives."""
        before = -1
        while before != (before := self._arrived()):
            for seconds in (0.03, 0.0):
                rest(self.ground.daemon.pid)
                pump(self.ends, seconds)

    def _arrived(self) -> int:
        return sum(len(end.arrivals) + len(end.compounds) + len(end.strays) for end in self.ends)

    def speak(self, end: Endpoint, count: int = PACKETS) -> None:
        """A party sends to where it was told to."""
        for _ in range(count):
            end.send(b"party " * 20)
            pump(self.ends, 0.001)
        self.settle()

    def talk(self) -> None:
        """Both parties speak; with an accelerator, until it has taken the call over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.speak(self.alice)
            self.speak(self.bob)
            if self.ground.has_taken(self):
                break
            assert time.monotonic() < deadline, "not taken over"
        self.forget()

    def forget(self) -> None:
        """Count anew from here."""
        for end in self.ends:
            end.arrivals.clear()
            end.compounds.clear()
            end.strays.clear()

    def spray(self, *facing: Endpoint, like: Endpoint | None = None, count: int = PACKETS) -> None:
        """Mallory sends to our ports that face these parties; as the stream of ``like``, a little ahead."""
        for end in facing:
            assert end.destination
            for number in range(count):
                packet = self.mallory.next_packet(b"mallory " * 20)
                if like is not None:
                    packet = Packet(like.payload_type, like.sequence + number, like.timestamp + 160 * number,
                                    like.ssrc, packet.payload)
                self.mallory.rtp.sendto(packet.pack(), end.destination)
        self.settle()

    def toll(self) -> Toll:
        """What Mallory has got and what the parties have heard of her."""
        self.ground.confirm(self)

        def count(end: Endpoint, word: bytes) -> int:
            return sum(payload.startswith(word) for payload in end.payloads())
        return Toll(count(self.mallory, b"party"), count(self.alice, b"mallory") + count(self.bob, b"mallory"))

    def close(self) -> None:
        if self.exists:
            self.call.delete()
        for end in self.ends:
            end.close()
