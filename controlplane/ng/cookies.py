# SPDX-License-Identifier: GPL-3.0-or-later
"""The duplicate cache: a repeated cookie gets the reply again and nothing is executed twice."""
from __future__ import annotations

from controlplane.ng.later import Later

GENERATION = 30.0
"""Seconds until the current generation becomes the old one, checked on look-up."""
CAPACITY = 1 << 18
"""Replies of one generation; a flood beyond it shortens the generation."""
ROOM = 64 << 20
"""Bytes of cookies and replies of one generation, with the same effect."""
_ENTRY = 256
"""Bytes that an entry takes besides its cookie and reply, about."""


class CookieCache:
    """Replies by cookie in two generations, so an entry lives 30 to 60 seconds; one cache for all transports."""

    def __init__(self, now: float, capacity: int = CAPACITY, room: int = ROOM):
        self._swapped = now
        self._capacity = capacity
        self._room = room
        self._used = 0
        self._current: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._running: dict[bytes, Later[bytes]] = {}

    def __len__(self) -> int:
        return len(self._current) + len(self._old)

    def reply(self, cookie: bytes, now: float) -> bytes | Later[bytes] | None:
        """What ``cookie`` got or, while it is being executed, will get; None if it is new. ``now`` is in seconds."""
        if now - self._swapped >= GENERATION or len(self._current) >= self._capacity or self._used >= self._room:
            self._old = self._current
            self._current = {}
            self._used = 0
            self._swapped = now
        found = self._current.get(cookie)
        if found is None:
            found = self._old.get(cookie)
        return self._running.get(cookie) if found is None else found

    def keep(self, cookie: bytes, reply: bytes | Later[bytes]) -> None:
        """Keep the reply; until one that comes later is there, ``cookie`` counts as being executed."""
        if isinstance(reply, Later):
            self._running[cookie] = reply
            reply.then(lambda arrived: self._arrived(cookie, arrived))
        else:
            self._current[cookie] = reply
            self._used += len(cookie) + len(reply) + _ENTRY

    def _arrived(self, cookie: bytes, reply: bytes) -> None:
        del self._running[cookie]
        self.keep(cookie, reply)
