# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the sessions want to what the engines hold: the relay always, the accelerator where it may.

The relay holds every target. One that may be offloaded is in the accelerator as well, which then takes the
packets before they reach the relay's socket; what it leaves alone, and what is still queued on the socket while
it takes over, the relay forwards. So no packet is lost or sent twice when a stream changes sides.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from controlplane.addresses import Endpoint
from controlplane.dataplane import abi
from controlplane.dataplane.indices import Indices, goes_on, is_encrypted
from controlplane.dataplane.look import Look, why_not
from controlplane.dataplane.ledger import NO_READING, Addition, Ledger, Reading, merge_sources
from controlplane.dataplane.selector import Accelerator
from controlplane.dataplane.relay import Relay
from controlplane.dataplane.rtcp import TappedEngine
from controlplane.dataplane.watch import Watch
from controlplane.errors import DataPlaneError
from controlplane.events import ChangeSet, StreamStats, WantedTarget

_log = logging.getLogger("rtpengine.core")
_SILENT: Final = StreamStats()
_PIECE = 512
"""Sockets whose counters are read at once: some milliseconds if all of them are busy."""
Move = tuple[Endpoint, str]
"""A socket, and why user space serves it now; empty: the accelerator does."""
_Latest = tuple[Reading, Reading, StreamStats]


class Program:
    """Keeps the engines at what the sessions want.

    ``close_socket`` is called for each socket that the sessions gave up, after its targets are gone. ``tap`` gives the
    index of the stream that an engine is to copy RTCP to. ``found`` are targets of another process, with which the
    accelerator goes on until claimed(). ``moves`` into the accelerator and out of it are there to be taken.
    """

    def __init__(self, relay: Relay, accelerator: Accelerator | None, close_socket: Callable[[Endpoint], None],
                 tap: Callable[[TappedEngine], int] = lambda engine: 0, found: Iterable[abi.TargetState] = ()):
        self._engine = relay
        self._relay = Ledger(relay, tap(relay))
        self._accelerator = accelerator
        self._fast = Ledger(accelerator, tap(accelerator), found) if accelerator is not None else None
        self._close_socket = close_socket
        self._latest: dict[Endpoint, _Latest] = {}
        self._handed: dict[Endpoint, abi.Seeds] = {}
        self.watch = Watch()
        self._missed: set[Endpoint] = set()
        self.moves: list[Move] = []

    def apply(self, changes: ChangeSet, carried: Indices | None = None) -> None:
        """Carry out a change set: what leaves the accelerator first, then the relay, then what enters it.

        ``carried``: the SRTP indices that another process has come to.
        """
        wanted = list(changes.wanted.values())
        indices = self._indices([w for w in wanted if is_encrypted(w)])
        if carried is not None:
            indices.merge(carried)
        held = self.watch.held
        left = {} if self._fast is None else self._leave_accelerator(
            self._fast, [w.local for w in wanted if not _may_offload(w) or w.local in held], changes.closed)
        if left:
            self.moves += [(local, why_not(changes.wanted[local])) for local in left]
        self._install_relay(wanted, left, indices)
        if self._fast is not None:
            self._enter_accelerator(self._fast, [w for w in wanted if _may_offload(w) and w.local not in held])
        for local, expected in changes.expected.items():
            self._engine.expect(local, expected)
        self._relay.close(changes.closed)
        for local in changes.closed:
            self._latest.pop(local, None)
            self.watch.forget(local)
            self._close_socket(local)

    def take_moves(self) -> list[Move]:
        """Those since the last time."""
        moves, self.moves = self.moves, []
        return moves

    def claimed(self) -> int:
        """All calls of the process before are restored: what belongs to none of them leaves the accelerator.

        Returns how many targets did. Those that only user space may serve now go on there where they were.
        """
        if self._fast is None:
            return 0
        try:
            left = self._fast.abandon()
        except DataPlaneError as error:
            self._give_up(error)
            return 0
        ours = [Addition(self._relay.installed[local].wanted, seeds) for local, seeds in left
                if local in self._relay.installed]
        for _, refusal in self._relay.add(ours):
            _log.error("relay: %s", refusal)
        if len(left) > len(ours):
            _log.warning("%d streams of the process before belong to no call that goes on: ended",
                         len(left) - len(ours))
        return len(left)

    def _leave_accelerator(self, fast: Ledger, removed: list[Endpoint],
                           closed: list[Endpoint]) -> dict[Endpoint, Addition]:
        """Those ``removed``, and where they were."""
        try:
            left = fast.remove(removed)
            fast.close(closed)
            return left
        except DataPlaneError as error:
            self._give_up(error)
            return {}

    def _indices(self, wanted: Iterable[WantedTarget]) -> Indices:
        """What was used under the keys of those that begin anew in one of the engines, or have other keys there now."""
        indices = Indices()
        ledgers = [self._relay] if self._fast is None else [self._relay, self._fast]
        for target in wanted:
            before = [ledger.installed.get(target.local) for ledger in ledgers]
            if before[0] is None or not all([goes_on(each.wanted, target) for each in before if each is not None]):
                for ledger in ledgers:
                    for local in ledger.holders(target):
                        indices.add(ledger.installed[local].wanted, ledger.seeds(local))
        return indices

    def indices_of(self, sockets: Iterable[Endpoint]) -> Indices:
        """What was used under the keys of these sockets so far."""
        indices = Indices()
        for ledger in [self._relay] if self._fast is None else [self._relay, self._fast]:
            for local in sockets:
                target = ledger.installed.get(local)
                if target is not None and target.uses:
                    indices.add(target.wanted, ledger.seeds(local))
        return indices

    def _install_relay(self, wanted: Iterable[WantedTarget], left: dict[Endpoint, Addition], indices: Indices) -> None:
        for before in left.values():
            indices.add(before.wanted, before.seeds)
        additions = []
        for w in wanted:
            sources = left[w.local].seeds.sources if w.local in left else b""
            seeds = indices.seeds(w, sources) if is_encrypted(w) else abi.Seeds(sources) if sources else abi.NO_SEEDS
            additions.append(Addition(w, seeds))
        for addition, error in self._relay.add(additions):
            _log.error("relay: %s", error)

    def _enter_accelerator(self, fast: Ledger, wanted: list[WantedTarget]) -> None:
        if not wanted:
            return
        try:
            self._hand_over(fast, wanted)
        except DataPlaneError as error:
            self._give_up(error)

    def _give_up(self, error: DataPlaneError) -> None:
        """The accelerator failed: without its targets everything reaches the relay, which has them all."""
        _log.error("accelerator: %s; all media go on in user space", error)
        if self._fast is not None:
            self.moves += [(local, f"the accelerator has failed: {error}") for local in self._fast.installed]
        self._fast = None
        if self._accelerator is not None:
            try:
                self._accelerator.close()
            except OSError as again:
                _log.error("accelerator: %s; media that it had taken over may go astray", again)

    def _hand_over(self, fast: Ledger, wanted: list[WantedTarget]) -> None:
        """Hand over with the sequence state; what the relay has let through since then is merged in afterwards.

        Of encrypted streams that is all that had come to the socket: what is not known to have been there could come
        once more. Should something still be under way, the next look at the counters finds it.
        """
        installed = [w for w in wanted if w.local in self._relay.installed]
        additions = [Addition(w, self._relay.seeds(w.local)) for w in installed]
        there = {w.local for w in installed if w.local in fast.installed}
        refused = {a.wanted.local: error for a, error in fast.add(additions)}
        for error in refused.values():
            _log.warning("accelerator: %s; the stream stays in user space", error)
        if refused:     # what it knew of those that it had is known to nobody else
            self._install_relay([w for w in installed if w.local in refused], fast.remove(list(refused)), Indices())
        accepted = [a for a in additions if a.wanted.local not in refused]
        self.moves += [(local, f"the accelerator has refused it: {error}") for local, error in refused.items()]
        self.moves += [(a.wanted.local, "") for a in accepted if a.wanted.local not in there]
        encrypted = [a for a in accepted if is_encrypted(a.wanted)]
        if encrypted:
            self._engine.drain([a.wanted.local for a in encrypted])
        merged = self._merge(fast, accepted)
        self._handed.update({a.wanted.local: merged.get(a.wanted.local, a.seeds) for a in encrypted})

    def _merge(self, fast: Ledger, additions: list[Addition]) -> dict[Endpoint, abi.Seeds]:
        """Merge in what the relay knows by now, where that differs from the seeds; what was merged."""
        late = []
        for a in additions:
            now = self._relay.seeds(a.wanted.local)
            if now != a.seeds:
                late.append(Addition(a.wanted, now))
        for _, error in fast.add(late):
            _log.error("accelerator: %s", error)
        return {a.wanted.local: a.seeds for a in late}

    def _merge_handed(self) -> None:
        """The same for encrypted streams that were handed over since the last look."""
        handed, self._handed = self._handed, {}
        if self._fast is None or not handed:
            return
        try:
            self._merge(self._fast, [Addition(self._fast.installed[local].wanted, seeds)
                                     for local, seeds in handed.items() if local in self._fast.installed])
        except DataPlaneError as error:
            self._give_up(error)

    def look(self, local: Endpoint) -> Look:
        """What the engines do with one socket now. DataPlaneError if one of them does not answer."""
        held = self._relay.installed.get(local)
        return Look(held.wanted if held is not None else None, self._relay.state(local),
                    self._fast.state(local) if self._fast is not None else None, self._fast is not None,
                    self.watch.held.get(local, ""), self.watch.pause(local))

    def stats(self) -> Iterator[dict[Endpoint, StreamStats]]:
        """What every open socket with a target received and sent, in pieces; sockets may come and go in between."""
        self._merge_handed()
        every = list(self._relay.installed)
        for at in range(0, len(every), _PIECE):
            yield self._stats_of(every[at:at + _PIECE])
        self._verify()

    def _verify(self) -> None:
        """Take from the accelerator what it fails, and let it try again what it has failed long ago."""
        fast, watch = self._fast, self.watch
        if fast is None:
            return
        suspects = self._missed | fast.unsent
        self._missed, fast.unsent = set(), set()
        failed = watch.judge({local: fast.sight(local, self._relay.read(local).received.arrived)
                              for local in suspects if local in fast.installed})
        if failed:
            self._demote(fast, failed)
        if watch.held and self._fast is not None:
            wanted = [self._relay.installed[local].wanted for local in watch.released()
                      if local in self._relay.installed]
            self._enter_accelerator(fast, [w for w in wanted if _may_offload(w)])

    def _demote(self, fast: Ledger, failed: dict[Endpoint, str]) -> None:
        for reason in set(failed.values()):
            those = [local for local in failed if failed[local] == reason]
            _log.warning("Taken back to user space: %s%s, as %s; 'rtpengine-ctl doctor' looks for the cause", those[0],
                         f" and {len(those) - 1} more" if len(those) > 1 else "", reason)
        wanted = [fast.installed[local].wanted for local in failed]
        indices = self._indices([w for w in wanted if is_encrypted(w)])
        left = self._leave_accelerator(fast, list(failed), [])
        self.moves += [(local, failed[local]) for local in left]
        self._install_relay(wanted, left, indices)

    def _stats_of(self, sockets: list[Endpoint]) -> dict[Endpoint, StreamStats]:
        relay, fast = self._relay, self._fast
        open_ones = [local for local in sockets if local in relay.installed]
        look = relay.activity()
        if fast is None:
            return {local: self._combined(local, relay.read(local, look), NO_READING) for local in open_ones}
        look_fast = fast.activity()
        return {local: self._combined(local, relay.read(local, look), fast.read(local, look_fast))
                for local in open_ones}

    def stream_stats(self, local: Endpoint) -> StreamStats:
        """What one socket received and sent, in user space and through the accelerator.

        The same object as before if nothing was counted since.
        """
        return self._combined(local, self._relay.read(local),
                              NO_READING if self._fast is None else self._fast.read(local))

    def _combined(self, local: Endpoint, relay: Reading, fast: Reading) -> StreamStats:
        offloaded = self._fast is not None and local in self._fast.installed
        if relay is NO_READING and fast is NO_READING and not offloaded:
            return _SILENT
        latest = self._latest.get(local)
        if latest is not None:
            if latest[0] is relay and latest[1] is fast and latest[2].offloaded == offloaded:
                return latest[2]
            if offloaded and latest[0] is not relay and latest[0].received != relay.received:
                self._missed.add(local)
        stats = StreamStats(relay.received, fast.received, relay.sent, fast.sent,
                            merge_sources(relay.sources, fast.sources), offloaded)
        self._latest[local] = relay, fast, stats
        return stats


def _may_offload(wanted: WantedTarget) -> bool:
    return wanted.offload and not wanted.learning and bool(wanted.rtp_outputs or wanted.rtcp_outputs)
