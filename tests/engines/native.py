# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines in this process: the relay through its sockets on loopback, NFQUEUE's fed with IP packets."""
from __future__ import annotations

import select
import socket
from typing import Any

from controlplane.addresses import Endpoint
from controlplane.dataplane.interception import NativeReader, Stream
from controlplane.dataplane.native import NativeEngine
from controlplane.dataplane.relay import Relay
from tests.engines.player import PATIENCE
from tests.engines.scenario import Send
from tests.kernel.guest import abi
from tests.kernel.guest.abi import Where
from tests.unit.dataplane.test_nfqueue import ACCEPTED, Queue, ip

LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def endpoint(where: Where) -> Endpoint:
    """The product's word for an address."""
    return Endpoint.parse(f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}")


class NativeEngines:
    """A relay, and tables: "relay" is its own, "nfqueue" one of an engine that sends through its sockets."""

    exact_clock = False

    def __init__(self, kinds: tuple[str, str], families: tuple[int, int] = (4, 4)) -> None:
        self.relay = Relay(1)
        self._kinds, self._families = kinds, families
        self._tables: list[NativeEngine] = [self.relay if kind == "relay" else Queue(self) for kind in kinds]
        self._peers: dict[str, socket.socket] = {}
        self._places: dict[str, Where] = {}
        self._readers: dict[tuple[int, int], NativeReader] = {}
        self._verdict = ACCEPTED

    def close(self) -> str:
        """Ends it all."""
        self.relay.shutdown()
        for sock in self._peers.values():
            sock.close()
        for reader in self._readers.values():
            reader.close()
        return ""

    def _bound(self, family: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        sock.bind((LOOPBACK[family], 0))
        return sock

    def _open(self, family: int) -> Where:
        """A socket of the relay on a port that was free."""
        while True:
            with self._bound(family) as scout:
                where: Where = scout.getsockname()[:2]
            try:
                self.relay.open(endpoint(where))
                return where
            except OSError:
                continue

    def where(self, place: str) -> Where:
        """See Engine."""
        if place not in self._places:
            family = self._families[place[0] in "bf"]
            if place[0] in "ab":
                self._peers[place] = self._bound(family)
                self._places[place] = self._peers[place].getsockname()[:2]
            else:
                self._places[place] = self._open(family)
        return self._places[place]

    def terminal(self, table: int) -> bool:
        """See Engine."""
        return self._kinds[table] == "relay"

    def run(self, table: int, *records: bytes) -> list[abi.Reply]:
        """See Engine."""
        return abi.parse_replies(self._tables[table].command(abi.batch(*records)))

    def send(self, step: Send) -> None:
        """See Engine."""
        source, to = self.where(step.source), self.where(step.to)
        table: Any = self._tables[step.table]
        if self.terminal(step.table):
            self._peers[step.source].sendto(step.data, to)
        else:
            self._verdict = table.feed(ip(endpoint(source), endpoint(to), step.data))

    def came_up(self, step: Send) -> bool:
        """See Engine."""
        return self.terminal(step.table) or self._verdict == ACCEPTED

    def arrival(self, peer: str, patience: float = PATIENCE) -> tuple[Where, bytes] | None:
        """See Engine."""
        self.where(peer)
        sock = self._peers[peer]
        if not select.select([sock], [], [], patience)[0]:
            return None
        data, source = sock.recvfrom(65536)
        return (source[0], source[1]), data

    def stray(self) -> str:
        """See Engine."""
        found = ((peer, self.arrival(peer, 0)) for peer in self._peers)
        return "".join(f"at {peer}: {got[1].hex()}" for peer, got in found if got)

    def copy(self, table: int, call: str, name: str, index: int) -> bytes:
        """See Engine."""
        reader = self._readers.setdefault((table, index), self._tables[table].read_stream(Stream(call, name, index)))
        packet = reader.read()
        if packet is None and select.select([reader], [], [], PATIENCE)[0]:
            packet = reader.read()
        return packet or b""

    def succeed(self, table: int) -> int:
        """See Engine: here, one that greets the same table again."""
        (reply,) = self.run(table, abi.hello())
        return abi.parse_geometry(reply.body).targets
