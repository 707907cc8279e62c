# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an accelerator does what it was given: a stream that it fails goes back to user space for a while.

Nothing is looked at closely but what the counters make suspect: packets of an offloaded stream that still reach the
relay's socket (there is no rule, or not any more), or that the accelerator could not send. Readings in a row must
agree: two of what could not be sent, three of what passes by, since packets that the accelerator has passed up right
before a reading may come to the relay after it. Time is counted in readings, of which there is one a second.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from controlplane.addresses import Endpoint

FIRST_HOLD, LAST_HOLD = 4, 1024
"""Readings for which a stream stays in user space when it has failed once, and at most; doubled each time."""
UNSEEN = "its packets do not come to the accelerator"
UNSENT = "its packets do not leave the accelerator"


class Sight(NamedTuple):
    """A suspect's packets so far: those that reached the relay, the accelerator, and those it has sent or could not."""

    missed: int
    taken: int
    sent: int
    unsent: int


class _Suspect(NamedTuple):
    """Whose packets passed by the accelerator between the last reading and the one before, if ``unseen``."""

    sight: Sight
    unseen: bool


@dataclass(slots=True)
class _Failure:
    """How long a stream is, or was, held in user space, and the reading with which that ends."""

    hold: int
    until: int


class Watch:
    """Decides who leaves the accelerator and when that may be tried again. ``demoted`` counts those who left.

    ``held`` are the sockets of streams that must stay in user space, and why.
    """

    def __init__(self) -> None:
        self.demoted = 0
        self.held: dict[Endpoint, str] = {}
        self._reading = 0
        self._suspects: dict[Endpoint, _Suspect] = {}
        self._failures: dict[Endpoint, _Failure] = {}

    def judge(self, sights: Mapping[Endpoint, Sight]) -> dict[Endpoint, str]:
        """Once a reading, with all suspects: those that the accelerator fails, and why."""
        self._reading += 1
        before, self._suspects = self._suspects, {}
        failed = {}
        for local, now in sights.items():
            last = before.get(local)
            unseen = last is not None and now.taken == last.sight.taken and now.missed > last.sight.missed
            reason = _failure(last, now, unseen) if last is not None else None
            if reason is None:
                self._suspects[local] = _Suspect(now, unseen)
            else:
                failed[local] = reason
                self._hold(local, reason)
        return failed

    def _hold(self, local: Endpoint, reason: str) -> None:
        self.demoted += 1
        last = self._failures.get(local)
        # One that went well for longer than it was held off starts anew.
        again = last is not None and self._reading - last.until <= last.hold + FIRST_HOLD
        hold = min(last.hold * 2, LAST_HOLD) if last is not None and again else FIRST_HOLD
        self._failures[local] = _Failure(hold, self._reading + hold)
        self.held[local] = reason

    def released(self) -> list[Endpoint]:
        """Those that may be tried again from now on."""
        over = [local for local in self.held if self._failures[local].until <= self._reading]
        for local in over:
            del self.held[local]
        return over

    def pause(self, local: Endpoint) -> int:
        """Readings until one that is held may be tried again."""
        return max(0, self._failures[local].until - self._reading) if local in self.held else 0

    def forget(self, local: Endpoint) -> None:
        """The socket is closed."""
        if self._failures.pop(local, None) is not None:
            self.held.pop(local, None)


def _failure(last: _Suspect, now: Sight, unseen: bool) -> str | None:
    if unseen:
        return UNSEEN if last.unseen else None
    return UNSENT if now.unsent > last.sight.unsent and now.sent == last.sight.sent else None
