# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the recorded DTLS peers: handshakes of its own where they made theirs, with certificates of its own.

What is compared is who begins, on which sockets and when, and that the daemon shows the certificate it has announced;
not how many packets it takes, nor who says goodbye to a connection that is given up.
"""
from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from controlplane.dtls.records import client_random
from tests.conformance.packets import kind
from tests.conformance.vectors import Step
from tests.peers import sdp
from tests.peers.dtls import Certificate, DtlsPeer

PATIENCE = 30.0
_AGAIN = 0.3
_FINGERPRINT = re.compile(r"^(a=fingerprint:)([^\r\n]+)", re.M)
Take = Callable[[str, float], "bytes | None"]
"""The next packet of DTLS that comes to a socket within so many seconds, from our port that stands for the step's."""
Send = Callable[[bytes], None]


def is_dtls(step: Step) -> bool:
    """True for a packet of DTLS, sent or received."""
    return "payload_hex" in step and kind(bytes.fromhex(step["payload_hex"])) == "dtls"


def programs(steps: Sequence[Step]) -> set[str]:
    """Ids of the sockets towards the programs that were the recorded peers: the packets are those of the endpoints."""
    late = {step["id"] for step in steps if step["op"] == "socket" and step.get("late")}
    other = {_socket_of(step) for step in steps if not is_dtls(step)}
    return late - other


def _socket_of(step: Step) -> str:
    return str(step.get("from_socket") or step.get("on_socket") or "")


class DtlsDouble:
    """``places`` are the ports of the endpoints by id of their sockets."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.programs = programs(steps)
        self.places = {step["id"]: step.get("port", 0) for step in steps if step["op"] == "socket"}
        self._plays = any(map(is_dtls, steps))
        self._certificates: defaultdict[str, Certificate] = defaultdict(Certificate)
        self._by_port: dict[int, Certificate] = {}
        self._told: set[str] = set()
        self._made: set[tuple[str, bytes]] = set()

    def said(self, body: str) -> str:
        """A recorded body of an endpoint as ours says it: with the certificates of ours."""
        if not self._plays:
            return body
        for section in sdp.sections(body):
            for value in (each.partition(":")[2] for each in section.attributes if each.startswith("fingerprint:")):
                self._by_port[section.port] = self._certificates[value]
        return _FINGERPRINT.sub(lambda line: line[1] + self._certificates[line[2]].fingerprint(), body)

    def heard(self, body: str) -> None:
        """Note which certificate the daemon has announced."""
        self._told |= {line[2] for line in _FINGERPRINT.finditer(body)}

    def play(self, step: Step, take: Take, send: Send) -> str:
        """Empty, unless a handshake begins here that goes another way than the recorded one."""
        name, hello = _socket_of(step), client_random(bytes.fromhex(step["payload_hex"]))
        if name in self.programs or hello is None or (name, hello) in self._made:
            return ""
        self._made.add((name, hello))
        certificate = self._by_port.get(self.places[name]) or self._by_port.get(self.places[name] - 1)
        peer = DtlsPeer(active=step["op"] == "send", certificate=certificate)
        heard = _shake_hands(peer, name, take, send)
        if not peer.done:
            return "no handshake" if heard else "nothing arrived"
        if self._told and peer.peer_fingerprint not in self._told:
            return "another certificate than the one that was announced"
        return ""


def _shake_hands(peer: DtlsPeer, name: str, take: Take, send: Send) -> bool:
    """Until both ends have keys, or it takes too long; False if nothing came at all."""
    heard = False
    end = time.monotonic() + PATIENCE
    waiting = peer.receive()
    while not peer.done and time.monotonic() < end:
        for data in waiting:
            send(data)
        arrived = take(name, _AGAIN)
        heard = heard or arrived is not None
        if arrived is None and not heard:
            continue    # the daemon did not listen yet: say the same again
        waiting = peer.receive(arrived or b"")
    for data in waiting:
        send(data)
    return heard
