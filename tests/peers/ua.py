# SPDX-License-Identifier: GPL-3.0-or-later
"""A SIP user agent that does what a test tells it, one message at a time (RFC 3261)."""
from __future__ import annotations

import itertools
import os
import re
import socket
import time
from dataclasses import dataclass, field

from tests.peers import sdp
from tests.peers.rtp import Endpoint

PATIENCE = 20.0
_numbers = itertools.count(1)
Headers = list[tuple[str, str]]


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A request or reply; ``headers`` in their order, names in lower case."""

    start: str
    headers: Headers
    body: str

    @classmethod
    def parse(cls, data: bytes) -> SipMessage:
        head, _, body = data.decode().partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = [line.partition(":")[::2] for line in lines]
        return cls(start, [(name.strip().lower(), value.strip()) for name, value in pairs], body)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def one(self, name: str) -> str:
        return self.all(name)[0]

    @property
    def status(self) -> int:
        """0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def transaction(self) -> tuple[str, ...]:
        """The same whenever a request is sent again (RFC 3261 section 17.2.3)."""
        return self.start, self.one("cseq"), self.one("via")

    @property
    def media(self) -> sdp.Section:
        return sdp.sections(self.body)[0]


@dataclass(slots=True)
class Dialogue:
    """What a request within a call needs: both ends with their tags, where to, by which way."""

    own: str
    other: str
    call_id: str
    target: str = ""
    routes: list[str] = field(default_factory=list)
    sequence: int = 1


class UserAgent:
    """One phone: a socket for SIP, an end point for its audio, and the dialogue it is in."""

    def __init__(self, name: str, proxy_port: int, address: str = "127.0.0.1"):
        self.name, self.address = name, address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.proxy = ("::1" if ":" in address else "127.0.0.1", proxy_port)
        self.audio = Endpoint(address)
        self.uri = f"sip:{name}@{_bracketed(address)}:{self.socket.getsockname()[1]}"
        self.tag = f"{name}-{os.getpid()}-{next(_numbers)}"
        self.dialogue = Dialogue("", "", "")
        self.request = SipMessage("", [], "")
        self.version = 0
        self._taken: set[tuple[str, ...]] = set()

    def _send(self, start: str, headers: Headers, body: str = "") -> None:
        if body:
            headers = [*headers, ("Content-Type", "application/sdp")]
        lines = [start, *(f"{name}: {value}" for name, value in [*headers, ("Content-Length", str(len(body)))])]
        self.socket.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.proxy)

    def _body(self, direction: str) -> str:
        self.version += 1
        return sdp.body(self.address, self.audio.port, version=self.version, attributes=[direction])

    def _ask(self, method: str, body: str = "", extra: Headers | None = None, branch: str = "") -> str:
        talk = self.dialogue
        branch = branch or f"z9hG4bK-{self.tag}-{next(_numbers)}"
        host = self.uri.partition("@")[2]
        self._send(f"{method} {talk.target} SIP/2.0", [
            ("Via", f"SIP/2.0/UDP {host};branch={branch}"), *(("Route", each) for each in talk.routes),
            ("From", talk.own), ("To", talk.other), ("Call-ID", talk.call_id),
            ("CSeq", f"{talk.sequence} {method}"), ("Contact", f"<{self.uri}>"), ("Max-Forwards", "70"),
            *(extra or [])], body)
        return branch

    def expect(self, *what: str) -> SipMessage:
        """The next message that begins with one of these words; all others are passed over.

        So is a request that comes once more, as it does where the reply takes half a second.
        """
        deadline = time.monotonic() + PATIENCE
        seen = []
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                message = SipMessage.parse(self.socket.recv(65536))
            except TimeoutError:
                break
            if message.transaction in self._taken:
                continue
            if any(message.start.startswith(each) for each in what):
                if not message.status:
                    self._taken.add(message.transaction)
                if not message.status and message.start.partition(" ")[0] != "ACK":
                    self.request = message
                if message.body:
                    self.audio.connect(message.media.address, message.media.port, message.media.rtcp_port)
                return message
            seen.append(message.start)
        raise AssertionError(f"{self.name} waits for {what}, has got {seen}")

    def invite(self, callee: UserAgent, **headers: str) -> str:
        """Begin a call; ``X_Fork="..."`` and so on are further headers. Returns the branch."""
        self.dialogue = Dialogue(f"<{self.uri}>;tag={self.tag}", f"<{callee.uri}>", f"{self.tag}@{self.name}",
                                 callee.uri)
        extra = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self._ask("INVITE", self._body("sendrecv"), extra)

    def cancel(self, branch: str) -> None:
        """Take the INVITE with this branch back."""
        self._ask("CANCEL", branch=branch)

    def accepted(self, reply: SipMessage) -> None:
        """Enter the dialogue of a 200, and acknowledge it."""
        talk = self.dialogue
        talk.other, talk.routes = reply.one("to"), reply.all("record-route")[::-1]
        contact = re.search(r"<([^>]*)>", reply.one("contact"))
        assert contact
        talk.target = contact[1]
        self._ask("ACK")

    def reinvite(self, direction: str = "sendrecv", **headers: str) -> None:
        """Offer anew within the call."""
        self.dialogue.sequence += 1
        self._ask("INVITE", self._body(direction), [(name.replace("_", "-"), value) for name, value in headers.items()])

    def bye(self) -> None:
        self.dialogue.sequence += 1
        self._ask("BYE")

    def reply(self, status: int, direction: str = "", request: SipMessage | None = None) -> None:
        """Reply to the last request, or to this; with SDP if there is a direction."""
        request = request or self.request
        to = request.one("to") + ("" if ";tag=" in request.one("to") or status == 100 else f";tag={self.tag}")
        names = "via", "record-route", "from", "call-id", "cseq"
        copied = [(name, value) for name, value in request.headers if name in names]
        self._send(f"SIP/2.0 {status} So", [*copied, ("To", to), ("Contact", f"<{self.uri}>")],
                   self._body(direction) if direction else "")

    def close(self) -> None:
        self.socket.close()
        self.audio.close()
