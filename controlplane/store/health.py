# SPDX-License-Identifier: GPL-3.0-or-later
"""When a server that fails is left alone for a while (options redis-allowed-errors, redis-disable-time)."""
from __future__ import annotations

from math import inf
from typing import Protocol

RETRY = 1.0
"""Seconds between two attempts to reach a server that is gone."""


class Limits(Protocol):
    """The options, which may change at any time."""

    redis_allowed_errors: int
    redis_disable_time: int


class Health:
    """Failures in a row; ``now`` is in seconds of any clock that does not jump."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self.errors = 0
        self._not_before = -inf
        self._disabled = False

    def wait(self, now: float) -> float:
        """Seconds until the server may be asked again; 0: now."""
        return max(0.0, self._not_before - now)

    @property
    def disabled(self) -> bool:
        """True if it was left alone for good reason, rather than for a moment."""
        return self._disabled

    def failed(self, now: float) -> None:
        """It could not be reached, or did not answer."""
        self.errors += 1
        allowed = self._limits.redis_allowed_errors
        self._disabled = 0 <= allowed < self.errors
        self._not_before = now + (max(RETRY, self._limits.redis_disable_time) if self._disabled else RETRY)

    def succeeded(self) -> None:
        """It has answered."""
        self.errors = 0
        self._not_before = -inf
        self._disabled = False
