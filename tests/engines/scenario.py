# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed, sent and expected, by names of places: steps that any engine can be led through."""
from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.engines.books import Books, Sums
from tests.engines.packets import is_rtcp, is_rtp
from tests.kernel.guest import abi
from tests.kernel.guest.abi import Where
from tests.peers.srtp import CIPHERS, Keys, Sender

HMACS = {"NONE": 0, "NULL": 1, "SHA1": 2}
START_US = 1_700_000_000_000_000
FRAME_US = 20_000
LEFT_OUT, FAILS = "left out by a rule", "cannot be sent"


def number_of(place: str) -> int:
    """Of "near", "near1", "b31": the number behind the letters."""
    return int("0" + place.lstrip("abcdefghijklmnopqrstuvwxyz"))


def pack_keys(keys: Keys) -> bytes:
    """rtpe_srtp."""
    return abi.keys(CIPHERS[keys.cipher][0], HMACS[keys.hmac], keys.key, keys.salt, keys.rtp_tag, keys.rtcp_tag,
                    keys.mki, keys.flags)


@dataclass(frozen=True)
class Out:
    """An output; places by name."""

    src: str = "far"
    dst: str = "b"
    keys: Keys | None = None
    more: bytes = b""
    flags: int = 0
    tos: int = 0


@dataclass(frozen=True)
class Spec:
    """A target; places and interception streams by name. `counted` are payload types that `more` brings, `reported`
    those that are copied to where RTCP is."""

    outputs: tuple[Out, ...] = (Out(),)
    local: str = "near"
    flags: int = abi.RTP
    expect: str = ""
    mismatch: int = abi.IGNORE
    sources: tuple[str, ...] = ()
    ranges: tuple[int, int, int, int] | None = None
    payload_types: tuple[tuple[int, int], ...] = ((0, 8000), (8, 8000))
    keys: Keys | None = None
    mid_id: int = 0
    streams: tuple[str, str] = ("", "")
    ssrcs: tuple[bytes, ...] = ()
    more: bytes = b""
    count: int | None = None
    counted: tuple[tuple[int, int], ...] = ()
    reported: tuple[int, ...] = ()

    def pack(self, where: Callable[[str], Where], stream: Callable[[str], int], states: States | None) -> bytes:
        """The message of ADD_TARGET."""
        given = states or States()
        outputs = []
        for n, o in enumerate(self.outputs):
            more = (given.outputs[n] if n < len(given.outputs) and o.keys else b"") + o.more
            outputs.append(abi.output(where(o.src), where(o.dst), o.tos, pack_keys(o.keys) if o.keys else b"", o.flags,
                                      more))
        more = given.ssrcs + (given.srtp if self.keys else b"") + self.more
        return abi.Target(where(self.local), outputs, where(self.expect) if self.expect else None, self.flags,
                          self.mismatch, self.ranges, self.payload_types, self.ssrcs,
                          pack_keys(self.keys) if self.keys else b"", 0, self.mid_id,
                          (stream(self.streams[0]), stream(self.streams[1])), 0, self.count, more,
                          tuple(map(where, self.sources)), reported=self.reported).pack()

    @property
    def types(self) -> tuple[tuple[int, int], ...]:
        """Known payload types with their clock rates."""
        return self.payload_types + self.counted

    def range_of(self, packet: bytes) -> tuple[int, int]:
        """The outputs of a packet."""
        n = len(self.outputs)
        first, last, rtcp_first, rtcp_last = self.ranges or (0, n, 0, n)
        return (rtcp_first, rtcp_last) if self.flags & abi.RTP and is_rtcp(packet) else (first, last)


@dataclass(frozen=True)
class States:
    """Parts of a GET or DEL reply that go into an ADD_TARGET as they are."""

    ssrcs: bytes = b""
    srtp: bytes = b""
    outputs: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Add:
    """ADD_TARGET; `states_of` is the table whose last reply for this target goes along."""

    spec: Spec
    table: int
    replace: bool = False
    states_of: int | None = None
    error: int = 0


@dataclass(frozen=True)
class Arrival:
    """A datagram at a peer."""

    peer: str
    sender: str
    data: bytes


@dataclass(frozen=True)
class Send:
    """A datagram to a target; `up` means that it is passed to the socket behind the engine."""

    table: int
    source: str
    to: str
    data: bytes
    us: int
    arrivals: tuple[Arrival, ...]
    up: bool


@dataclass(frozen=True)
class Check:
    """GET_TARGET, or DEL_TARGET: the books must agree."""

    table: int
    local: str
    books: dict[str, Any]
    remove: bool = False


@dataclass(frozen=True)
class Intercept:
    """ADD_CALL and ADD_STREAM; the stream goes by `name` from then on."""

    table: int
    call: str
    name: str
    max_packets: int


def _is_signalling(spec: Spec, wire: bytes) -> bool:
    """True if the target hands this up to ICE or DTLS."""
    return bool(wire) and bool(spec.flags & (abi.STUN if wire[0] < 4 else abi.DTLS if 20 <= wire[0] < 64 else 0))


@dataclass(frozen=True)
class Copies:
    """What a stream must hold now: source, destination and payload of each packet."""

    table: int
    name: str
    packets: tuple[tuple[str, str, bytes], ...]


@dataclass(frozen=True)
class Succeed:
    """The owner of a table dies; another takes over and finds so many targets."""

    table: int
    targets: int


Step = Add | Send | Check | Intercept | Copies | Succeed


@dataclass
class _Installed:
    spec: Spec
    books: Books


@dataclass
class Scenario:
    """Records steps, and keeps the books of what they must come to."""

    steps: list[Step] = field(default_factory=list)
    us: int = START_US
    targets: dict[tuple[int, str], _Installed] = field(default_factory=dict)
    senders: dict[Any, Sender] = field(default_factory=dict)
    recorded: dict[str, list[tuple[str, str, bytes]]] = field(default_factory=dict)

    def add(self, spec: Spec | None = None, *, table: int = 0, replaces: bool = False, states_of: int | None = None,
            **changes: Any) -> Spec:
        """Installs a target (the standard one with changes), or replaces the one there."""
        made = replace(spec or Spec(), **changes)
        before = self.targets.get((table, made.local)) if replaces else None
        if before and isinstance(last := self.steps[-1], Send) and not last.arrivals:
            self.check(made.local, table=table)     # or it may meet the new target
        books = Books(outputs=[Sums() for _ in made.outputs])
        if before:
            books = before.books
            books.outputs = [books.outputs[n] if n < len(before.spec.outputs) and before.spec.outputs[n].src == o.src
                             else Sums() for n, o in enumerate(made.outputs)]
        if states_of is not None:
            known = self.targets[(states_of, made.local)].books
            for ssrc in known.used:
                books.adopt(ssrc, known.sources[ssrc])
        for raw in made.ssrcs:
            books.seed(*struct.unpack(">I4x", raw[:8]), *struct.unpack("<Q", raw[8:16]))
        for number, _ in made.types:
            books.pts.setdefault(number, Sums())
        self.targets[(table, made.local)] = _Installed(made, books)
        self.steps.append(Add(made, table, replaces, states_of))
        return made

    def refuse(self, error: int, spec: Spec | None = None, *, table: int = 0, replaces: bool = False,
               **changes: Any) -> None:
        """ADD_TARGET that fails with an errno and changes nothing."""
        self.steps.append(Add(replace(spec or Spec(), **changes), table, replaces, None, error))

    def sender(self, keys: Keys, *who: Any) -> Sender:
        """The one that encrypts with these keys, the same each time."""
        return self.senders.setdefault((keys, *who), Sender(keys))

    def send(self, plain: bytes, *, to: str = "near", source: str = "a", table: int = 0, wire: bytes | None = None,
             drop: str = "", up: bool = False, note: str = "", out: dict[int, bytes | str] | None = None,
             via: tuple[int, int] | None = None, gap_us: int = FRAME_US) -> bytes:
        """A packet, encrypted by the peer if the target has keys (or `wire`, as it is); returns what was sent.

        It arrives at every output of its kind as it is, unless `out` says otherwise, is passed `up` or dropped; `drop`
        and `note` are reasons that are counted: as an error, or only so.
        """
        here = self.targets[(table, to)]
        spec, books = here.spec, here.books
        if wire is None:
            wire = self.sender(spec.keys).protect(plain) if spec.keys else plain
        self.us += gap_us
        arrivals: list[Arrival] = []
        if note:
            books.drops[note] += 1
        if drop:
            books.fault(drop)
        if up:
            books.sums.pass_up(len(wire), _is_signalling(spec, wire))
        elif not drop or drop == "payload_type":
            self._consume(here, plain, wire, source)
            arrivals = self._outgoing(here, plain, out or {}, via or spec.range_of(plain))
        self.steps.append(Send(table, source, to, wire, self.us, tuple(arrivals), up))
        return wire

    def _consume(self, here: _Installed, plain: bytes, wire: bytes, source: str) -> None:
        spec, books = here.spec, here.books
        books.sums.take(len(wire))
        both = spec.flags & abi.RTP
        if both and is_rtp(plain):
            books.take_rtp(plain, self.us, dict(spec.types))
        reported = both and (is_rtcp(plain) or (is_rtp(plain) and plain[1] & 127 in spec.reported))
        copied = [spec.streams[0], spec.streams[1] if reported else ""]
        for name in filter(None, copied):
            self.recorded[name].append((source, spec.local, plain))

    def _outgoing(self, here: _Installed, plain: bytes, out: dict[int, bytes | str],
                  via: tuple[int, int]) -> list[Arrival]:
        arrivals = []
        for n in range(*via):
            o, sums, data = here.spec.outputs[n], here.books.outputs[n], out.get(n, plain)
            if data == LEFT_OUT:
                sums.passed += 1
            elif isinstance(data, str):
                sums.errors += 1
                here.books.drops["send"] += 1
            else:
                sums.take(len(data))
                sent = self.sender(o.keys, here.spec.local, n).protect(data) if o.keys else data
                arrivals.append(Arrival(o.dst, o.src, sent))
        return arrivals

    def check(self, local: str = "near", *, table: int = 0, remove: bool = False) -> None:
        """The engine's state of a target must be what the books say; with `remove`, its last one."""
        key = (table, local)
        self.steps.append(Check(table, local, self.targets[key].books.view(), remove))

    def end(self) -> list[Step]:
        """All targets are checked once more."""
        for table, local in self.targets:
            if not any(isinstance(s, Check) and s.remove and (s.table, s.local) == (table, local) for s in self.steps):
                self.check(local, table=table)
        return self.steps

    def move(self, source: int, destination: int, local: str = "near", **changes: Any) -> None:
        """DEL in one table, its parts into ADD in another."""
        spec = self.targets[(source, local)].spec
        self.check(local, table=source, remove=True)
        self.add(spec, table=destination, states_of=source, **changes)

    def merge(self, source: int, destination: int, local: str = "near") -> None:
        """What one table knows goes into the same target of another."""
        spec = self.targets[(destination, local)].spec
        self.add(spec, table=destination, states_of=source, replaces=True)

    def intercept(self, name: str, *, table: int = 0, max_packets: int = 100) -> None:
        """A call of its own with a stream."""
        self.recorded[name] = []
        self.steps.append(Intercept(table, f"call of {name}", name, max_packets))

    def copies(self, name: str, *, table: int = 0, last: int | None = None) -> None:
        """The stream holds what it should since the last look; no more than the `last` packets."""
        packets = self.recorded[name][-last if last else 0:]
        self.recorded[name] = []
        self.steps.append(Copies(table, name, tuple(packets)))

    def succeed(self, *, table: int = 0) -> None:
        """The owner of the table dies."""
        removed = {(s.table, s.local) for s in self.steps if isinstance(s, Check) and s.remove}
        left = [key for key in self.targets if key[0] == table and key not in removed]
        self.steps.append(Succeed(table, len(left)))


@dataclass(frozen=True)
class Entry:
    """A line of the table. `engines`: "all", "terminal" or "passing"; `tables`: how many it needs."""

    name: str
    tell: Callable[[Scenario], None]
    engines: str
    tables: int
    secure: bool

    def steps(self) -> list[Step]:
        """What is to be done, told anew."""
        told = Scenario()
        self.tell(told)
        return told.end()


TABLE: dict[str, Entry] = {}


def scenario(engines: str = "all", *, name: str = "", tables: int = 1,
             secure: bool = False) -> Callable[[Callable[[Scenario], None]], Callable[[Scenario], None]]:
    """Registers a function that tells a scenario; `secure` ones need ciphers."""
    def register(tell: Callable[[Scenario], None]) -> Callable[[Scenario], None]:
        entry = Entry(name or getattr(tell, "__name__", ""), tell, engines, tables, secure)
        assert entry.name not in TABLE, entry.name
        TABLE[entry.name] = entry
        return tell
    return register
