# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed in one engine, and every packet it ever counted for the sockets still open."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.stats import Engine, StatsReader
from controlplane.errors import DataPlaneError
from controlplane.events import NOTHING, Counters, SsrcStats, WantedTarget


class Installed(NamedTuple):
    """A target as an engine holds it: where its counters are."""

    wanted: WantedTarget
    slot: int
    outputs: tuple[tuple[Endpoint, int], ...]
    """Local socket an output sends from, and the output's slot."""


class Addition(NamedTuple):
    """A target to install, going on with the sequence state in ``seeds``."""

    wanted: WantedTarget
    seeds: tuple[bytes, ...] = ()


class Reading(NamedTuple):
    """All that an engine consumed on a socket and sent from it, and the RTP sources it saw there."""

    received: Counters = NOTHING
    sent: Counters = NOTHING
    sources: tuple[SsrcStats, ...] = ()


NO_READING = Reading()
"""Of a socket on which nothing has happened."""


@dataclass(slots=True)
class _Account:
    """A socket's slots, what was counted for it in slots given up since, and how it was read last.

    ``activity`` is what StatsReader.activity() gave for the slots then, negative if they have changed.
    """

    slot: int | None = None
    senders: tuple[int, ...] = ()
    past: Reading = NO_READING
    activity: int = -1
    reading: Reading = NO_READING


class Ledger:
    """One engine's targets. Counters of what was removed are kept until the socket closes."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._reader = StatsReader(engine)
        self.installed: dict[Endpoint, Installed] = {}
        self._accounts: dict[Endpoint, _Account] = {}

    def _account(self, local: Endpoint) -> _Account:
        """The account of a socket whose slots are about to change."""
        account = self._accounts.get(local)
        if account is None:
            account = self._accounts[local] = _Account()
        account.activity = -1
        return account

    def add(self, additions: list[Addition]) -> list[tuple[Addition, DataPlaneError]]:
        """Install or replace; returns those that the engine refused, with the reason."""
        refused = []
        records = [abi.add_target(wanted, seeds, cookie=i) for i, (wanted, seeds) in enumerate(additions)]
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
        outputs = tuple([(o.source, s) for o, s in zip(abi.outputs_of(wanted), output_slots)])
        before = self.installed.get(wanted.local)
        self.installed[wanted.local] = Installed(wanted, slot, outputs)
        self._account(wanted.local).slot = slot
        if before is not None:
            if before.outputs == outputs:
                return
            self._retire_outputs([output for output in before.outputs if output not in outputs])
        for source, output_slot in outputs:
            account = self._account(source)
            if output_slot not in account.senders:
                account.senders += output_slot,

    def _retire_outputs(self, outputs: Iterable[tuple[Endpoint, int]]) -> None:
        """An output's slot is zeroed only when it is given out again, which nothing but add() does."""
        for source, slot in outputs:
            if source not in self._accounts:  # closed before the target that sends from it
                continue
            account = self._account(source)
            account.senders = tuple([other for other in account.senders if other != slot])
            account.past = account.past._replace(sent=account.past.sent + self._reader.counters(slot))

    def _delete(self, locals_: Iterable[Endpoint]) -> Iterator[tuple[Endpoint, Installed]]:
        """Take targets out of the engine. Their slots can still be read; nothing else in the replies is of use."""
        known = [local for local in locals_ if local in self.installed]
        for batch in abi.batches([abi.del_target(local) for local in known]):
            self._engine.command(batch)
        for local in known:
            yield local, self.installed.pop(local)

    def remove(self, locals_: Iterable[Endpoint]) -> dict[Endpoint, tuple[bytes, ...]]:
        """Remove those that are installed; returns their sequence states for another engine."""
        seeds = {}
        for local, target in self._delete(locals_):
            seeds[local] = self._reader.seeds(target.slot)
            account = self._account(local)
            received, sent, sources = account.past
            account.slot = None
            account.past = Reading(received + self._reader.counters(target.slot), sent,
                                   merge_sources(sources, self._reader.sources(target.slot)))
            self._retire_outputs(target.outputs)
        return seeds

    def close(self, locals_: Iterable[Endpoint]) -> None:
        """The sockets are about to go: remove their targets and forget what was counted for them."""
        gone = set(locals_)
        for _, target in self._delete(gone):
            self._retire_outputs([output for output in target.outputs if output[0] not in gone])
        for local in gone:
            self._accounts.pop(local, None)

    def activity(self) -> Callable[[int], int]:
        """The activity of all slots at this moment, for many calls of read()."""
        return self._reader.activities().__getitem__

    def read(self, local: Endpoint, activity: Callable[[int], int] | None = None) -> Reading:
        """All that is known of the socket; the same object as before if nothing was counted since."""
        account = self._accounts.get(local)
        if account is None:
            return NO_READING
        look = activity or self._reader.activity
        now = sum(map(look, account.senders)) + (look(account.slot) if account.slot is not None else 0)
        if now != account.activity:
            account.activity = now
            account.reading = self._evaluate(account) if now else account.past
        return account.reading

    def _evaluate(self, account: _Account) -> Reading:
        received, sent, sources = account.past
        for slot in account.senders:
            sent += self._reader.counters(slot)
        if account.slot is not None:
            now = self._reader.counters(account.slot)
            if now != NOTHING:
                received += now
                sources = merge_sources(sources, self._reader.sources(account.slot))
        return Reading(received, sent, sources)

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
