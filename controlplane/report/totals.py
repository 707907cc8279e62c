# SPDX-License-Identifier: GPL-3.0-or-later
"""The text reports over everything: ``list totals``, ``counters``, ``numsessions`` and ``interfaces``."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from controlplane.report import latest
from controlplane.report.metrics import CURRENT, INTERFACE_VOIP, MEASURED, MOS, RATES, TOTAL, VOIP, Metric
from controlplane.ng.commands import NG_COMMANDS
from controlplane.report.snapshot import Interface, Snapshot

T = TypeVar("T")


def totals(snapshot: Snapshot) -> str:
    """The whole report of ``list totals``."""
    quality, interval = snapshot.statistics.quality, snapshot.statistics.interval
    lines = [
        "", "Statistics over currently running sessions:", "", *_lines(CURRENT, snapshot), "",
        "Total statistics (does not include current running sessions):", "", *_lines(TOTAL, snapshot), "", "",
        *([*latest.lines(interval.last), "", ""] if interval is not None else ()),
        "MOS statistics:", "", *_lines(MOS, quality), "", "",
        "VoIP metrics:", "", *_lines(VOIP, quality), "", "",
        "Control statistics:", "", *_control(snapshot), "", "",
    ]
    for interface in snapshot.interfaces:
        lines.append(f"VoIP metrics for interface {interface.ports.name}/{interface.ports.address}:")
        lines.extend(_lines(INTERFACE_VOIP, interface.counters.quality))
    lines += ["", "Measured whatever is reported:", "", *_lines(MEASURED, quality)]
    return _text(lines)


def rates(snapshot: Snapshot) -> str:
    """The per-second rates of ``list counters``."""
    return _text(["", "Current per-second counters:", "", *_lines(RATES, snapshot)])


def sessions(snapshot: Snapshot) -> str:
    """The seven lines of ``list numsessions``."""
    gauges = snapshot.sessions
    rows = (("own", gauges.own), ("foreign", gauges.foreign), ("total", gauges.total))
    media = (("transcoded", gauges.transcoded), ("ipv4 only", gauges.ipv4), ("ipv6 only", gauges.ipv6),
             ("ip mixed ", gauges.mixed))
    return _text([f"Current sessions {name}: {count}" for name, count in rows]
                 + [f"Current {'sessions ' if name[:2] == 'ip' else ''}{name} media: {count}"
                    for name, count in media])


def interfaces(snapshot: Snapshot) -> str:
    """Ports, traffic and quality per local address, as ``list interfaces`` shows them."""
    return "".join(_interface(interface) for interface in snapshot.interfaces)


def _interface(interface: Interface) -> str:
    ports, counters = interface.ports, interface.counters
    quality = counters.quality
    average = {name: sample.average if sample.count else float("nan") for name, sample in quality.samples.items()}
    family = "IPv4" if ports.address.family == 4 else "IPv6"
    return _text([
        f"Interface '{ports.name}' address '{ports.address}' ({family})",
        f" Port range: {ports.port_min:5d} - {ports.port_max:5d}",
        f" Ports used: {ports.used:5d} / {interface.size:5d} ({interface.used_percent:5.1f}%)",
        " Packets/bytes/errors:",
        *(f"  {name:<10} {side.packets:10d} / {side.bytes:10d} / {side.errors:10d}"
          for name, side in (("Ingress:", counters.ingress), ("Egress:", counters.egress))),
        f" Packets lost/duplicates: {quality.lost:10d} / {quality.duplicates:10d}",
        f" MOS:    avg {average['mos'] / 10:3.1f}, packet loss avg {average['packetloss']:3.0f}%",
        f" Jitter: avg {average['jitter']:3.0f} (measured {average['jitter_measured']:3.0f})",
        f" RTT:    e2e {average['rtt_e2e']:3.0f}, dsct {average['rtt_dsct']:3.0f}",
        "",
    ])


def _lines(metrics: Iterable[Metric[T]], subject: T) -> Iterator[str]:
    for metric in metrics:
        if metric.text is not None:
            yield f" {metric.text:<48}:{metric.value(subject)}{metric.unit}"


def _control(snapshot: Snapshot) -> Iterator[str]:
    yield f" {'Proxy':>20} " + "".join(f"| {command.short:>10} " for command in NG_COMMANDS)
    for address, client in snapshot.statistics.clients.items():
        yield f" {address:>20} " + "".join(f"| {client.counts.get(command.name, 0):10d} " for command in NG_COMMANDS)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
