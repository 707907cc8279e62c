# SPDX-License-Identifier: GPL-3.0-or-later
"""How relays are compared: all in turn in each round, since a machine's speed varies more than theirs."""
from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.tools import Subject

_LOSS = 1e-4
_FIRST_RATE, _STEP, _LAST_RATE = 10000, 1.25, 400000


@dataclass(slots=True)
class Cost:
    """Microseconds of processor time per packet, round by round; ``lost`` counts damaged packets as well."""

    us: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.us)

    def ratio(self, other: Cost) -> float:
        """Median of the rounds' ratios: a noisy moment hits both of their terms."""
        return statistics.median(own / its for own, its in zip(self.us, other.us))


def costs(subjects: Sequence[Subject], rate: float, rounds: int, seconds: float) -> dict[str, Cost]:
    """The cost of each subject at one rate, by its name."""
    found = {subject.name: Cost() for subject in subjects}
    for number in range(rounds):
        turn = number % len(subjects)
        for subject in [*subjects[turn:], *subjects[:turn]]:
            load = subject.load(rate, seconds)
            found[subject.name].us.append(load.us_per_packet)
            found[subject.name].lost += load.lost + load.bad
    return found


@dataclass(slots=True)
class Best:
    """The highest rate without loss, what a packet cost at it, and what forbade the next."""

    packets_per_second: int = 0
    us_per_packet: float = 0.0
    stopped_by: str = "end of the scale"


def _try(subject: Subject, rate: float, seconds: float, best: Best) -> str:
    found = subject.load(rate, seconds)
    if found.lost + found.bad > found.sent * _LOSS:
        return "loss"
    if found.sent < 0.97 * rate * seconds:
        return "generator"
    best.packets_per_second, best.us_per_packet = round(rate), found.us_per_packet
    return ""


def loss_free(subject: Subject, seconds: float, first_rate: float = _FIRST_RATE) -> Best:
    """The highest rate, in steps of a quarter, at which no more than one packet in 10,000 was lost; two tries each."""
    best, rate = Best(), first_rate
    while rate <= _LAST_RATE:
        limit = _try(subject, rate, seconds, best) and _try(subject, rate, seconds, best)
        if limit:
            best.stopped_by = limit
            break
        rate *= _STEP
    return best
