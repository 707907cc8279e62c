# SPDX-License-Identifier: GPL-3.0-or-later
"""Which call needs attention next."""
from __future__ import annotations

from heapq import heappop, heappush

from controlplane.session.call import Call


class Agenda:
    """Calls by the time (Unix, in seconds) at which they are to be looked after; ``Call.wake_at`` says which counts."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def next_at(self) -> float | None:
        """When there is something to do; None: never."""
        return self._entries[0][0] if self._entries else None

    def put(self, call: Call, at: float) -> None:
        """Look after ``call`` then, unless that is to be done earlier anyway."""
        if call.wake_at is None or at < call.wake_at:
            call.wake_at = at
            heappush(self._entries, (at, call.call_id))

    def is_due(self, now: float) -> bool:
        """True if ``take`` has an entry."""
        return bool(self._entries) and self._entries[0][0] <= now

    def take(self, calls: dict[str, Call]) -> Call | None:
        """Take off the first entry; its call, None if it is gone or stands there for another time."""
        at, call_id = heappop(self._entries)
        call = calls.get(call_id)
        if call is None or call.wake_at != at:
            return None
        call.wake_at = None
        return call
