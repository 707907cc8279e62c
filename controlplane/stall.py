# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that went by without us: the process was stopped, the host slept, or somebody set the clock."""
from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger("rtpengine.core")
NOTICED = 2.0
"""Seconds without a look from which on time counts as lost."""
GRACE = 2.0
"""Seconds that media have then to show that they still flow."""


class Stall:
    """Keeps calls from ending for want of packets that nobody can have counted; ``clock`` is the one of the calls."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._looked = clock()
        self._until: float | None = None

    def lasts(self) -> bool:
        """Look at the clock: True while no call may end. To be called often."""
        now = self._clock()
        lost = abs(now - self._looked)
        self._looked = now
        if lost > NOTICED:
            self._until = now + GRACE
            _log.warning("%.0f seconds have gone by unnoticed; calls get %g s to show that they go on", lost, GRACE)
        return self._until is not None

    def counted(self) -> None:
        """All packets that came until now are counted."""
        if self._until is not None and self._clock() >= self._until:
            self._until = None
