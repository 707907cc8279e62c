# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two daemons have told the same of a call, but for times, ports and what differs on purpose."""
from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.differential.commandrules import common, comparable
from tests.differential.scene import ports_hidden

Told = dict[str, Any]
_PORTS = ("port", "local port")
_SCORES = ("MOS", "round-trip time", "round-trip time leg")
"""Another formula since 10.5, and another moment."""
_EARLIER = {"confirmed", "kernelized", "no kernel support", "ICE", "ICE controlling", "loop check"}
"""Flags: learning ends at the first packet that comes from where the SDP says, and only later in 10.5; and some that
it does not let go again."""
_FAMILIES = "list numsessions"
"""10.5 takes families as they were asked for, later ones as they were answered."""

EXPLAINED = {("from IPv4 to IPv6", _FAMILIES), ("either family", _FAMILIES)}


def compare(name: str, reference: Told, ours: Told) -> list[str]:
    """All differences of one scene, each as a line or more."""
    return [f"{what}: {each}" for what in reference if (name, what) not in EXPLAINED
            for each in _different(what, reference[what], ours[what])]


def _different(what: str, reference: Any, ours: Any) -> Iterator[str]:
    if what == "statistics":
        yield from _trees(_counted(reference), _counted(ours))
    elif what == "records":
        yield from _lines(*(ports_hidden("\n".join(_item(item) for record in records for item in record))
                            for records in (reference, ours)))
    elif isinstance(reference, str):
        line = "call x info" if what.startswith("details") else what
        yield from _lines(*map(ports_hidden, comparable(line, reference, ours)))
    else:
        yield from _trees(_plain(reference), _plain(common(reference, ours)))


def _lines(reference: str, ours: str) -> Iterator[str]:
    for line in difflib.ndiff(reference.splitlines(), ours.splitlines()):
        if line[0] in "+-":
            yield line


def _trees(reference: Any, ours: Any) -> Iterator[str]:
    yield from _lines(json.dumps(reference, indent=1, sort_keys=True), json.dumps(ours, indent=1, sort_keys=True))


_LIVE = re.compile(r"duration|uptime|rate|mos_(?:total|average)|mos2"
                   r"|\.ports\.|\.(?:total)?(?:list|ping)count|^\.(?:intervalst|load)")
"""What two daemons have not in common."""
_LATER = re.compile(r"^\.interfaces\.\d+\.(?:ingress|egress|voip_metrics)|^\.voip_metrics")
"""What 10.5 does not count."""


def _counted(statistics: dict[str, float]) -> dict[str, float]:
    return {path: value for path, value in statistics.items() if not _LIVE.search(path) and not _LATER.search(path)}


_MOVING = re.compile(r"(?:last_signal|last_packet|_duration|_port|relay_ip)=.*")
"""10.5 has forgotten its sockets when it writes the record."""


def _item(item: str) -> str:
    """An item of a record; 10.5 writes what C prints of nothing."""
    return item.replace("(null)", "") if not _MOVING.search(item) else item.split("=")[0]


def _plain(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _plain(each, name) for name, each in value.items() if name != "created_us"}
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return sorted({*value} - _EARLIER)
        return [_plain(each) for each in value]
    if isinstance(value, int) and (key in (*_PORTS, *_SCORES) and value or value > 1 << 30):
        return "some"
    return ports_hidden(value) if isinstance(value, str) else value


class Metrics(NamedTuple):
    """Lines about names (HELP and TYPE), and what each sample has for a value."""

    headings: set[str]
    values: dict[str, str]


_TIMES = re.compile(r"uptime|duration|seconds|mos_total|mos2|\"(?:ping|list)\"")


def metrics(text: str) -> Metrics:
    """What Prometheus is told, without times."""
    lines = ports_hidden(text).splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return Metrics({line for line in lines if line.startswith("#")},
                   {name: value for name, _, value in samples if not _TIMES.search(name)})


def interval(totals: str) -> list[str]:
    """The section about Graphite in ``list totals``, without numbers."""
    section = totals.partition("Graphite interval statistics")[2].partition("\n\n\n")[0]
    return [re.sub(r"\d+(?:\.\d+)?", "N", line) for line in section.splitlines()]


_COUNTED = re.compile(r"x\.(?:relayed_\w+|(?!managed)\w+_sess)")
_TOTAL = re.compile(r"x\.(?!ping|list)\w+_count")


def reported(data: str) -> dict[str, int]:
    """What Graphite was told has happened, all intervals together."""
    found: dict[str, int] = {}
    for line in data.splitlines():
        name, _, rest = line.partition(" ")
        if _COUNTED.fullmatch(name):
            found[name] = found.get(name, 0) + int(rest.split()[0])
        elif _TOTAL.fullmatch(name):
            found[name] = int(rest.split()[0])
    return found
