# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed in one engine, and every packet it ever counted for the sockets still open."""
from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.indices import KeyUse, is_encrypted, uses
from controlplane.dataplane.stats import Activities, Engine, OutputReader, TargetReader
from controlplane.dataplane.watch import Sight
from controlplane.errors import DataPlaneError
from controlplane.events import NOTHING, Counters, SsrcStats, WantedTarget


class Installed:
    """A target as an engine holds it: where its counters are.

    ``outputs``: the local socket an output sends from, and the output's slot; ``uses``: of the keys it encrypts and
    decrypts with.
    """

    def __init__(self, wanted: WantedTarget, slot: int, outputs: tuple[tuple[Endpoint, int], ...],
                 uses: tuple[KeyUse, ...]):
        self.wanted = wanted
        self.slot = slot
        self.outputs = outputs
        self.uses = uses


class Addition:
    """A target to install, going on where the engine that gave ``seeds`` was."""

    def __init__(self, wanted: WantedTarget, seeds: abi.Seeds = abi.NO_SEEDS):
        self.wanted = wanted
        self.seeds = seeds


class Reading(NamedTuple):
    """All that an engine consumed on a socket and sent from it, and the RTP sources it saw there."""

    received: Counters = NOTHING
    sent: Counters = NOTHING
    sources: tuple[SsrcStats, ...] = ()


NO_READING: Final = Reading()
"""Of a socket on which nothing has happened."""


class Activity(NamedTuple):
    """The activity of all targets' and of all outputs' slots."""

    received: Activities
    sent: Activities

    def of(self, slot: int | None, senders: tuple[int, ...]) -> int:
        """That of a socket."""
        now = self.received[slot] if slot is not None else 0
        for sender in senders:
            now += self.sent[sender]
        return now


class _Account:
    """A socket's slots, what was counted for it in slots given up since, and how it was read last.

    ``activity`` is what the readers' activity() gave for the slots then, negative if they have changed.
    """

    slot: int | None = None
    activity: int = -1

    def __init__(self) -> None:
        self.senders: tuple[int, ...] = ()
        self.past = NO_READING
        self.reading = NO_READING


class Ledger:
    """One engine's targets. Counters of what was removed are kept until the socket closes.

    ``rtcp_stream`` is the index of the stream that their RTCP is copied to, 0 for none; what is discarded is not.
    ``found`` is what another process has left there: add() goes on with it, abandon() removes the rest.
    """

    def __init__(self, engine: Engine, rtcp_stream: int = 0, found: Iterable[abi.TargetState] = ()):
        self._engine = engine
        self._rtcp_stream = rtcp_stream
        self._targets = TargetReader(engine)
        self._outputs = OutputReader(engine)
        self.installed: dict[Endpoint, Installed] = {}
        self._accounts: dict[Endpoint, _Account] = {}
        self._holders: dict[KeyUse, set[Endpoint]] = {}
        self._found = {state.local: state for state in found}
        self.unsent: set[Endpoint] = set()
        """The targets of which read() has found that an output could not send."""

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
        tap = self._rtcp_stream
        records = []
        for i, each in enumerate(additions):
            try:
                records.append(abi.add_target(
                    each.wanted, each.seeds, cookie=i,
                    rtcp_stream=tap if each.wanted.is_rtp and not each.wanted.discard else 0))
            except struct.error:    # one of them must not keep the others from what they need
                refused.append((each, DataPlaneError(errno.ERANGE, f"target {each.wanted.local}")))
        for batch in abi.batches(records):
            for cookie, status, slot, output_slots in abi.added(self._engine.command(batch)):
                addition = additions[cookie]
                if status:
                    refused.append((addition, DataPlaneError(-status, f"target {addition.wanted.local}")))
                else:
                    self._note(addition.wanted, slot, output_slots)
        return refused

    def _note(self, wanted: WantedTarget, slot: int, output_slots: tuple[int, ...]) -> None:
        outputs = tuple([(o.source, s) for o, s in zip(abi.outputs_of(wanted), output_slots)])
        before = self.installed.get(wanted.local)
        if self._found:
            self._adopt(wanted.local)
        if before is not None and before.uses:
            self._drop_keys(before)
        used = tuple(uses(wanted)) if is_encrypted(wanted) else ()
        for use in used:
            self._holders.setdefault(use, set()).add(wanted.local)
        self.installed[wanted.local] = Installed(wanted, slot, outputs, used)
        self._account(wanted.local).slot = slot
        if before is not None:
            if before.outputs == outputs:
                return
            self._retire_outputs([output for output in before.outputs if output not in outputs])
        for source, output_slot in outputs:
            account = self._account(source)
            if output_slot not in account.senders:
                account.senders += output_slot,

    def _adopt(self, local: Endpoint) -> None:
        """Another process has counted in the slots of this target: only what comes on top is ours."""
        state = self._found.pop(local, None)
        if state is None:
            return
        account = self._account(local)
        received, sent, sources = account.past
        account.past = Reading(received + state.counters.negative, sent,
                               merge_sources(sources, tuple([source.negative for source in state.sources])))
        for output in state.outputs:
            account = self._account(output.source)
            account.past = account.past._replace(sent=account.past.sent + output.counters.negative)

    def abandon(self) -> list[tuple[Endpoint, abi.Seeds]]:
        """Remove what was found and nobody has asked for; where each of these was."""
        found, self._found = list(self._found), {}
        answers = [self._engine.command(batch) for batch in abi.batches([abi.del_target(local) for local in found])]
        return [(local, _read_seeds(reply)) for local, reply in zip(
            found, [reply for answer in answers for reply in abi.replies(answer)]) if not reply.status]

    def _retire_outputs(self, outputs: Iterable[tuple[Endpoint, int]]) -> None:
        """An output's slot is zeroed only when it is given out again, which nothing but add() does."""
        for source, slot in outputs:
            if source not in self._accounts:  # closed before the target that sends from it
                continue
            account = self._account(source)
            account.senders = tuple([other for other in account.senders if other != slot])
            received, sent, sources = account.past
            account.past = Reading(received, sent + self._outputs.counters(slot), sources)

    def _delete(self, locals_: Iterable[Endpoint]) -> tuple[list[Installed], list[bytes]]:
        """Take targets out of the engine, and what it says of them. Their slots can still be read."""
        known = [local for local in locals_ if local in self.installed]
        answers = [self._engine.command(batch) for batch in abi.batches([abi.del_target(local) for local in known])]
        targets = [self.installed.pop(local) for local in known]
        for target in targets:
            if target.uses:
                self._drop_keys(target)
        return targets, answers

    def _drop_keys(self, target: Installed) -> None:
        for use in target.uses:
            holders = self._holders.get(use)
            if holders is not None:
                holders.discard(target.wanted.local)
                if not holders:
                    del self._holders[use]

    def holders(self, wanted: WantedTarget) -> set[Endpoint]:
        """The targets that use one of the keys of ``wanted`` for the same."""
        nobody: set[Endpoint] = set()
        return nobody.union(*[self._holders.get(use, nobody) for use in uses(wanted)])

    def remove(self, locals_: Iterable[Endpoint]) -> dict[Endpoint, Addition]:
        """Remove those that are installed; returns them with what another engine needs to go on."""
        removed = {}
        targets, answers = self._delete(locals_)
        for target, reply in zip(targets, [reply for answer in answers for reply in abi.replies(answer)]):
            local = target.wanted.local
            removed[local] = Addition(target.wanted, _read_seeds(reply) if is_encrypted(target.wanted)
                                      else self._targets.seeds(target.slot))
            account = self._account(local)
            received, sent, sources = account.past
            account.slot = None
            account.past = Reading(received + self._targets.counters(target.slot), sent,
                                   merge_sources(sources, self._targets.sources(target.slot)))
            self._retire_outputs(target.outputs)
        return removed

    def close(self, locals_: Iterable[Endpoint]) -> None:
        """The sockets are about to go: remove their targets and forget what was counted for them."""
        gone = set(locals_)
        for target in self._delete(gone)[0]:
            self._retire_outputs([output for output in target.outputs if output[0] not in gone])
        for local in gone:
            self._accounts.pop(local, None)

    def activity(self) -> Activity:
        """The activity of all slots at this moment, for many calls of read()."""
        return Activity(self._targets.activities(), self._outputs.activities())

    def read(self, local: Endpoint, activity: Activity | None = None) -> Reading:
        """All that is known of the socket; the same object as before if nothing was counted since."""
        account = self._accounts.get(local)
        if account is None:
            return NO_READING
        now = self._activity(account) if activity is None else activity.of(account.slot, account.senders)
        if now != account.activity:
            account.activity = now
            account.reading = self._evaluate(local, account) if now else account.past
        return account.reading

    def _activity(self, account: _Account) -> int:
        now = self._targets.activity(account.slot) if account.slot is not None else 0
        for slot in account.senders:
            now += self._outputs.activity(slot)
        return now

    def _evaluate(self, local: Endpoint, account: _Account) -> Reading:
        received, sent, sources = account.past
        for slot in account.senders:
            sent += self._outputs.counters(slot)
        if account.slot is not None:
            now = self._targets.counters(account.slot)
            if now != NOTHING:
                received += now
                sources = merge_sources(sources, self._targets.sources(account.slot))
                if self._targets.last_unsent:
                    self.unsent.add(local)
        return Reading(received, sent, sources)

    def sight(self, local: Endpoint, missed: int) -> Sight:
        """What became of the packets of an installed target; ``missed`` have not come to this engine."""
        target = self.installed[local]
        taken, unsent = self._targets.fate(target.slot)
        return Sight(missed, taken, sum([self._outputs.counters(slot).packets for _, slot in target.outputs]), unsent)

    def seeds(self, local: Endpoint) -> abi.Seeds:
        """What another engine needs to go on with an installed target."""
        target = self.installed[local]
        if not is_encrypted(target.wanted):
            return self._targets.seeds(target.slot)
        return _read_seeds(self._ask(local))

    def state(self, local: Endpoint) -> abi.TargetState | None:
        """What the engine says of a target; None if it has none there. DataPlaneError."""
        if local not in self.installed:
            return None
        return abi.read_state(self._ask(local).check("state of a target").body)

    def _ask(self, local: Endpoint) -> abi.Reply:
        (reply,) = abi.replies(self._engine.command(abi.batch(abi.get_target(local))))
        return reply


def _read_seeds(reply: abi.Reply) -> abi.Seeds:
    return abi.read_state(reply.check("state of a target").body).seeds


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
