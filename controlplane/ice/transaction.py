# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that wait for their response (RFC 8489 section 6.2.1, timers of RFC 8445 section 14)."""
from __future__ import annotations

from collections.abc import Iterable

from controlplane.events import Datagram
from controlplane.ice.pair import Pair, State

PACING = 0.02
"""Seconds between two checks of an agent (Ta)."""
MIN_TIMEOUT = 0.5
REQUESTS = 7
"""How often a request is sent at the most (Rc)."""
LAST_WAIT = 16
"""How many first timeouts to wait after the last one (Rm)."""


def first_timeout(checks: int) -> float:
    """RTO in seconds while so many checks are under way or due (RFC 8445 section 14.3)."""
    return max(MIN_TIMEOUT, PACING * checks)


class Transaction:
    """A request of ours. ``controlling`` and ``nominates`` are what it said; ``is_consent``: RFC 7675."""

    identity: bytes
    pair: Pair
    datagram: Datagram
    password: str
    controlling: bool
    nominates: bool
    due: float
    timeout: float
    is_consent: bool = False
    sent: int = 1
    cancelled: bool = False
    """Not sent again, but a response still counts."""

    def __init__(self, identity: bytes, pair: Pair, data: bytes, password: str, now: float, *, checks: int,
                 controlling: bool, nominates: bool, is_consent: bool = False) -> None:
        """The request goes out now. One about consent is not repeated: the next one takes its place."""
        self.identity = identity
        self.pair = pair
        self.datagram = Datagram(*pair.path, data)
        self.password = password
        self.controlling = controlling
        self.nominates = nominates
        self.timeout = first_timeout(checks)
        self.due = now + self.timeout
        self.is_consent = is_consent
        self.sent = REQUESTS if is_consent else 1

    def again(self, now: float) -> bool:
        """Its time is up: True if it is to be sent once more; else it has failed, or waits a last time."""
        if self.cancelled or self.sent >= REQUESTS:
            return False
        self.sent += 1
        wait = self.timeout * (1 << self.sent - 1) if self.sent < REQUESTS else self.timeout * LAST_WAIT
        self.due = now + wait
        return True

    def fail(self) -> None:
        """The check has come to nothing, and so has its pair; the next request for consent may do better."""
        pair = self.pair
        if self.is_consent:
            return
        if pair.state is State.IN_PROGRESS:
            pair.state = State.FAILED
        elif pair.succeeded and self.nominates and not pair.nominated:
            pair.state, pair.wanted = State.FAILED, False


def cancel(pending: Iterable[Transaction], pair: Pair) -> None:
    """A triggered check takes the place of the one under way, whose response still counts."""
    for known in pending:
        if known.pair is pair and not known.is_consent:
            known.cancelled = True


def cancel_failed(pending: Iterable[Transaction]) -> None:
    """Repeat nothing for pairs that were given up."""
    for known in pending:
        if known.pair.state is State.FAILED:
            known.cancelled = True
