# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics as Prometheus reads them: its text format, version 0.0.4.

The names are those that dashboards for rtpengine know. Some counters among them do not end in ``_total``, which the
usual client library cannot write.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from controlplane import VERSION
from controlplane.ng.commands import NG_COMMANDS
from controlplane.report.clients import ControlClient
from controlplane.report.metrics import (CURRENT, FAMILIES, INTERFACE_LOSS, INTERFACE_PORTS, INTERFACE_VOIP, LOAD,
                                         MEASURED, MOS, TOTAL, TRAFFIC, VOIP, Kind, Metric)
from controlplane.report.snapshot import Interface, Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "rtpengine_"
Labels = tuple[tuple[str, str], ...]
_HELP = {
    "log_lines_lost_total": "Lines that syslog did not take", "ports_used": "Media ports in use",
    "ports_free": "Media ports not in use", "ports": "Media ports in all",
    "interface_packets_lost": "RTP packets that did not come to an interface",
    "interface_duplicates": "RTP packets that came to an interface again",
    "interface_packets": "Packets through an interface", "interface_bytes": "Bytes through an interface",
    "interface_errors": "Packets that an interface could not take or send",
    "requests_total": "Requests of a control client", "request_seconds_total": "Time spent on them",
    "errors_total": "Requests of a control client that failed"}
"""What the lists and totals, which take their text from the metric, do not name."""
_ESCAPES = str.maketrans({"\\": r"\\", '"': r'\"', "\n": r"\n"})


def exposition(snapshot: Snapshot) -> Iterator[str]:
    """All metrics, family by family, in pieces that are made when they are asked for."""
    yield from _heading("info", Kind.GAUGE, "Version of the daemon")
    yield _sample("info", (("version", VERSION),), 1)
    yield from _grouped(snapshot)
    yield from _requests(list(snapshot.statistics.clients.items()))


def _grouped(snapshot: Snapshot) -> Iterator[str]:
    """The samples of one name behind each other; its first metric gives text and type."""
    families: dict[str, list[str]] = {}
    for metric, subject, labels in _values(snapshot):
        if metric.prometheus is not None:
            family = families.get(metric.prometheus)
            if family is None:
                family = families[metric.prometheus] = list(_heading(metric.prometheus, metric.kind, metric.text))
            family.append(_sample(metric.prometheus, metric.labels + labels, metric.value(subject)))
    for family in families.values():
        yield "".join(family)


def _values(snapshot: Snapshot) -> Iterator[tuple[Metric[Any], Any, Labels]]:
    quality = snapshot.statistics.quality
    for metrics, subject in ((CURRENT, snapshot), (FAMILIES, snapshot), (TOTAL, snapshot), (MOS, quality),
                             (VOIP, quality), (MEASURED, quality), (LOAD, snapshot.statistics.load)):
        for metric in metrics:
            yield metric, subject, ()
    for interface in snapshot.interfaces:
        yield from _interface(interface)


def _interface(interface: Interface) -> Iterator[tuple[Metric[Any], Any, Labels]]:
    labels = (("name", interface.ports.name), ("address", str(interface.ports.address)))
    counters = interface.counters
    for metrics, subject, more in (
            (INTERFACE_PORTS, interface, ()), (INTERFACE_LOSS, counters.quality, ()),
            (INTERFACE_VOIP, counters.quality, ()), (TRAFFIC, counters.ingress, (("direction", "ingress"),)),
            (TRAFFIC, counters.egress, (("direction", "egress"),))):
        for metric in metrics:
            yield metric, subject, labels + more


def _requests(clients: list[tuple[str, ControlClient]]) -> Iterator[str]:
    """What each control client asked for."""
    yield from _heading("requests_total", Kind.COUNTER, None)
    for proxy, client in clients:
        yield "".join([_sample("requests_total", (("proxy", proxy), ("request", command.name)),
                               client.counts.get(command.name, 0)) for command in NG_COMMANDS])
    yield from _heading("request_seconds_total", Kind.COUNTER, None)
    for proxy, client in clients:
        yield "".join([_sample("request_seconds_total", (("proxy", proxy), ("request", command.name)),
                               f"{client.seconds.get(command.name, 0.0):.6f}") for command in NG_COMMANDS])
    yield from _heading("errors_total", Kind.COUNTER, None)
    yield "".join([_sample("errors_total", (("proxy", proxy),), client.errors) for proxy, client in clients])


def _heading(name: str, kind: Kind, text: str | None) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {text or _HELP[name]}\n"
    yield f"# TYPE {PREFIX}{name} {kind.value}\n"


def _sample(name: str, labels: Iterable[tuple[str, str]], value: object) -> str:
    written = ",".join([f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels])
    return f"{PREFIX}{name}{{{written}}} {value}\n" if written else f"{PREFIX}{name} {value}\n"
