# SPDX-License-Identifier: GPL-3.0-or-later
"""What has changed at each local address since it was published last."""
from __future__ import annotations

from typing import Any, NamedTuple

from controlplane.addresses import Address
from controlplane.events import NOTHING, Counters
from controlplane.report.counters import Sampled
from controlplane.report.snapshot import Interface

QUANTITIES = ("mos", "jitter", "rtt_e2e", "rtt_dsct", "packetloss", "jitter_measured")
_PARTS = ("packets", "bytes", "errors")


class _Seen(NamedTuple):
    lost: int = 0
    duplicates: int = 0
    ingress: Counters = NOTHING
    egress: Counters = NOTHING
    samples: tuple[tuple[float, float, int], ...] = ((0.0, 0.0, 0),) * len(QUANTITIES)


class Locals:
    """Remembers the counters of each address."""

    def __init__(self) -> None:
        self._seen: dict[Address, _Seen] = {}

    def since(self, interface: Interface, elapsed: float | None) -> dict[str, Any]:
        """The parts of its document on the last ``elapsed`` seconds; no rates if that is None."""
        address, counters = interface.ports.address, interface.counters
        samples = [counters.quality.samples[name] for name in QUANTITIES]
        now = _Seen(counters.quality.lost, counters.quality.duplicates, counters.ingress, counters.egress,
                    tuple([(each.total, each.squares, each.count) for each in samples]))
        before = self._seen.get(address, _Seen())
        self._seen[address] = now
        changes: dict[str, dict[str, float]] = {
            "": {"packets_lost": now.lost - before.lost, "duplicates": now.duplicates - before.duplicates},
            "ingress_": _difference(now.ingress, before.ingress), "egress_": _difference(now.egress, before.egress)}
        found: dict[str, Any] = {f"{name}interval": change for name, change in changes.items()}
        found["voip_metrics_interval"] = _qualities(now, before)
        if elapsed:
            found |= {f"{name}rate": {part: value / elapsed for part, value in change.items()}
                      for name, change in changes.items()}
        return found


def _difference(new: Counters, old: Counters) -> dict[str, float]:
    return {part: getattr(new, part) - getattr(old, part) for part in _PARTS}


def _qualities(new: _Seen, old: _Seen) -> dict[str, float]:
    """Mean and deviation of each quantity, 0 where nothing was sampled."""
    found = {}
    for name, now, before in zip(QUANTITIES, new.samples, old.samples):
        sampled = Sampled(now[0] - before[0], now[1] - before[1], now[2] - before[2])
        scale = 10 if name == "mos" else 1
        found[name], found[f"{name}_stddev"] = sampled.average / scale, sampled.deviation / scale
    return found
