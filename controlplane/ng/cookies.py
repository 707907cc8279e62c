# SPDX-License-Identifier: GPL-3.0-or-later
"""The duplicate cache: a repeated cookie gets the reply again and nothing is executed twice."""
from __future__ import annotations

from collections.abc import Callable

GENERATION = 30.0
"""Seconds until the current generation becomes the old one, checked on look-up."""
CAPACITY = 1 << 18
"""Replies of one generation; a flood beyond it shortens the generation."""

Deliver = Callable[[bytes], None]


class CookieCache:
    """Replies by cookie in two generations, so an entry lives 30 to 60 seconds; one cache for all transports."""

    def __init__(self, now: float, capacity: int = CAPACITY):
        self._swapped = now
        self._capacity = capacity
        self._current: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, list[Deliver]] = {}

    def __len__(self) -> int:
        return len(self._current) + len(self._old)

    def reply(self, cookie: bytes, now: float) -> bytes | None:
        """The reply that ``cookie`` got, None if it is new or still being executed. ``now`` is in seconds."""
        if now - self._swapped >= GENERATION or len(self._current) >= self._capacity:
            self._old = self._current
            self._current = {}
            self._swapped = now
        found = self._current.get(cookie)
        return self._old.get(cookie) if found is None else found

    def begin(self, cookie: bytes) -> None:
        """Mark ``cookie`` as being executed."""
        self._waiting[cookie] = []

    def join(self, cookie: bytes, deliver: Deliver) -> bool:
        """Have ``deliver`` called with the reply if ``cookie`` is being executed; False if it is not."""
        waiting = self._waiting.get(cookie)
        if waiting is None:
            return False
        waiting.append(deliver)
        return True

    def finish(self, cookie: bytes, reply: bytes) -> None:
        """Keep the reply, and give it to everyone who repeated the cookie meanwhile."""
        self._current[cookie] = reply
        for deliver in self._waiting.pop(cookie, ()):
            deliver(reply)
