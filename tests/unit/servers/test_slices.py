# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.servers.slices import DURATION, SIZE, slices


class Work:
    """Pieces that each take ``cost`` seconds of a clock that only they move."""

    def __init__(self, pieces: list[str], cost: float):
        self.pieces, self.cost, self.time = pieces, cost, 100.0

    def clock(self) -> float:
        return self.time

    def __iter__(self) -> Iterator[str]:
        for piece in self.pieces:
            self.time += self.cost
            yield piece


@pytest.mark.parametrize("pieces", [[], [""], ["a", "", "b"], ["x" * (3 * SIZE + 1)], ["\udcffä"] * 1000])
@pytest.mark.parametrize("cost", [0.0, DURATION / 3, 1.0])
def test_nothing_is_lost_and_no_slice_is_too_big(pieces: list[str], cost: float) -> None:
    work = Work(pieces, cost)
    made = list(slices(work, work.clock))
    assert b"".join(made) == "".join(pieces).encode("utf-8", "surrogateescape")
    assert all(len(data) <= SIZE for data in made)


@pytest.mark.parametrize("piece", ["", "short\n"])
def test_a_slice_ends_when_it_has_taken_its_time(piece: str) -> None:
    work = Work([piece] * 1000, DURATION / 10)
    longest, last = 0.0, work.time
    for _ in slices(work, work.clock):
        longest, last = max(longest, work.time - last), work.time
    assert 0 < longest <= DURATION * 1.2
