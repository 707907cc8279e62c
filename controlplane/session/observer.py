# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks on as calls come and go."""
from __future__ import annotations

from typing import Protocol

from controlplane.session.call import Call


class Observer(Protocol):
    """Who counts calls."""

    def session_rejected(self) -> None:
        """An offer was refused by the session limit."""

    def session_ended(self, call: Call, reason: str, now: float) -> None:
        """A call was destroyed; ``reason`` is one of timeouts.py."""

    def session_merged(self, call: Call) -> None:
        """A call has become a part of another one."""

    def refresh(self, call: Call) -> None:
        """Read the counters of a call now."""
