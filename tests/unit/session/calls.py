# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon without engines: real sessions and ports, a clock to set, and messages as keyword arguments."""
from __future__ import annotations

import random
from math import inf
from typing import Any

from controlplane.addresses import Address, Endpoint
from controlplane.config.interfaces import InterfaceSpec
from controlplane.events import ChangeSet, Datagram, SourceSeen, WantedTarget
from tests.unit.requests import request
from controlplane.ports.sockets import Sockets
from controlplane.session.call import Call
from controlplane.session.calls import Calls
from controlplane.session.commands import COMMANDS
from controlplane.session.party import Party
from controlplane.session.settings import SessionSettings

V4, V6 = "203.0.113.5", "2001:db8:7::5"
START = 1_700_000_000.0


def spec(name: str, address: str, advertised: str | None = None,
         ports: tuple[int, int] = (30000, 30999)) -> InterfaceSpec:
    return InterfaceSpec(name, Address.parse(address), Address.parse(advertised) if advertised else None,
                         ports[0], ports[1], frozenset())


def ep(text: str) -> Endpoint:
    return Endpoint.parse(text)


class Counter:
    """Counts what happens to calls."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.rejected = 0
        self.refreshed: list[str] = []
        self.merged: list[str] = []

    def session_rejected(self) -> None:
        self.rejected += 1

    def session_ended(self, call: Call, reason: str, now: float) -> None:
        self.ended.append((call.call_id, reason))

    def session_merged(self, call: Call) -> None:
        self.merged.append(call.call_id)

    def refresh(self, call: Call) -> None:
        self.refreshed.append(call.call_id)


class Daemon:
    """Applies every change set to ``targets`` as an engine would."""

    def __init__(self, *specs: InterfaceSpec, aliases: dict[str, str] | None = None, **settings: Any):
        self.now = START
        self.settings = SessionSettings(**settings)
        source = random.Random(1)
        self.specs = specs or (spec("default", V4), spec("default", V6))
        self.sockets = Sockets(self.specs, aliases or {}, source,
                               lambda endpoint: None, lambda endpoint: None, lambda: self.now)
        self.counter = Counter()
        self.calls = Calls(self.settings, self.sockets, source, self.counter)
        self.targets: dict[Endpoint, WantedTarget] = {}
        self.last = ChangeSet()
        self.sent: list[Datagram] = []
        self.warnings: list[str] = []
        self.ignored: list[str] = []

    def apply(self) -> ChangeSet:
        self.last = self.calls.take_changes()
        self.targets.update(self.last.wanted)
        self.sent += self.last.datagrams
        for local in self.last.closed:
            self.targets.pop(local, None)
            self.sockets.release(local)
        return self.last

    def send(self, command: str, **fields: Any) -> dict[str, Any]:
        sdp = fields.pop("sdp", None)
        fields = {"call_id": "c1", **fields}
        for name in ("flags", "replace", "rtcp_mux", "supports", "bundle"):
            if name in fields:
                fields[name] = set(fields[name].split())
        message = request(command, "127.0.0.1:5000", self.now,
                          sdp=sdp.replace("\n", "\r\n").encode() if sdp is not None else None, **fields)
        self.warnings, self.ignored = message.unsupported, message.ignored
        try:
            if command in COMMANDS:
                return dict(COMMANDS[command](self.calls, message, self.now))
            handler = getattr(self.calls, command)
            return dict(handler(message) if command in ("query", "list") else handler(message, self.now))
        finally:
            self.apply()

    def offer(self, sdp: str, from_tag: str = "A", **fields: Any) -> str:
        """The body the receiver gets, with LF line ends."""
        return self.body("offer", sdp=sdp, from_tag=from_tag, **fields)

    def answer(self, sdp: str, from_tag: str = "A", to_tag: str = "B", **fields: Any) -> str:
        return self.body("answer", sdp=sdp, from_tag=from_tag, to_tag=to_tag, **fields)

    def body(self, command: str, **fields: Any) -> str:
        reply = self.send(command, **fields)
        text = bytes(reply["sdp"]).decode()
        assert text.count("\n") == text.count("\r\n")
        return text.replace("\r\n", "\n")

    def packet(self, local: Endpoint, source: str, after: float = 0.0) -> None:
        """A packet on ``local`` after ``after`` seconds, if the engine reports sources there."""
        self.now += after
        if self.targets[local].learning:
            self.calls.on_source(SourceSeen(local, ep(source), self.now))
            self.apply()

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := min(self.calls.deadline() or inf, self.calls.next_path_at)) <= end:
            self.now = max(self.now, deadline)
            self.calls.on_path_deadline(self.now)
            self.calls.on_deadline(self.now)
            self.apply()
        self.now = end

    @property
    def call(self) -> Call:
        return self.calls.calls["c1"]

    def party(self, tag: str | None) -> Party:
        return next(party for party in self.call.parties if party.tag == tag)

    def gets(self, tag: str | None, media: int = 0) -> list[str]:
        """Tags of the parties whose RTP is sent to the party called ``tag``."""
        destination = self.party(tag).medias[media].streams[0].destination
        return sorted(party.tag or "" for party in self.call.parties for each in party.medias
                      for target in [self.targets.get(each.streams[0].local or ep("0.0.0.0:0"))] if target is not None
                      if any(output.destination == destination for output in target.rtp_outputs))

    def local(self, tag: str | None, stream: int = 0, media: int = 0) -> Endpoint:
        local = self.party(tag).medias[media].streams[stream].local
        assert local is not None
        return local

    @staticmethod
    def sockets_of(party: Party) -> list[Endpoint]:
        """All that were opened for a party."""
        return [local for media in party.medias for mapping in media.mappings for local in mapping.sockets]

    def sends_to(self, local: Endpoint, rtcp: bool = False) -> list[str]:
        """Where RTP (or RTCP) that arrives on ``local`` goes."""
        target = self.targets[local]
        return [str(output.destination) for output in (target.rtcp_outputs if rtcp else target.rtp_outputs)]


def sdp(address: str = "192.0.2.10", port: int = 41000, *lines: str, kind: str = "audio", protocol: str = "RTP/AVP",
        formats: str = "8 0", version: int = 1) -> str:
    family = "IP6" if ":" in address else "IP4"
    head = [f"o=u 77 {version} IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0",
            f"m={kind} {port} {protocol} {formats}"]
    return "\n".join(["v=0", *head, *lines, ""])


def port_of(body: str, section: int = 0) -> int:
    return int([line.split()[1] for line in body.splitlines() if line.startswith("m=")][section])


def established(**settings: Any) -> Daemon:
    daemon = Daemon(**settings)
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    return daemon
