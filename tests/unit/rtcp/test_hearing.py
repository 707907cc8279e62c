# SPDX-License-Identifier: GPL-3.0-or-later
"""When reports passed, and what that says of round trips."""
from __future__ import annotations

import pytest

from controlplane.rtcp.hearing import MAX_SOURCES, Hearing, Stamps, round_trip
from controlplane.rtcp.packet import middle, ntp


def test_stamps() -> None:
    stamps = Stamps()
    assert stamps.when(1, 5) is None and stamps.answer(1, 10.0) == (0, 0)
    for second in range(100, 110):
        stamps.note(1, ntp(second), second + 0.25)
    assert stamps.when(1, middle(ntp(109))) == 109.25
    assert stamps.when(1, middle(ntp(102))) == 102.25
    assert stamps.when(1, middle(ntp(101))) is None, "too long ago"
    assert stamps.when(2, middle(ntp(109))) is None
    assert stamps.answer(1, 111.25) == (middle(ntp(109)), 2 * 65536)
    assert stamps.answer(1, 0.0) == (middle(ntp(109)), 0), "the clock was set back"


@pytest.mark.parametrize("passed, now, delay, expected", [
    (None, 5.0, 0, 0), (4.0, 5.0, 32768, 500_000), (4.0, 5.0, 65536, 0), (4.0, 5.0, 99999, 0),
    (4.0, 14.0, 0, 10_000_000), (4.0, 14.5, 0, 0)])
def test_round_trips(passed: float | None, now: float, delay: int, expected: int) -> None:
    assert round_trip(passed, now, delay) == expected


def test_strangers_take_no_memory() -> None:
    hearing = Hearing()
    for ssrc in range(3 * MAX_SOURCES):
        hearing.received.note(ssrc, ntp(9), 9)
        hearing.history(ssrc)
    assert len(hearing.received._passed) == len(hearing.histories) == MAX_SOURCES
    assert hearing.received.when(3 * MAX_SOURCES - 1, middle(ntp(9))) == 9
    kept = hearing.history(3 * MAX_SOURCES - 1)
    assert kept is hearing.histories[3 * MAX_SOURCES - 1]


def test_too_many_packets() -> None:
    hearing = Hearing()
    assert [hearing.admits(7.1, 2), hearing.admits(7.2, 2), hearing.admits(7.9, 2), hearing.admits(8.0, 2)] == [
        True, True, False, True]
