# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios that all engines play (tests/engines), played by the module; the host has written them down."""
import errno
import os
import pickle
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.engines.player import TABLES, Player
from tests.engines.scenario import Send, Step, number_of
from tests.kernel.guest import abi, net
from tests.kernel.guest.abi import Control, Where
from tests.kernel.guest.hook import name
from tests.kernel.guest.tables import table

PATIENCE = 20.0
PORTS = {"a": 10000, "b": 20000, "n": 30000, "f": 40000}
CALLS = "/proc/rtpengine/{}/calls/{}/{}"


def scenarios() -> dict[str, list[Step]]:
    """Those for engines that something lies behind."""
    with open(os.environ["RTPE_SCENARIOS"], "rb") as f:
        found: dict[str, list[Step]] = pickle.load(f)
    return found


class Module:
    """Two tables of the module, both with a way in."""

    exact_clock = False

    def __init__(self, side_a: str, side_b: str) -> None:
        self.sides = {"a": side_a, "b": side_b, "n": net.PROXY[side_a], "f": net.PROXY[side_b]}
        self.controls = [Control(number) for number in range(TABLES)]
        self.sockets: dict[Where, socket.socket] = {}
        self.streams: dict[tuple[int, int], int] = {}

    def hook(self) -> None:
        """Both tables take packets from both devices; of hooks of one device, that which came last is asked first."""
        for control in reversed(self.controls):
            for device in ("va", "vb"):
                assert control.one(abi.ADD_HOOK, name(device)) in (0, -errno.EEXIST)

    def close(self) -> None:
        """Lets go of everything."""
        for control in self.controls:
            control.close()
        for sock in self.sockets.values():
            sock.close()
        for fd in self.streams.values():
            os.close(fd)

    def where(self, place: str) -> Where:
        """See Engine."""
        where = self.sides[place[0]], PORTS[place[0]] + 2 * number_of(place)
        if where not in self.sockets:
            self.sockets[where] = net.peer(where, PATIENCE)
        return where

    def terminal(self, number: int) -> bool:
        """See Engine."""
        return False

    def run(self, number: int, *records: bytes) -> list[abi.Reply]:
        """See Engine."""
        return self.controls[number].run(*records)

    def send(self, step: Send) -> None:
        """See Engine."""
        to = self.where(step.to)
        self.sockets[self.where(step.source)].sendto(step.data, to)

    def came_up(self, step: Send) -> bool:
        """See Engine."""
        got = self._next(step.to)
        return got == (self.where(step.source), step.data)

    def arrival(self, peer: str) -> tuple[Where, bytes] | None:
        """See Engine."""
        return self._next(peer)

    def _next(self, place: str) -> tuple[Where, bytes] | None:
        try:
            data, source = self.sockets[self.where(place)].recvfrom(65536)
        except TimeoutError:
            return None
        return (source[0], source[1]), data

    def stray(self) -> str:
        """See Engine."""
        ready = select.select(list(self.sockets.values()), [], [], 0)[0]
        return "".join(f"at {s.getsockname()}: {s.recv(65536).hex()}" for s in ready)

    def copy(self, number: int, call: str, name: str, index: int) -> bytes:
        """See Engine."""
        if (number, index) not in self.streams:
            self.streams[number, index] = os.open(CALLS.format(number, call, name), os.O_RDONLY | os.O_NONBLOCK)
        fd = self.streams[number, index]
        if not select.select([fd], [], [], PATIENCE)[0]:
            return b""
        return os.read(fd, 65536)

    def succeed(self, number: int) -> int:
        """See Engine."""
        self.controls[number].close()
        self.controls[number] = Control(number)
        return self.controls[number].geometry.targets


def play(side_a: str, side_b: str, hooks: bool = False, without: tuple[str, ...] = ()) -> None:
    """All scenarios but some; those that fail do not keep the others from being played."""
    failed = {}
    engine: Module | None = None
    with table(0), table(1):
        for number, (title, steps) in enumerate(scenarios().items()):
            if title in without:
                continue
            engine = engine or Module(side_a, side_b)
            if hooks and not number:
                engine.hook()       # they outlive this owner
            try:
                Player(engine).play(steps)
            except AssertionError as e:
                failed[title] = str(e)
                for control in engine.controls:     # calls and streams go as well
                    control.one(abi.OPTIONS, struct.pack("<II", abi.FLUSH_ON_CLOSE, 0))
                engine.close()
                engine = None
        if engine:
            engine.close()
    assert not failed, f"{len(failed)}: " + "\n\n".join(f"{title}: {text[:1500]}" for title, text in failed.items())


@contextmanager
def rules(backend: str = "legacy") -> Iterator[None]:
    """Packets find both tables by rules, the first table first."""
    with net.Rule(1, backend), net.Rule(0, backend):
        yield


def by_rule() -> None:
    """IPv4."""
    with rules():
        play(net.A4, net.B4)


def by_rule_v6() -> None:
    """IPv6, but for datagrams in fragments: those have not been put together yet where the rule sees them."""
    with rules("nft"):
        play(net.A6, net.B6, without=("jumbo",))


def by_hook() -> None:
    """IPv4, without any rule; datagrams in fragments are not for the hook."""
    play(net.A4, net.B4, hooks=True, without=("jumbo",))


def by_hook_v6() -> None:
    """IPv6."""
    play(net.A6, net.B6, hooks=True, without=("jumbo",))
