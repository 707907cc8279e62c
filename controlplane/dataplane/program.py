# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the sessions want to what the engines hold: the relay always, the accelerator where it may.

The relay holds every target. One that may be offloaded is in the accelerator as well, which then takes the
packets before they reach the relay's socket; what it leaves alone, and what is still queued on the socket while
it takes over, the relay forwards. So no packet is lost or sent twice when a stream changes sides.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from controlplane.addresses import Endpoint
from controlplane.dataplane.ledger import Addition, Ledger, merge_sources
from controlplane.dataplane.stats import Engine
from controlplane.events import ChangeSet, Counters, StreamStats, WantedTarget

_log = logging.getLogger("rtpengine.core")
_NOTHING = Counters()


class Program:
    """Keeps the engines at what the sessions want.

    ``close_socket`` is called for each socket that the sessions gave up, after its targets are gone.
    """

    def __init__(self, relay: Engine, accelerator: Engine | None, close_socket: Callable[[Endpoint], None]):
        self._relay = Ledger(relay)
        self._fast = Ledger(accelerator) if accelerator is not None else None
        self._close_socket = close_socket

    def apply(self, changes: ChangeSet) -> None:
        """Carry out a change set: what leaves the accelerator first, then the relay, then what enters it."""
        wanted = list(changes.wanted.values())
        seeds = self._leave_accelerator([w.local for w in wanted if not _may_offload(w)] + changes.closed)
        self._install_relay(wanted, seeds)
        self._enter_accelerator([w for w in wanted if _may_offload(w)])
        self._close(changes.closed)

    def _leave_accelerator(self, locals_: list[Endpoint]) -> dict[Endpoint, tuple[bytes, ...]]:
        if self._fast is None:
            return {}
        return {local: state.seeds for local, state in self._fast.remove(locals_).items()}

    def _install_relay(self, wanted: Iterable[WantedTarget], seeds: dict[Endpoint, tuple[bytes, ...]]) -> None:
        additions = [Addition(w, seeds.get(w.local, ())) for w in wanted]
        for addition, error in self._relay.add(additions):
            _log.error("relay: %s", error)

    def _enter_accelerator(self, wanted: list[WantedTarget]) -> None:
        """Hand over with the sequence state; packets that came in between are merged in afterwards."""
        if self._fast is None or not wanted:
            return
        installed = [w for w in wanted if w.local in self._relay.installed]
        additions = [Addition(w, self._relay.seeds(w.local)) for w in installed]
        refused = {a.wanted.local: error for a, error in self._fast.add(additions)}
        for error in refused.values():
            _log.warning("accelerator: %s; the stream stays in user space", error)
        self._fast.remove(list(refused))
        late = []
        for a in additions:
            if a.wanted.local not in refused and (now := self._relay.seeds(a.wanted.local)) != a.seeds:
                late.append(Addition(a.wanted, now))
        for _, error in self._fast.add(late):
            _log.error("accelerator: %s", error)

    def _close(self, closed: list[Endpoint]) -> None:
        self._relay.remove(closed)
        for local in closed:
            self._close_socket(local)
            self._relay.close(local)
            if self._fast is not None:
                self._fast.close(local)

    def stats(self) -> dict[Endpoint, StreamStats]:
        """What every open socket with a target received and sent."""
        return {local: self.stream_stats(local) for local in self._relay.installed}

    def stream_stats(self, local: Endpoint) -> StreamStats:
        """What one socket received and sent, in user space and through the accelerator."""
        relay, fast = self._relay, self._fast
        if fast is None:
            return StreamStats(relay.received(local), _NOTHING, relay.sent(local), _NOTHING, relay.sources(local))
        return StreamStats(
            relay.received(local), fast.received(local), relay.sent(local), fast.sent(local),
            merge_sources(relay.sources(local), fast.sources(local)), local in fast.installed)

    def drop_accelerator(self) -> None:
        """Take every stream back to the relay (the accelerator is about to go)."""
        if self._fast is None:
            return
        held = [self._relay.installed[local].wanted for local in self._fast.installed]
        self._install_relay(held, self._leave_accelerator([w.local for w in held]))


def _may_offload(wanted: WantedTarget) -> bool:
    return wanted.offload and not wanted.learning and bool(wanted.rtp_outputs or wanted.rtcp_outputs)
