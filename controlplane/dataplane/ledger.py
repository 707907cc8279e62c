# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed in one engine, and every packet it ever counted for the sockets still open."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.stats import Engine, StatsReader
from controlplane.errors import DataPlaneError
from controlplane.events import Counters, SsrcStats, WantedTarget

_NOTHING = Counters()


@dataclass(frozen=True, slots=True)
class Installed:
    """A target as an engine holds it: where its counters are."""

    wanted: WantedTarget
    slot: int
    outputs: tuple[tuple[Endpoint, int], ...]
    """Local socket an output sends from, and the output's slot."""


@dataclass(slots=True)
class Addition:
    """A target to install, going on with the sequence state in ``seeds``."""

    wanted: WantedTarget
    seeds: tuple[bytes, ...] = ()


class Ledger:
    """One engine's targets. Counters of what was removed are kept until the socket closes."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._reader = StatsReader(engine)
        self.installed: dict[Endpoint, Installed] = {}
        self._senders: dict[Endpoint, set[int]] = {}
        self._past_in: dict[Endpoint, Counters] = {}
        self._past_out: dict[Endpoint, Counters] = {}
        self._past_sources: dict[Endpoint, tuple[SsrcStats, ...]] = {}

    def add(self, additions: list[Addition]) -> list[tuple[Addition, DataPlaneError]]:
        """Install or replace; returns those that the engine refused, with the reason."""
        refused = []
        records = (abi.add_target(a.wanted, a.seeds, cookie=i) for i, a in enumerate(additions))
        for batch in abi.batches(records):
            for reply in abi.replies(self._engine.command(batch)):
                addition = additions[reply.cookie]
                if reply.status:
                    refused.append((addition, DataPlaneError(-reply.status, f"target {addition.wanted.local}")))
                else:
                    self._note(addition.wanted, reply)
        return refused

    def _note(self, wanted: WantedTarget, reply: abi.Reply) -> None:
        slot, output_slots = abi.read_slots(reply)
        outputs = tuple((o.source, s) for o, s in zip(abi.outputs_of(wanted), output_slots))
        before = self.installed.get(wanted.local)
        if before is not None:
            self._retire_outputs(before, keep=set(output_slots))
        self.installed[wanted.local] = Installed(wanted, slot, outputs)
        for source, output_slot in outputs:
            self._senders.setdefault(source, set()).add(output_slot)

    def _retire_outputs(self, target: Installed, keep: Iterable[int] = ()) -> None:
        """An output's slot is zeroed only when it is given out again, which nothing but add() does."""
        for source, slot in target.outputs:
            if slot not in keep:
                self._past_out[source] = self._past_out.get(source, _NOTHING) + self._reader.counters(slot)
                self._senders[source].discard(slot)

    def remove(self, locals_: list[Endpoint]) -> dict[Endpoint, abi.TargetState]:
        """Remove those that are installed; returns their final states."""
        known = [local for local in locals_ if local in self.installed]
        states: dict[Endpoint, abi.TargetState] = {}
        for batch in abi.batches(abi.del_target(local, i) for i, local in enumerate(known)):
            for reply in abi.replies(self._engine.command(batch)):
                local = known[reply.cookie]
                self._forget(local, None if reply.status else abi.read_state(reply.body), states)
        return states

    def _forget(self, local: Endpoint, state: abi.TargetState | None, states: dict[Endpoint, abi.TargetState]) -> None:
        target = self.installed.pop(local)
        if state is None:
            return
        states[local] = state
        self._past_in[local] = self._past_in.get(local, _NOTHING) + state.counters
        self._past_sources[local] = merge_sources(self._past_sources.get(local, ()), state.sources)
        for output in state.outputs:
            self._past_out[output.source] = self._past_out.get(output.source, _NOTHING) + output.counters
        for source, slot in target.outputs:
            self._senders[source].discard(slot)

    def close(self, local: Endpoint) -> None:
        """The socket is gone: forget what was counted for it."""
        for past in (self._past_in, self._past_out, self._past_sources, self._senders):
            past.pop(local, None)

    def received(self, local: Endpoint) -> Counters:
        """All that this engine consumed on the socket."""
        past = self._past_in.get(local)
        target = self.installed.get(local)
        if target is None:
            return past or _NOTHING
        now = self._reader.counters(target.slot)
        return now if past is None else past + now

    def sent(self, local: Endpoint) -> Counters:
        """All that this engine sent from the socket."""
        total = self._past_out.get(local)
        for slot in self._senders.get(local, ()):
            now = self._reader.counters(slot)
            total = now if total is None else total + now
        return total or _NOTHING

    def sources(self, local: Endpoint) -> tuple[SsrcStats, ...]:
        """The RTP sources seen on the socket."""
        past = self._past_sources.get(local, ())
        target = self.installed.get(local)
        return past if target is None else merge_sources(past, self._reader.sources(target.slot))

    def seeds(self, local: Endpoint) -> tuple[bytes, ...]:
        """The sequence state of an installed target."""
        return self._reader.seeds(self.installed[local].slot)


def merge_sources(first: tuple[SsrcStats, ...], second: tuple[SsrcStats, ...]) -> tuple[SsrcStats, ...]:
    """Statistics of the same sources from two engines, or from before and after: counts add up."""
    if not first or not second:
        return first or second
    merged = {s.ssrc: s for s in first}
    for s in second:
        old = merged.get(s.ssrc)
        if old is not None:
            last = s if s.last_packet >= old.last_packet else old
            s = SsrcStats(s.ssrc, s.packets + old.packets, s.bytes + old.bytes, s.lost + old.lost,
                          s.duplicates + old.duplicates, s.reordered + old.reordered, last.extended_sequence,
                          last.jitter, last.last_payload_type, last.last_timestamp, last.last_packet)
        merged[s.ssrc] = s
    return tuple(merged.values())
