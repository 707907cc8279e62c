# SPDX-License-Identifier: GPL-3.0-or-later
"""The counters that only grow, and the rates derived from them once a second."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from controlplane.addresses import Address, Endpoint
from controlplane.events import NOTHING, Counters, SsrcStats, StreamStats
from controlplane.report.census import Census
from controlplane.report.clients import ControlClient, make_room
from controlplane.report.interval import Interval
from controlplane.report.load import Load
from controlplane.report.model import Call, Party, is_foreign
from controlplane.ng.commands import NG_NAMES


@dataclass(slots=True)
class Sampled:
    """Sum, sum of squares and number of the samples of one quantity."""

    total: float = 0.0
    squares: float = 0.0
    count: int = 0

    def add(self, sample: float) -> None:
        """Take one sample."""
        self.total += sample
        self.squares += sample * sample
        self.count += 1

    @property
    def average(self) -> float:
        """Arithmetic mean, 0 without samples."""
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation, 0 without samples."""
        return sqrt(abs(self.squares / self.count - self.average ** 2)) if self.count else 0.0


SAMPLED = ("mos", "jitter", "rtt_e2e", "rtt_dsct", "packetloss", "jitter_measured", "mos_measured",
           "packetloss_measured")


def _samples() -> dict[str, Sampled]:
    return {name: Sampled() for name in SAMPLED}


@dataclass(slots=True)
class Traffic:
    """Packets, bytes and errors received so far in user space and by the accelerator."""

    user: Counters = NOTHING
    kernel: Counters = NOTHING

    @property
    def total(self) -> Counters:
        """Both together."""
        return self.user + self.kernel


@dataclass(slots=True)
class Quality:
    """What was measured of the RTP received: packet counts and samples by the names of SAMPLED."""

    lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    skips: int = 0
    resets: int = 0
    samples: dict[str, Sampled] = field(default_factory=_samples)


@dataclass(slots=True)
class InterfaceCounters:
    """Traffic of one local address."""

    ingress: Counters = NOTHING
    egress: Counters = NOTHING
    quality: Quality = field(default_factory=Quality)


_SILENT = StreamStats()
_FLAWS = ("lost", "duplicates", "reordered")


@dataclass(slots=True)
class _Seen:
    """What was accounted for of one socket; ``flaws`` are the highest values by the names of _FLAWS."""

    stats: StreamStats = _SILENT
    flaws: tuple[int, ...] = (0, 0, 0)


REASONS = ("REGULAR", "FORCED", "TIMEOUT", "SILENT_TIMEOUT", "FINAL_TIMEOUT", "OFFER_TIMEOUT", "UNKNOWN")


class Statistics:
    """Everything counted since ``started`` (Unix time in seconds); ``interval`` if somebody reports regularly."""

    def __init__(self, started: float):
        self.started = started
        self.ended = dict.fromkeys(REASONS, 0)
        self.managed = 0
        self.rejected = 0
        self.one_way = 0
        self.demoted = 0
        """Streams that an accelerator had to give back."""
        self.lost_lines = 0
        """Lines that the local syslog did not take."""
        self.duration = Sampled()
        self.traffic = Traffic()
        self.rates = Traffic()
        self.census = Census()
        self.load = Load()
        self.interval: Interval | None = None
        self.quality = Quality()
        self.clients: dict[str, ControlClient] = {}
        self.served: dict[str, int] = {}
        """Requests that did not end in an error, by ng command; only these concern the interval."""
        self.interfaces: dict[Address, InterfaceCounters] = {}
        self._silent_parties = 0
        self._seen: dict[Endpoint, _Seen] = {}
        self._ticked = started
        self._at_tick = Traffic()

    @property
    def zero_way(self) -> int:
        """Streams that relayed nothing; two silent parties make one."""
        return self._silent_parties // 2

    def ng_request(self, command: str, source: str, seconds: float, error: bool) -> None:
        """Count one ng request; ``source`` is the client's IP address without its port."""
        client = self.clients.get(source)
        if client is None:
            make_room(self.clients, self._ticked)
            client = self.clients[source] = ControlClient()
        client.requests += 1
        client.heard = self._ticked
        if command in NG_NAMES:
            client.counts[command] = client.counts.get(command, 0) + 1
            client.seconds[command] = client.seconds.get(command, 0.0) + seconds
            if not error:
                self.served[command] = self.served.get(command, 0) + 1
                if self.interval is not None:
                    self.interval.request(command, seconds)
        client.errors += error

    def session_rejected(self) -> None:
        """Count an offer refused by the session limit."""
        self.rejected += 1

    def session_ended(self, call: Call, reason: str, now: float) -> None:
        """Count a call that ends; ``reason`` is one of REASONS. Foreign calls count only for FINAL_TIMEOUT.

        Call it before the sockets are given up, so that what they received last is not missed.
        """
        foreign = is_foreign(call)
        if not foreign or reason == "FINAL_TIMEOUT":
            self.ended[reason] += 1
        if foreign:
            return
        self.managed += 1
        ends = [now if party.ended is None else party.ended for party in call.parties]
        self.duration.add(max(0.0, max(ends, default=now) - call.created))
        received = [_received_rtp(party) for party in call.parties]
        for index, heard in enumerate(received):
            peers = received[:index] + received[index + 1:]
            if peers and heard and not any(peers):
                self.one_way += 1
            elif peers and not heard and not any(peers):
                self._silent_parties += 1

    def account(self, stats: Mapping[Endpoint, StreamStats]) -> None:
        """Add what each local socket received and sent since it was accounted last."""
        for local, current in stats.items():
            seen = self._seen.get(local)
            if current is seen.stats if seen is not None else current == _SILENT:
                continue
            if seen is None or _packets(current) < _packets(seen.stats):
                seen = self._seen[local] = _Seen()
            self._add(local, seen, current)

    def forget(self, local: Endpoint) -> None:
        """The socket is closed; the next one on this address and port counts from zero."""
        self._seen.pop(local, None)

    def tick(self, now: float) -> None:
        """Recompute the per-second rates; call it about once a second."""
        elapsed = now - self._ticked
        if elapsed <= 0:
            return
        before = self._at_tick
        self.rates = Traffic(_rate(self.traffic.user, before.user, elapsed),
                             _rate(self.traffic.kernel, before.kernel, elapsed))
        self._at_tick = Traffic(self.traffic.user, self.traffic.kernel)
        self._ticked = now

    def interface(self, address: Address) -> InterfaceCounters:
        """The counters of a local address, zero if nothing came by yet."""
        found = self.interfaces.get(address)
        if found is None:
            found = self.interfaces[address] = InterfaceCounters()
        return found

    def sample(self, address: Address, name: str, value: float) -> None:
        """Take a sample of one of SAMPLED, globally and for the local address."""
        self.quality.samples[name].add(value)
        self.interface(address).quality.samples[name].add(value)

    def _add(self, local: Endpoint, seen: _Seen, current: StreamStats) -> None:
        before, seen.stats = seen.stats, current
        user = _difference(current.user_in, before.user_in)
        kernel = _difference(current.kernel_in, before.kernel_in)
        self.traffic.user += user
        self.traffic.kernel += kernel
        interface = self.interface(local.address)
        interface.ingress += user + kernel
        interface.egress += (_difference(current.user_out, before.user_out)
                             + _difference(current.kernel_out, before.kernel_out))
        if current.sources:
            self._add_flaws(seen, current.sources, interface.quality)

    def _add_flaws(self, seen: _Seen, sources: tuple[SsrcStats, ...], local: Quality) -> None:
        now = tuple(map(sum, zip(*[(source.lost, source.duplicates, source.reordered) for source in sources])))
        if now == seen.flaws:
            return
        for name, new, old in zip(_FLAWS, now, seen.flaws):
            for quality in (self.quality, local):
                setattr(quality, name, getattr(quality, name) + max(0, new - old))
        seen.flaws = tuple(map(max, now, seen.flaws))


def _packets(stats: StreamStats) -> int:
    return stats.user_in.packets + stats.kernel_in.packets


def _difference(new: Counters, old: Counters) -> Counters:
    if new == old:
        return NOTHING
    return Counters(max(0, new.packets - old.packets), max(0, new.bytes - old.bytes),
                    max(0, new.errors - old.errors), new.last_packet)


def _rate(new: Counters, old: Counters, elapsed: float) -> Counters:
    return Counters(int((new.packets - old.packets) / elapsed), int((new.bytes - old.bytes) / elapsed),
                    int((new.errors - old.errors) / elapsed))


def _received_rtp(party: Party) -> bool:
    return any([_packets(stream.stats) > 0 for media in party.medias for stream in media.streams if stream.is_rtp])
