# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents that talk over a network made of a list, in a time made of a number."""
from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from controlplane.addresses import Endpoint
from controlplane.events import Datagram
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, priority_of
from controlplane.ice.pair import LocalCandidate

START = 1000.0
DELAY = 0.01


def local(base: str, index: int = 0, component: int = 1, advertised: str | None = None) -> LocalCandidate:
    """Our socket ``base`` as a host candidate."""
    endpoint = Endpoint.parse(base)
    shown = Endpoint.parse(advertised) if advertised else endpoint
    return LocalCandidate(endpoint, Candidate(f"f{endpoint.address}", component, "UDP",
                                              priority_of("host", index, component), shown, "host"))


def agent(*bases: str, seed: int = 1, **options) -> Agent:
    """An agent with these sockets, of component 1, then 2 ... if they are given as lists."""
    made = Agent(random.Random(seed), **options)
    made.set_locals([local(base, index) for index, base in enumerate(bases)], START)
    return made


class Network:
    """``agents`` use it. ``passes`` says of each packet whether it arrives, ``translated`` what NATs make of it."""

    def __init__(self, *agents: Agent, passes: Callable[[Datagram], bool] = lambda packet: True):
        self.agents = agents
        self.passes = passes
        self.translated: dict[Endpoint, Endpoint] = {}
        self.now = START
        self.sent: list[tuple[float, Datagram]] = []
        self._flying: list[tuple[float, Datagram]] = []

    def introduce(self, *, candidates: bool = True, complete: bool = True) -> None:
        """Each of two agents is told the credentials, and the candidates, of the other."""
        one, other = self.agents
        for mine, theirs in ((one, other), (other, one)):
            mine.set_remote(theirs.local, self.now, lite=theirs.lite, complete=complete)
            if candidates:
                for each in theirs.checklist.locals:
                    mine.add_remote(each.candidate, self.now)

    def owner(self, endpoint: Endpoint) -> Agent | None:
        real = next((inside for inside, outside in self.translated.items() if outside == endpoint), endpoint)
        return next((each for each in self.agents if each.checklist.local_of(real)), None)

    def _collect(self) -> None:
        for each in self.agents:
            for packet in each.take_datagrams():
                self.sent.append((self.now, packet))
                if self.passes(packet):
                    self._flying.append((self.now + DELAY, packet))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until something holds, or is over."""
        end = self.now + seconds
        self._collect()
        while not until():
            at = min([each.next_at for each in self.agents] + [at for at, _ in self._flying])
            if at > end:
                self.now = end
                return
            self.now = max(self.now, at)
            arrived = [packet for at, packet in self._flying if at <= self.now]
            self._flying = [(at, packet) for at, packet in self._flying if at > self.now]
            for packet in arrived:
                self._deliver(packet)
            for each in self.agents:
                if each.next_at <= self.now:
                    each.on_time(self.now)
            self._collect()

    def _deliver(self, packet: Datagram) -> None:
        inside = {outside: inside for inside, outside in self.translated.items()}
        target = self.owner(packet.destination)
        if target is not None:
            target.receive(packet.data, inside.get(packet.destination, packet.destination),
                           self.translated.get(packet.local, packet.local), self.now)


def paths(one: Agent) -> Sequence[str]:
    """What the agent has selected, by component."""
    return [str(one.selection[number]) for number in sorted(one.selection)]
