# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks over ng, and what: told apart by address as long as they are not too many."""
from __future__ import annotations

from dataclasses import dataclass, field
from heapq import nsmallest

MAX_CLIENTS = 256
"""Control clients that are told apart. Addresses can be invented, so further ones make the least known give way:"""
OTHERS = "others"
"""This name has what was counted for those."""
_IDLE = 3600.0
"""Seconds after which a client counts for less than any newcomer."""
_GIVE_WAY = 32      # at once, so that a flood of new ones is not a search for each


@dataclass(slots=True)
class ControlClient:
    """What one control client asked for: number of requests and seconds spent, by ng command.

    ``requests`` are all, ``heard`` is when the last one came (Unix time in seconds).
    """

    counts: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    errors: int = 0
    requests: int = 0
    heard: float = 0.0

    def add(self, other: ControlClient) -> None:
        """Count what ``other`` has counted."""
        for command, count in other.counts.items():
            self.counts[command] = self.counts.get(command, 0) + count
            self.seconds[command] = self.seconds.get(command, 0.0) + other.seconds[command]
        self.errors += other.errors
        self.requests += other.requests


def make_room(clients: dict[str, ControlClient], now: float) -> None:
    """Have those that ask least, and first of all those that ask no more, be among the others if there is no room."""
    if len(clients) - (OTHERS in clients) < MAX_CLIENTS:
        return
    others = clients.setdefault(OTHERS, ControlClient())
    known = [(client.heard > now - _IDLE, client.requests, number, source)
             for number, (source, client) in enumerate(clients.items()) if source != OTHERS]
    for *_, source in nsmallest(_GIVE_WAY, known):
        others.add(clients.pop(source))
