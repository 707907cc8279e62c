# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics as Graphite takes them: a line of text for each value, over TCP."""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.events import NOTHING, Counters
from controlplane.ng.commands import NG_COMMANDS
from controlplane.report.interval import Extremes, Taken
from controlplane.report.snapshot import Snapshot

_NONE = Extremes()
_PARTS = ("errors", "packets", "bytes")
_REASONS = (("silent_timeout_sess", "SILENT_TIMEOUT"), ("final_timeout_sess", "FINAL_TIMEOUT"),
            ("offer_timeout_sess", "OFFER_TIMEOUT"), ("timeout_sess", "TIMEOUT"))
_UNSAFE = re.compile(r"[^\x21-\x7e]")
Value = tuple[str, "int | str"]


@dataclass(frozen=True, slots=True)
class Totals:
    """What has been counted up to some moment; intervals are the differences of two."""

    ended: dict[str, int]
    user: Counters = NOTHING
    kernel: Counters = NOTHING
    rejected: int = 0
    managed: int = 0
    zero_way: int = 0
    one_way: int = 0
    ended_seconds: float = 0.0
    call_seconds: float = 0.0

    def lasted(self, before: Totals) -> float:
        """Seconds that our calls have lasted since then."""
        return max(0.0, self.call_seconds - before.call_seconds)


def totals(snapshot: Snapshot) -> Totals:
    """All at the moment of ``snapshot``; ``call_seconds`` includes the calls that run."""
    statistics, sessions = snapshot.statistics, snapshot.sessions
    running = max(0.0, sessions.own * snapshot.now - sessions.begun)
    return Totals(dict(statistics.ended), statistics.traffic.user, statistics.traffic.kernel, statistics.rejected,
                  statistics.managed, statistics.zero_way, statistics.one_way, statistics.duration.total,
                  statistics.duration.total + running)


def lines(snapshot: Snapshot, before: Totals, taken: Taken, prefix: str) -> Iterator[str]:
    """The report on the interval from ``before`` to ``snapshot``, whose extremes are ``taken``."""
    for name, value in _values(snapshot, before, taken):
        yield f"{prefix}{_UNSAFE.sub('_', name)} {value} {int(snapshot.now)}\n"


def _values(snapshot: Snapshot, before: Totals, taken: Taken) -> Iterator[Value]:
    now = totals(snapshot)
    yield from _commands(snapshot, taken)
    ended = now.managed - before.managed
    average = (now.ended_seconds - before.ended_seconds) / ended if ended else 0.0
    yield "call_dur", f"{now.lasted(before):.6f}"
    yield "average_call_dur", f"{average:.6f}"
    yield "forced_term_sess", now.ended["FORCED"] - before.ended["FORCED"]
    yield "managed_sess", now.managed
    yield "managed_sess_min", int(taken.sessions.least)
    yield "managed_sess_max", int(taken.sessions.greatest)
    sessions = snapshot.sessions
    for name, gauge in (("sessions_total", sessions.total), ("sessions_own", sessions.own),
                        ("sessions_foreign", sessions.foreign), ("transcoded_media", sessions.transcoded),
                        ("sessions_ipv4", sessions.ipv4), ("sessions_ipv6", sessions.ipv6),
                        ("sessions_mixed", sessions.mixed)):
        yield f"current_{name}", gauge
    yield "nopacket_relayed_sess", now.zero_way - before.zero_way
    yield "oneway_stream_sess", now.one_way - before.one_way
    yield "regular_term_sess", now.ended["REGULAR"] - before.ended["REGULAR"]
    for suffix, new, old in (("_user", now.user, before.user), ("_kernel", now.kernel, before.kernel),
                             ("", now.user + now.kernel, before.user + before.kernel)):
        for part in _PARTS:
            yield f"relayed_{part}{suffix}", getattr(new, part) - getattr(old, part)
    for name, reason in _REASONS:
        yield name, now.ended[reason] - before.ended[reason]
    yield "reject_sess", now.rejected - before.rejected
    for interface in snapshot.interfaces:
        where = f"{interface.ports.name}_{interface.ports.address}"
        yield f"ports_free_{where}", interface.size - interface.ports.used
        yield f"ports_used_{where}", interface.ports.used


def _commands(snapshot: Snapshot, taken: Taken) -> Iterator[Value]:
    for command in NG_COMMANDS:
        name = command.name.replace(" ", "_")
        delay, rate = taken.delays.get(command.name, _NONE), taken.rates.get(command.name, _NONE)
        yield f"{name}_time_min", f"{delay.least:.6f}"
        yield f"{name}_time_max", f"{delay.greatest:.6f}"
        yield f"{name}_time_avg", f"{delay.mean:.6f}"
        yield f"{name}s_ps_min", round(rate.least)
        yield f"{name}s_ps_max", round(rate.greatest)
        yield f"{name}s_ps_avg", round(rate.mean)
        yield f"{name}_count", snapshot.statistics.served.get(command.name, 0)
