# SPDX-License-Identifier: GPL-3.0-or-later
"""A call between two end points, set up over ng as a SIP proxy would."""
from __future__ import annotations

import itertools
import os
from typing import Any

from tests.peers import sdp
from tests.peers.ngclient import NgClient
from tests.peers.rtp import Endpoint, pump

_numbers = itertools.count(1)


class Call:
    """Caller ``a`` and callee ``b`` with a daemon between them; ``keys`` go into every offer and answer."""

    def __init__(self, client: NgClient, a: Endpoint, b: Endpoint, *, call_id: str = "", **keys: Any):
        self.client, self.a, self.b = client, a, b
        number = next(_numbers)
        self.call_id = call_id or f"call-{os.getpid()}-{number}@peer"
        self.from_tag, self.to_tag = f"from-{number}", f"to-{number}"
        self.keys = {"replace": ["origin"], "ICE": "remove", **keys}
        self.version = 0
        self.offered = self.answered = ""

    def _body(self, end: Endpoint, direction: str) -> str:
        self.version += 1
        return sdp.body(end.address, end.port, payload_type=end.payload_type, version=self.version,
                        protocol=end.protocol, attributes=[direction, *end.attributes])

    def offer(self, direction: str = "sendrecv", **keys: Any) -> sdp.Section:
        """Offer the caller's media; the callee sends to what comes back."""
        answer = self.client.call("offer", call_id=self.call_id, from_tag=self.from_tag,
                                  sdp=self._body(self.a, direction), **{**self.keys, **keys})
        self.offered = answer["sdp"]
        section = sdp.sections(self.offered)[0]
        self.b.hear(section)
        return section

    def answer(self, direction: str = "sendrecv", **keys: Any) -> sdp.Section:
        """Answer with the callee's media; the caller sends to what comes back."""
        keys = {key: value for key, value in {**self.keys, **keys}.items() if key != "direction"}
        answer = self.client.call("answer", call_id=self.call_id, from_tag=self.from_tag, to_tag=self.to_tag,
                                  sdp=self._body(self.b, direction), **keys)
        self.answered = answer["sdp"]
        section = sdp.sections(self.answered)[0]
        self.a.hear(section)
        return section

    def talk(self, packets: int = 10, *, heard: bool = True) -> None:
        """Both send so many packets, and at the end have heard those of the other, if they can."""
        ends = self.a, self.b
        pump(ends, 0)
        wanted = [len(end.arrivals) + packets for end in ends]
        for _ in range(packets):
            self.a.send(b"x" * 160)
            self.b.send(b"y" * 160)
            pump(ends, 0.01)
        assert not heard or pump(ends, 20.0, lambda: all(
            len(end.arrivals) >= count for end, count in zip(ends, wanted)))

    def query(self) -> dict[str, Any]:
        """What the daemon knows of the call."""
        return self.client.call("query", call_id=self.call_id)

    def delete(self) -> dict[str, Any]:
        """End the call; returns its final statistics."""
        return self.client.call("delete", call_id=self.call_id, from_tag=self.from_tag, **{"delete-delay": 0})
