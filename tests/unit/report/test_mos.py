# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.report import mos


@pytest.mark.parametrize("loss, jitter, expected", [(0, 0, 43), (3, 10, 37), (25, 50, 30)])
def test_narrowband_values(loss: float, jitter: float, expected: int) -> None:
    assert mos.narrowband(30700, jitter, loss) == expected


@pytest.mark.parametrize("loss, jitter, expected", [(0, 0, 43), (3, 10, 41), (25, 50, 14)])
def test_legacy_values(loss: float, jitter: float, expected: int) -> None:
    assert mos.legacy(30700, jitter, loss) == expected


def test_fullband_falls_with_delay_and_loss() -> None:
    best = mos.fullband(20000, 0, 0)
    assert 40 <= best <= 45
    assert mos.fullband(800000, 0, 0) < best
    assert mos.fullband(20000, 0, 10) < best


@pytest.mark.parametrize("r, expected", [(-1, 10), (0, 10), (101, 45), (100, 45), (3, 10)])
def test_score_is_clamped(r: float, expected: int) -> None:
    assert mos.score(r) == expected


@pytest.mark.parametrize("formula", [mos.narrowband, mos.fullband, mos.legacy])
def test_total_loss_is_no_error(formula) -> None:  # type: ignore[no-untyped-def]
    assert 10 <= formula(10_000_000, 5000, 100) <= 45
