# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples of a call: average, extremes and the few that are shown."""
from __future__ import annotations

from controlplane.rtcp.history import PROGRESSION, Average, History, Sample


def sample(at: float, mos: int = 40, trip: int = 1000) -> Sample:
    return Sample(at, mos, trip, trip // 2, 10, 3)


def test_nothing() -> None:
    history = History()
    assert not history and history.is_due(0) and history.average == Average()
    assert history.lowest is None and history.highest is None and history.progression() == (0.0, [])


def test_extremes() -> None:
    history = History()
    samples = [sample(1, 40, 900), sample(2, 20, 3000), sample(3, 0), sample(4, 44, 300)]
    for each in samples:
        history.add(each)
    assert history
    assert (history.lowest, history.highest) == (samples[1], samples[3])
    assert history.average == Average(34, 1400, 700, 10, 3, 3), "what has no score does not count"
    assert history.progression() == (0.3, samples)


def test_without_any_score() -> None:
    history = History()
    history.add(sample(5, 0))
    assert history and history.average == Average() and history.lowest is None
    assert history.progression() == (0.0, [sample(5, 0)])


def test_pace() -> None:
    history = History()
    history.add(sample(100))
    assert not history.is_due(100.9) and history.is_due(101)
    assert history.is_due(50), "the clock was set back"


def test_what_has_a_score_waits_for_nothing_without_one() -> None:
    history = History()
    history.add(sample(100, 0))
    assert history.is_due(100.1, True) and not history.is_due(100.1)
    history.add(sample(100.1))
    assert not history.is_due(100.2, True)


def test_long_call() -> None:
    """A day of reports needs no more room than an hour; what is shown still covers all of it."""
    history = History()
    count = 17280
    for number in range(count):
        history.add(sample(1000 + 5 * number, 10 + number % 35))
    interval, shown = history.progression()
    assert len(history._kept) <= 8 * PROGRESSION
    assert interval == 5 * (count - 1) / PROGRESSION
    assert PROGRESSION <= len(shown) <= PROGRESSION + 2
    assert (shown[0].at, shown[-1].at) == (1000, 1000 + 5 * (count - 1))
    gaps = [after.at - before.at for before, after in zip(shown, shown[1:-1])]
    assert max(gaps) < 1.3 * interval and min(gaps) >= interval
    assert history.average.samples == count
    assert (history.lowest.mos, history.highest.mos) == (10, 44)
