# SPDX-License-Identifier: GPL-3.0-or-later
"""Opinion scores against measured ones and against another calculation."""
from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.rtcp.mos import Scale, full_band, legacy, score, simplified
from demo.mos import mos


@pytest.mark.parametrize("loss, jitter, expected, before", [(0, 0, 43, 43), (3, 10, 37, 41), (25, 50, 30, 14)])
def test_measured_scores(loss: int, jitter: int, expected: int, before: int) -> None:
    """At a round trip of 30.7 ms."""
    assert Scale().tenths(30.7, jitter, loss, 8000) == expected
    assert Scale(("legacy",)).tenths(30.7, jitter, loss, 8000) == before


@given(st.floats(0.001, 5000), st.floats(0, 1000), st.floats(0, 100))
def test_simplified(round_trip: float, jitter: float, loss: float) -> None:
    assert simplified(round_trip, jitter, loss) == pytest.approx(mos(round_trip, jitter, loss))


@pytest.mark.parametrize("formula", [simplified, full_band, legacy])
@given(st.floats(0, 1e5), st.floats(0, 1e4), st.floats(0, 100))
def test_bounds(formula: Callable[..., float], round_trip: float, jitter: float, loss: float) -> None:
    assert 1.0 <= formula(round_trip, jitter, loss) <= 4.5


def test_full_band() -> None:
    """G.107.2 with no delay worth naming: R is 148 less the equipment's share, on a scale of 148."""
    assert full_band(0, 0, 0) == score((148 - 10.2) / 1.48)
    assert full_band(200, 0, 0) == full_band(0, 100, 0) == full_band(0, 0, 0), "up to 100 ms nobody minds"
    assert full_band(800, 0, 0) < full_band(400, 0, 0) < full_band(200, 0, 0)
    assert full_band(0, 0, 20) < full_band(0, 0, 2) < full_band(0, 0, 0)


def test_scales() -> None:
    assert Scale().tenths(0, 0, 0, 8000) == 0, "a conversation needs a round trip"
    assert Scale(("LQ",)).tenths(0, 0, 0, 8000) == 43 == Scale(("LQ",)).tenths(900, 0, 0, 8000)
    assert Scale(("LQ", "legacy")).tenths(900, 0, 0, 8000) == Scale(("LQ", "legacy")).tenths(0, 0, 0, 8000) == 44
    full = Scale(("CQ", "G.107.2"))
    assert full.tenths(30, 0, 5, 48000) == int(10 * full_band(30, 0, 5))
    assert full.tenths(30, 0, 5, 8000) == Scale(("G.107",)).tenths(30, 0, 5, 48000) == int(10 * simplified(30, 0, 5))


def test_what_is_heard_has_a_score_without_a_round_trip():
    for words in ((), ("LQ",), ("legacy",), ("G.107.2",)):
        scale = Scale(words)
        assert scale.heard(3, 1, 48000) == Scale((*words, "LQ")).tenths(50, 3, 1, 48000) > 0
    assert Scale(()).tenths(0, 3, 1, 8000) == 0
