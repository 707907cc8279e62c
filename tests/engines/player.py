# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads an engine through the steps of a scenario and holds it to what they say."""
from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, Protocol

from tests.engines.scenario import Add, Arrival, Check, Copies, Intercept, Send, States, Step, Succeed
from tests.kernel.guest import abi
from tests.kernel.guest.abi import Where, record

PATIENCE = 20.0
TABLES = 2


class Engine(Protocol):
    """One or two tables with peers around them."""

    exact_clock: bool
    """Packets come at the times the scenario says, and are dealt with at once."""

    def where(self, place: str) -> Where:
        """The address of a place; ports of locals can be used as sources at once."""

    def terminal(self, table: int) -> bool:
        """Whether nothing lies behind the table."""

    def run(self, table: int, *records: bytes) -> list[abi.Reply]:
        """A batch and its replies."""

    def send(self, step: Send) -> None:
        """Sends a packet; without waiting."""

    def arrival(self, peer: str) -> tuple[Where, bytes] | None:
        """The next datagram at a peer, with its source, in time; or None."""

    def came_up(self, step: Send) -> bool:
        """Whether the packet just sent was passed to the socket behind the engine (terminal tables: always true)."""

    def stray(self) -> str:
        """What waits at a peer or a socket that nobody has asked for; "" if nothing does."""

    def copy(self, table: int, call: str, name: str, index: int) -> bytes:
        """The next packet of a stream in time, or b""."""

    def succeed(self, table: int) -> int:
        """Another owner; the number of targets it is told of."""


def split_ip(packet: bytes) -> tuple[Where, Where, bytes]:
    """Source, destination and payload of a whole UDP packet whose lengths are right."""
    six = packet[0] >> 4 == 6
    head, size, family = (40, 16, socket.AF_INET6) if six else (20, 4, socket.AF_INET)
    at = head - 2 * size
    source, destination, length = struct.unpack_from("!HHH", packet, head)
    assert packet[6 if six else 9] == 17 and length == len(packet) - head, packet[:head + 8].hex()
    hosts = [socket.inet_ntop(family, packet[n:n + size]) for n in (at, at + size)]
    return (hosts[0], source), (hosts[1], destination), packet[head + 8:]


class Player:
    """Plays steps; AssertionError, with the step's number, if the engine does something else."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.streams = {"": 0}
        self.calls: list[tuple[int, int]] = []
        self.states: dict[tuple[int, str], bytes] = {}

    def play(self, steps: Sequence[Step]) -> None:
        """All of them, from empty tables to empty tables."""
        does: dict[type, Any] = {Add: self.add, Send: self.send, Check: self.check, Intercept: self.intercept,
                                 Copies: self.copies, Succeed: self.succeed}
        for n, step in enumerate(steps):
            try:
                does[type(step)](step)
            except AssertionError as e:
                raise AssertionError(f"step {n} of {len(steps)}, {_short(step)}: {e}") from None
        assert not (stray := self.engine.stray()), stray
        self.clear()

    def clear(self) -> None:
        """No targets, no calls."""
        for table in {step for step in range(TABLES)}:
            self.engine.run(table, record(abi.FLUSH))
        for table, index in self.calls:
            self.one(table, record(abi.DEL_CALL, struct.pack("<II", index, 0)))

    def one(self, table: int, raw: bytes, error: int = 0) -> abi.Reply:
        """A record's reply, which must have this errno."""
        (reply,) = self.engine.run(table, raw)
        assert reply.status == -error, f"status {reply.status}, not {-error}"
        return reply

    def add(self, step: Add) -> None:
        """See Add."""
        states = None
        if step.states_of is not None:
            states = states_in(self.states[(step.states_of, step.spec.local)])
        body = step.spec.pack(self.engine.where, self.streams.__getitem__, states)
        self.one(step.table, record(abi.ADD, body, abi.REPLACE if step.replace else 0), step.error)

    def send(self, step: Send) -> None:
        """See Send."""
        self.engine.send(step)
        if step.up:
            assert self.engine.came_up(step), "not passed up"
        for expected in step.arrivals:
            self.expect(expected)

    def expect(self, expected: Arrival) -> None:
        """A datagram must arrive."""
        got = self.engine.arrival(expected.peer)
        assert got is not None, f"nothing arrives at {expected.peer}"
        sender, data = got
        assert data == expected.data, f"at {expected.peer}: {data.hex()}\nnot {expected.data.hex()}"
        assert sender == self.engine.where(expected.sender), f"from {sender}, not from {expected.sender}"

    def check(self, step: Check) -> None:
        """See Check. What was dropped may not have been read yet: numbers get time to become right."""
        local, deadline = abi.addr(self.engine.where(step.local)), time.monotonic()
        if not self.engine.exact_clock:
            deadline += PATIENCE
        terminal = self.engine.terminal(step.table)
        while True:
            reply = self.one(step.table, record(abi.GET, local))
            state = abi.parse_states(reply.body)[0]
            wrong = compare(state, step.books, terminal, self.engine.exact_clock)
            if not wrong:
                break
            assert time.monotonic() < deadline, wrong
            time.sleep(0.002)
        self.states[(step.table, step.local)] = reply.body
        if step.remove:
            reply = self.one(step.table, record(abi.DEL, local))
            wrong = compare(abi.parse_states(reply.body)[0], step.books, terminal, self.engine.exact_clock)
            assert not wrong, wrong
            self.states[(step.table, step.local)] = reply.body

    def intercept(self, step: Intercept) -> None:
        """See Intercept."""
        call = self.one(step.table, record(abi.ADD_CALL, step.call.encode().ljust(256, b"\0"))).body
        index = struct.unpack("<II", call)[0]
        self.calls.append((step.table, index))
        body = struct.pack("<II256s", index, step.max_packets, step.name.encode())
        self.streams[step.name] = struct.unpack("<II", self.one(step.table, record(abi.ADD_STREAM, body)).body)[0]

    def copies(self, step: Copies) -> None:
        """See Copies."""
        for source, local, payload in step.packets:
            raw = self.engine.copy(step.table, f"call of {step.name}", step.name, self.streams[step.name])
            assert raw, f"no copy of {payload.hex()}"
            assert split_ip(raw) == (self.engine.where(source), self.engine.where(local), payload), raw.hex()

    def succeed(self, step: Succeed) -> None:
        """See Succeed."""
        found = self.engine.succeed(step.table)
        assert found == step.targets, f"{found} targets, not {step.targets}"


def states_in(body: bytes) -> States:
    """What of a state's parts goes into ADD_TARGET."""
    ssrcs = srtp = b""
    outputs: list[bytes] = []
    for kind, whole, _ in abi.parts_of(body[192:]):
        if kind == abi.SSRCS:
            ssrcs = whole
        elif kind == abi.OUTPUT_STATE:
            outputs.append(b"")
        elif kind == abi.SRTP_STATES and outputs:
            outputs[-1] = whole
        elif kind == abi.SRTP_STATES:
            srtp = whole
    return States(ssrcs, srtp, tuple(outputs))


def compare(state: abi.State, books: dict[str, Any], terminal: bool, exact_clock: bool) -> str:
    """Where a state and the books disagree."""
    def sums(c: abi.Counters) -> tuple[int, int, int, int]:
        return c.packets, c.bytes, c.errors, c.passed

    found = {
        "sums": sums(state.counters), "drops": state.drops,
        "ssrcs": {s.ssrc: (s.last_pt, s.resets, s.ext_seq, s.packets, s.bytes, s.lost, s.duplicates, s.reordered)
                  for s in state.ssrcs},
        "jitter": {s.ssrc: s.jitter for s in state.ssrcs} if exact_clock else books["jitter"],
        "pts": state.pts, "outputs": [sums(o.counters) for o in state.outputs]}
    wanted = dict(books, sums=books["sums"][terminal])
    return "\n".join(f"{key}: {found[key]}\nnot {wanted[key]}" for key in wanted if found[key] != wanted[key])


def _short(step: Step) -> str:
    text = repr(step)
    return text if len(text) < 300 else text[:300] + "..."
