# SPDX-License-Identifier: GPL-3.0-or-later
"""What survives is set aside; cycles among it are found while few calls are up."""
from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from controlplane import garbage
from controlplane.garbage import Garbage


class Knot:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.collect()


def _tied_up(keeper: Garbage) -> weakref.ref[Knot]:
    """A cycle that was in use when it was set aside, and is not any more."""
    knot = Knot()
    keeper.set_aside()
    return weakref.ref(knot)


def test_what_survives_is_not_looked_through_again() -> None:
    keeper = Garbage(lambda: 10000)
    lost = _tied_up(keeper)
    assert gc.get_freeze_count() > 0
    gc.collect()
    assert lost() is not None


def test_new_cycles_are_collected_before_they_are_set_aside() -> None:
    keeper = Garbage(lambda: 10000)
    keeper.set_aside()
    lost = weakref.ref(Knot())
    keeper.set_aside()
    assert lost() is None


def test_cycles_that_outlived_a_collection_of_the_young_are_collected_too() -> None:
    keeper = Garbage(lambda: 10000)
    keeper.set_aside()
    knot = Knot()
    lost = weakref.ref(knot)
    gc.collect(0)
    del knot
    keeper.set_aside()
    assert lost() is None


@pytest.mark.parametrize(("calls", "found"), [(garbage._FEW, True), (garbage._FEW + 1, False)])
def test_everything_is_looked_through_now_and_then_while_few_calls_are_up(calls: int, found: bool) -> None:
    keeper = Garbage(lambda: calls)
    lost = _tied_up(keeper)
    for _ in range(garbage._INTERVAL):
        keeper.set_aside()
    assert (lost() is None) == found


@pytest.mark.parametrize(("calls", "times"), [(garbage._FEW, 3), (garbage._FEW + 1, 0)])
def test_memory_is_given_back_now_and_then_while_few_calls_are_up(calls: int, times: int) -> None:
    asked: list[int] = []
    keeper = Garbage(lambda: calls, asked.append)
    for _ in range(3 * garbage._TRIM):
        keeper.set_aside()
    assert asked == [0] * times


def test_without_a_library_that_can() -> None:
    keeper = Garbage(lambda: 0, None)
    for _ in range(garbage._TRIM):
        keeper.set_aside()
