# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps Python's garbage collector from looking through all calls again and again, which takes a second at worst.

Calls are freed by reference counting, as they take their cycles apart when they end. So what has survived for a moment
is set aside, and only new objects are searched for cycles. What was set aside is searched while there is little of it.

Memory that was freed is given back to the system as well, which the C library does by itself only for what happens to
be at the end: or what one busy hour took would be held for ever.
"""
from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

_THRESHOLDS = 5000, 10, 1000
"""New objects between collections of the young, such collections between those of the middle-aged, and of those."""
_FEW = 500
"""Calls that may be up while everything is searched: that takes some tens of milliseconds."""
PERIOD = 0.1
"""Seconds after which new objects are set aside. Where as many come as go, the collector does not see that they are
many: when 10,000 calls learn where their packets come from, those of a second take it 30 milliseconds."""
_INTERVAL = 6000
"""Periods between two searches through everything."""
_TRIM = 100
"""Periods between two times that memory is given back, which takes half a millisecond, and some when there is much."""


def _give_back() -> Callable[[int], object] | None:
    """The C library's malloc_trim(3); None if it has none."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


class Garbage:
    """Sets objects aside; ``calls`` gives the number of calls that are up, ``trim`` memory back to the system."""

    def __init__(self, calls: Callable[[], int], trim: Callable[[int], object] | None = _give_back()):
        self._calls = calls
        self._trim = trim
        self._waited = self._untrimmed = 0
        gc.set_threshold(*_THRESHOLDS)

    def set_aside(self) -> None:
        """To be called every PERIOD."""
        self._waited += 1
        if self._waited >= _INTERVAL and self._calls() <= _FEW:
            self._waited = 0
            gc.unfreeze()
            gc.collect()
        else:
            gc.collect(1)   # the middle-aged are not older than PERIOD either
        gc.freeze()
        self._untrimmed += 1
        if self._untrimmed >= _TRIM and self._trim is not None and self._calls() <= _FEW:
            self._untrimmed = 0
            self._trim(0)
