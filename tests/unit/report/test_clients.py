# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks is told apart, and nothing that was asked is lost when they are too many."""
from __future__ import annotations

import pytest

from controlplane.report.clients import MAX_CLIENTS, OTHERS
from controlplane.report.counters import Statistics

NOW = 1_700_000_000.0
PROXY, QUIET = "192.0.2.1", "192.0.2.2"


def flood(statistics: Statistics, count: int, begin: int = 0) -> None:
    """One request each from addresses that somebody has made up."""
    for number in range(begin, begin + count):
        statistics.ng_request("ping", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.5, True)


def asked(statistics: Statistics) -> tuple[int, float, int]:
    """Requests, seconds and errors of all together."""
    clients = statistics.clients.values()
    return (sum(sum(each.counts.values()) for each in clients), sum(sum(each.seconds.values()) for each in clients),
            sum(each.errors for each in clients))


def test_invented_addresses_do_not_make_ever_more_clients() -> None:
    statistics = Statistics(NOW)
    flood(statistics, MAX_CLIENTS)
    assert len(statistics.clients) == MAX_CLIENTS and OTHERS not in statistics.clients
    for count in range(MAX_CLIENTS + 1, 3 * MAX_CLIENTS):
        flood(statistics, 1, count)
        assert len(statistics.clients) <= MAX_CLIENTS + 1
        assert asked(statistics) == (count, count / 2, count), "nothing is lost"


def test_who_goes_on_asking_stays_and_who_comes_late_is_told_apart() -> None:
    statistics = Statistics(NOW)
    for _ in range(20):
        statistics.ng_request("offer", PROXY, 0.25, False)
    flood(statistics, 5000)
    for _ in range(3):
        statistics.ng_request("offer", QUIET, 0.25, False)
    flood(statistics, 5000, 5000)
    assert statistics.clients[PROXY].counts == {"offer": 20} and statistics.clients[PROXY].seconds == {"offer": 5.0}
    assert statistics.clients[QUIET].counts == {"offer": 3}


@pytest.mark.parametrize(("pause", "stays"), [(3500.0, True), (3700.0, False)])
def test_who_asks_no_more_gives_way_first(pause: float, stays: bool) -> None:
    statistics = Statistics(NOW)
    for _ in range(20):
        statistics.ng_request("offer", QUIET, 0.25, False)
    statistics.tick(NOW + pause)
    flood(statistics, MAX_CLIENTS)
    assert (QUIET in statistics.clients) == stays
    assert (OTHERS in statistics.clients and statistics.clients[OTHERS].counts.get("offer") == 20) != stays
    statistics.ng_request("offer", QUIET, 0.25, False)
    assert statistics.clients[QUIET].counts == {"offer": 21 if stays else 1}
