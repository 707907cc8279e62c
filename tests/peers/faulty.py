# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in daemon that mistreats media on purpose: proof that a test notices.

    python -m tests.peers.faulty --fault=drop --listen-ng=127.0.0.1:2223 ...
Understands ping, offer, answer, query, list and delete, and relays each call between two port pairs. Options it does
not know are ignored, so that it can stand where a daemon is expected.
"""
from __future__ import annotations

import argparse
import re
import select
import socket
from dataclasses import dataclass, field
from typing import Any

from tests.peers import ngclient, sdp

FAULTS = ("none", "drop", "twice", "swap", "corrupt", "deaf", "stay")
_EVERY = 25


@dataclass(slots=True)
class _Side:
    """Two sockets, and where what they receive goes: out of the other side's sockets to its party."""

    sockets: list[socket.socket]
    party: list[tuple[str, int]] = field(default_factory=list)


def _pair(lowest: int) -> list[socket.socket]:
    for port in range(lowest, 65535, 2):
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        try:
            for offset, sock in enumerate(pair):
                sock.bind(("127.0.0.1", port + offset))
            return pair
        except OSError:
            for sock in pair:
                sock.close()
    raise OSError("no free ports")


class Relay:
    """All calls, and the one fault."""

    def __init__(self, fault: str, lowest: int):
        self.fault = fault
        self.lowest = lowest
        self.calls: dict[str, tuple[_Side, _Side]] = {}
        self.count = 0
        self.held: bytes | None = None

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        command, call_id = message["command"], message.get("call-id", "")
        if command == "ping":
            return {"result": "pong"}
        if command == "list":
            return {"calls": list(self.calls), "result": "ok"}
        if command in ("offer", "answer"):
            sides = self.calls.setdefault(call_id, (_Side(_pair(self.lowest)), _Side(_pair(self.lowest))))
            side, other = sides if command == "offer" else sides[::-1]
            section = sdp.sections(message["sdp"])[0]
            side.party = [(section.address, section.port), (section.address, section.rtcp_port)]
            port = other.sockets[0].getsockname()[1]
            text = re.sub(r"(m=audio) \d+", rf"\1 {port}", message["sdp"])
            return {"sdp": re.sub(r"c=.*", "c=IN IP4 127.0.0.1", text), "result": "ok"}
        if command == "delete" and self.fault != "stay":
            for side in self.calls.pop(call_id, ()):
                for sock in side.sockets:
                    sock.close()
        return {"tags": {}, "result": "ok"}

    def treat(self, data: bytes) -> list[bytes]:
        """The packets that leave for one that came."""
        self.count += 1
        if self.held is not None:
            held, self.held = self.held, None
            return [data, held]
        if self.count % _EVERY or self.fault == "none":
            return [data]
        if self.fault == "swap":
            self.held = data
        return {"twice": [data, data], "corrupt": [data[:-1] + bytes([data[-1] ^ 1])],
                "drop": [], "swap": []}.get(self.fault, [data])

    def forward(self, ready: list[Any]) -> None:
        for sides in list(self.calls.values()):
            for side, other in (sides, sides[::-1]):
                for component, sock in enumerate(side.sockets):
                    if sock in ready and other.party:
                        for packet in [sock.recv(2048)] if component else self.treat(sock.recv(2048)):
                            if self.fault != "deaf":
                                other.sockets[component].sendto(packet, other.party[component])

    def sockets(self) -> list[socket.socket]:
        return [sock for sides in self.calls.values() for side in sides for sock in side.sockets]


def bound(text: str, kind: int) -> socket.socket:
    """A socket at ADDRESS:PORT."""
    address, _, port = text.rpartition(":")
    sock = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, int(port)))
    return sock


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--listen-ng", required=True)
    parser.add_argument("--listen-cli", required=True)
    parser.add_argument("--port-min", type=int, default=30000)
    options, _ = parser.parse_known_args()
    control, line = bound(options.listen_ng, socket.SOCK_DGRAM), bound(options.listen_cli, socket.SOCK_STREAM)
    line.listen()
    relay = Relay(options.fault, options.port_min)
    while True:
        ready, _, _ = select.select([control, line, *relay.sockets()], [], [])
        relay.forward(ready)
        if control in ready:
            data, client = control.recvfrom(65536)
            cookie, _, body = data.partition(b" ")
            control.sendto(cookie + b" " + ngclient.encode(relay.answer(ngclient.decode(body))), client)
        if line in ready:
            with line.accept()[0] as connection:
                connection.recv(1024)
                connection.sendall(f"Current sessions total: {len(relay.calls)}\n"
                                   f"Total relayed packets (userspace) :{relay.count * 2}\n".encode())


if __name__ == "__main__":
    main()
