# SPDX-License-Identifier: GPL-3.0-or-later
"""Candidates trickled for a party that has yet to appear."""
from __future__ import annotations

from collections.abc import Callable

from controlplane.session.call import Call
from controlplane.session.ice import Fragment, trickle

FRAGMENT_PATIENCE = 3.0
"""Seconds that trickled candidates wait for their party."""
MAX_FRAGMENTS = 64


class Fragments:
    """``waiting``: each with the time until which it does."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Fragment]] = []

    def keep(self, fragment: Fragment, now: float) -> None:
        """Its party may be about to appear."""
        if len(self.waiting) < MAX_FRAGMENTS:
            self.waiting.append((now + FRAGMENT_PATIENCE, fragment))

    def hand_over(self, call: Call, find: Callable[[str], Call | None], now: float) -> None:
        """Give ``call`` what is for its parties by now; ``find`` looks calls up by their IDs."""
        self.waiting = [(until, fragment) for until, fragment in self.waiting
                        if until > now and not (find(fragment.call_id) is call and trickle(call, fragment))]
