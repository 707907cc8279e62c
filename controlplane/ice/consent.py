# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent of the peer to what it is sent (RFC 7675), for one component."""
from __future__ import annotations

from controlplane.ice.credentials import Parties, RandomSource
from controlplane.ice.pair import Pair

INTERVAL = 5.0
EXPIRY = 30.0
LATE = 5.0
"""Seconds that a request may be late, before it is our own fault that there was no answer."""
_SPREAD_BITS = 16


class Consent:
    """The peer agreed to packets on ``pair`` until ``expires``; at ``due`` it is asked again (Unix time).

    ``parties`` are the credentials of that time, which outlast a restart until there is another pair.
    """

    pair: Pair
    parties: Parties
    expires: float
    due: float

    def __init__(self, pair: Pair, parties: Parties, expires: float, due: float) -> None:
        self.pair = pair
        self.parties = parties
        self.expires = expires
        self.due = due

    @classmethod
    def given(cls, pair: Pair, parties: Parties, random: RandomSource, now: float) -> Consent:
        """A check has just succeeded."""
        return cls(pair, parties, now + EXPIRY, now + interval(random))

    def is_over(self, now: float) -> bool:
        """True if it has expired. The peer gets time for two answers if nobody has asked it: we slept, or the clock
        was set.
        """
        if self.expires > now:
            return False
        if now - self.due > LATE:
            self.expires = now + 2 * INTERVAL
            return False
        return True

    def asked(self, random: RandomSource, now: float) -> None:
        """A request goes out now."""
        self.due = now + interval(random)

    def renewed(self, now: float) -> None:
        """A response has come."""
        self.expires = now + EXPIRY


def interval(random: RandomSource) -> float:
    """Seconds to the next request: 0.8 to 1.2 times INTERVAL, so that requests do not fall into step."""
    return INTERVAL * (0.8 + 0.4 * random.getrandbits(_SPREAD_BITS) / (1 << _SPREAD_BITS))
