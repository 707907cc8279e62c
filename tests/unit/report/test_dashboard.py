# SPDX-License-Identifier: GPL-3.0-or-later
"""The Grafana dashboard asks for nothing that /metrics does not have."""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.report import prometheus

from .test_totals import snapshot

DASHBOARD: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[3] / "etc" / "grafana" / "rtpengine.json").read_text())
_SELECTOR = re.compile(r"(rtpengine_\w+)\{([^}]*)\}")
_GROUPING = re.compile(r"by \(([^)]*)\)")
_ADDED = {"instance"}
"""Labels that Prometheus adds when it scrapes."""


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


QUERIES = list(queries())


def exposed() -> tuple[dict[str, set[str]], dict[str, str]]:
    """The labels, and the type, by the name of the sample."""
    text = "".join(prometheus.exposition(snapshot()))
    labels: dict[str, set[str]] = {}
    for name, written in re.findall(r"^(rtpengine_\w+)(?:\{(.*)\})? ", text, re.M):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', written))
    return labels, {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}


def test_there_is_something_to_see() -> None:
    assert len(QUERIES) > 20


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_and_label_exists(query: str) -> None:
    labels, _ = exposed()
    selectors = _SELECTOR.findall(query)
    assert selectors and len(selectors) == query.count("rtpengine_")
    grouped = {name.strip() for names in _GROUPING.findall(query) for name in names.split(",")}
    for name, matchers in selectors:
        known = labels[name] | _ADDED
        assert {matcher.partition("=")[0].rstrip("~!") for matcher in matchers.split(",")} | grouped <= known
        for label, value in re.findall(r'(\w+)="([^"]*)"', matchers):
            assert f'{label}="{value}"' in "".join(prometheus.exposition(snapshot()))


@pytest.mark.parametrize("query", QUERIES)
def test_rates_are_those_of_what_only_grows(query: str) -> None:
    _, types = exposed()
    grows = {name for name, kind in types.items() if kind == "counter"} | {"rtpengine_interface_bytes"}
    for name, _ in _SELECTOR.findall(query):
        assert (name in grows) == (f"rate({name}" in query)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not taken & cells and place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
