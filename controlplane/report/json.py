# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics as one document: nested for the ng reply ``statistics``, as text for ``list jsonstats``."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from controlplane.report import latest
from controlplane.report.clients import ControlClient
from controlplane.report.metrics import (CURRENT, INTERFACE_LOSS, INTERFACE_PORTS, INTERFACE_VOIP, LOAD,
                                         MEASURED, MOS, RATES, TOTAL, TRAFFIC, VOIP, Fixed, Metric)
from controlplane.ng.commands import NG_COMMANDS
from controlplane.report.load import Load
from controlplane.report.snapshot import Interface, Snapshot

T = TypeVar("T")
Document = dict[str, Any]
"""Members are int, str (Fixed for a number with decimals), list and dict."""


def document(snapshot: Snapshot) -> Document:
    """Build the tree; as it stands it is the ng reply's value (decimals are strings there)."""
    quality, interval = snapshot.statistics.quality, snapshot.statistics.interval
    return {
        "currentstatistics": _values(CURRENT, snapshot),
        "totalstatistics": _values(TOTAL, snapshot),
        **({"intervalstatistics": latest.document(interval.last)} if interval is not None else {}),
        "mos": _values(MOS, quality),
        "voip_metrics": _values(VOIP, quality),
        "controlstatistics": _control(snapshot),
        "interfaces": interfaces(snapshot),
        "transcoders": [],
        "poller_threads": [],
        "bufferpools": {name: {"num_shards": 0, "shards": []} for name in ("main", "shared", "static")},
        "measured": _values(MEASURED, quality),
        "load": load_document(snapshot.statistics.load),
    }


def text(snapshot: Snapshot) -> str:
    """One line of JSON without white space and without a line feed."""
    return written(document(snapshot))


def load_document(load: Load) -> Document:
    """How busy this node is; ``reason`` is empty while new calls are taken."""
    return {**_values(LOAD, load), "reason": load.reason}


def counts(snapshot: Snapshot) -> Document:
    """The calls there are: what ``list numsessions`` counts."""
    gauges = snapshot.sessions
    return {"own": gauges.own, "foreign": gauges.foreign, "total": gauges.total, "transcoded": gauges.transcoded,
            "ipv4": gauges.ipv4, "ipv6": gauges.ipv6, "mixed": gauges.mixed}


def rates(snapshot: Snapshot) -> Document:
    """The rates of ``list counters``."""
    return _values(RATES, snapshot)


def interfaces(snapshot: Snapshot) -> list[Document]:
    """The local addresses, as they are in the document."""
    return [_interface(interface) for interface in snapshot.interfaces]


def _values(metrics: Iterable[Metric[T]], subject: T) -> Document:
    return {metric.key: metric.value(subject) for metric in metrics}


def _control(snapshot: Snapshot) -> Document:
    clients = snapshot.statistics.clients
    totals = {f"total{command.key}count": sum(client.counts.get(command.name, 0) for client in clients.values())
              for command in NG_COMMANDS}
    return {"proxies": [_proxy(address, client) for address, client in clients.items()], **totals}


def _proxy(address: str, client: ControlClient) -> Document:
    row: Document = {"proxy": address}
    for command in NG_COMMANDS:
        row[f"{command.key}count"] = client.counts.get(command.name, 0)
        row[f"{command.key}duration"] = Fixed(f"{client.seconds.get(command.name, 0.0):.6f}")
    row["errorcount"] = client.errors
    return row


def _interface(interface: Interface) -> Document:
    counters = interface.counters
    return {
        "name": interface.ports.name,
        "address": str(interface.ports.address),
        "ports": _values(INTERFACE_PORTS, interface),
        **_values(INTERFACE_LOSS, counters.quality),
        "voip_metrics": _values(INTERFACE_VOIP, counters.quality),
        "ingress": _values(TRAFFIC, counters.ingress),
        "egress": _values(TRAFFIC, counters.egress),
    }


def written(value: Any) -> str:
    """A value as JSON without white space; what is no ASCII is escaped, be it text or stray bytes."""
    if isinstance(value, dict):
        return "{" + ",".join([f"{json.dumps(key)}:{written(member)}" for key, member in value.items()]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([written(member) for member in value]) + "]"
    return str(value) if isinstance(value, Fixed) else json.dumps(value)
