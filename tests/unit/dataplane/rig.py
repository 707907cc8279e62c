# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay with peers around it: what the tests of the engines in this process share."""
from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from weakref import WeakSet

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.relay import Relay
from controlplane.dataplane.stats import Engine, OutputReader, TargetReader
from controlplane.events import Counters, SocketFailed, SourceSeen, SsrcStats, WantedOutput, WantedTarget
from tests.peers.quiet import is_quiet

PATIENCE = 20.0
LOCALHOST = {4: "127.0.0.1", 6: "::1"}
_peers: WeakSet[Peer] = WeakSet()
_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
_HEADER = struct.Struct("!BBHII")


def rtp(sequence: int, payload: bytes = b"x" * 160, *, payload_type: int = 0, ssrc: int = 0x11223344) -> bytes:
    """An RTP packet whose timestamp fits its sequence number."""
    return _HEADER.pack(0x80, payload_type, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, ssrc) + payload


def sequence_of(packet: bytes) -> int:
    """The sequence number of an RTP packet."""
    return int(_HEADER.unpack_from(packet)[2])


def rtcp(kind: int = 200, ssrc: int = 0x11223344) -> bytes:
    """A sender report without blocks, or another packet type of the same size."""
    return struct.pack("!BBHI5I", 0x80, kind, 6, ssrc, 0, 0, 0, 0, 0)


def wait(condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def at_rest() -> bool:
    """Whether the relays of this process have worked off all that was sent to them."""
    return is_quiet(os.getpid(), {str(os.fstat(peer.socket.fileno()).st_ino) for peer in _peers})


def rest() -> None:
    """Wait for that."""
    assert wait(at_rest)


class Peer:
    """A socket of somebody who sends to the relay and receives from it."""

    def __init__(self, family: int = 4, address: str = "", port: int = 0):
        self.socket = socket.socket(_FAMILY[family], socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind((address or LOCALHOST[family], port))
        host, port = self.socket.getsockname()[:2]
        self.endpoint = Endpoint.parse(f"[{host}]:{port}" if family == 6 else f"{host}:{port}")
        _peers.add(self)

    def send(self, data: bytes, to: Endpoint) -> None:
        self.socket.sendto(data, to.sockaddr)

    def receive(self, count: int, patience: float = PATIENCE) -> list[bytes]:
        """The next ``count`` datagrams, fewer if they do not come in time and the relay has nothing left to do."""
        return [data for data, _ in self.receive_from(count, patience)]

    def receive_from(self, count: int, patience: float = PATIENCE) -> list[tuple[bytes, tuple[str, int]]]:
        """The same with the address each came from."""
        got: list[tuple[bytes, tuple[str, int]]] = []
        deadline = time.monotonic() + patience
        while len(got) < count:
            if not _readable(self.socket, deadline):
                break
            data, source = self.socket.recvfrom(65536)
            got.append((data, (source[0], source[1])))
        return got

    def close(self) -> None:
        _peers.discard(self)
        self.socket.close()


class Rig:
    """A relay, its open sockets and the peers of a test; all gone at the end."""

    def __init__(self, threads: int = 2):
        self.relay = Relay(threads)
        self.targets = TargetReader(self.relay)
        self.outputs = OutputReader(self.relay)
        self.peers: list[Peer] = []

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.relay.shutdown()
        for peer in self.peers:
            peer.close()

    def peer(self, family: int = 4, address: str = "") -> Peer:
        """A new peer on a free port."""
        self.peers.append(Peer(family, address))
        return self.peers[-1]

    def local(self, family: int = 4, address: str = "", tos: int = 0) -> Endpoint:
        """An open socket of the relay on a port that was free."""
        while True:
            scout = Peer(family, address)
            scout.close()
            try:
                self.relay.open(scout.endpoint, tos)
            except OSError:
                continue
            return scout.endpoint

    def install(self, wanted: WantedTarget, engine: Engine | None = None,
                seeds: abi.Seeds = abi.NO_SEEDS) -> tuple[int, tuple[int, ...]]:
        """Install or replace a target; returns its slots."""
        batch = abi.batch(abi.add_target(wanted, seeds))
        (reply,) = abi.replies((engine or self.relay).command(batch))
        return abi.read_slots(reply.check(f"target {wanted.local}"))

    def remove(self, local: Endpoint, engine: Engine | None = None) -> abi.TargetState:
        """Remove a target; returns its last state."""
        (reply,) = abi.replies((engine or self.relay).command(abi.batch(abi.del_target(local))))
        return abi.read_state(reply.check(f"target {local}").body)

    def state(self, local: Endpoint, engine: Engine | None = None) -> abi.TargetState:
        """A target's present state."""
        (reply,) = abi.replies((engine or self.relay).command(abi.batch(abi.get_target(local))))
        return abi.read_state(reply.check(f"target {local}").body)

    def counters(self, local: Endpoint, engine: Engine | None = None) -> Counters:
        """What a target received so far."""
        return self.state(local, engine).counters

    def source(self, local: Endpoint) -> SsrcStats:
        """The only RTP source of a target."""
        (source,) = self.state(local).sources
        return source

    def events(self, count: int, patience: float = PATIENCE) -> list[SourceSeen | SocketFailed]:
        """The next ``count`` events, fewer if they do not come in time and the relay has nothing left to do."""
        got: list[SourceSeen | SocketFailed] = []
        deadline = time.monotonic() + patience
        while len(got) < count:
            if not _readable(self.relay, deadline):
                break
            got.extend(self.relay.events())
        return got


def _readable(source: socket.socket | Relay, deadline: float) -> bool:
    """Whether something is there until then, or until the relay has nothing left to do if that is later."""
    left = max(0.0, deadline - time.monotonic())
    return bool(select.select([source], [], [], left)[0]
                or wait(at_rest) and select.select([source], [], [], 0.0)[0])


def to(local: Endpoint, *peers: Peer) -> tuple[WantedOutput, ...]:
    """Outputs from one socket to each of the peers."""
    return tuple(WantedOutput(local, peer.endpoint) for peer in peers)
