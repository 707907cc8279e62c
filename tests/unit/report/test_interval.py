# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.report.interval import Interval


def test_extremes_of_an_interval_and_a_fresh_start() -> None:
    interval = Interval()
    for seconds in (0.25, 0.5, 0.75):
        interval.request("offer", seconds)
    interval.look(3, 1.0)
    interval.request("offer", 1.0)
    interval.look(1, 2.0)
    interval.look(2, 1.0)
    taken = interval.take()
    delays, rates = taken.delays["offer"], taken.rates["offer"]
    assert (delays.least, delays.greatest, delays.mean) == (0.25, 1.0, 0.625)
    assert (rates.least, rates.greatest, rates.count) == (0, 3, 3)
    assert (taken.sessions.least, taken.sessions.greatest, taken.sessions.mean) == (1, 3, 2)
    assert interval.last is taken and interval.take().delays == {}
