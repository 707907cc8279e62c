# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restart of ICE leaves in use until there is something better (RFC 8445 section 9)."""
from __future__ import annotations

from collections.abc import Iterable
from math import inf

from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import Pair
from controlplane.ice.stun import Message

LINGERING = 3.0
"""Seconds that the peer may go on using the former paths once a new one is nominated: what is under way arrives."""


class Former:
    """The credentials and valid pairs of the generation before; they end at ``ends`` (Unix time)."""

    credentials: Credentials
    pairs: tuple[Pair, ...]
    ends: float

    def __init__(self, credentials: Credentials, pairs: Iterable[Pair]) -> None:
        self.credentials = credentials
        self.pairs = tuple(dict.fromkeys(pairs))
        self.ends = inf

    def is_asked(self, message: Message) -> bool:
        """True for a check of the former generation, which is answered but says nothing."""
        return (message.username or "").partition(":")[0] == self.credentials.ufrag

    def lose(self, pair: Pair) -> None:
        """The peer does not consent to this one any more, or our socket is gone."""
        self.pairs = tuple([each for each in self.pairs if each is not pair])

    def is_succeeded(self, now: float) -> None:
        """There is a new path of each component."""
        self.ends = min(self.ends, now + LINGERING)
