# SPDX-License-Identifier: GPL-3.0-or-later
"""A candidate pair: one of our sockets with one place where the peer may be reached."""
from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from controlplane.addresses import Endpoint
from controlplane.ice.candidate import Candidate


class LocalCandidate(NamedTuple):
    """One of our sockets: ``base`` is what it is bound to, the candidate is what the peer is told of it."""

    base: Endpoint
    candidate: Candidate

    @property
    def component(self) -> int:
        return self.candidate.component


class State(Enum):
    """RFC 8445 section 6.1.2.6."""

    FROZEN = "frozen"
    WAITING = "waiting"
    IN_PROGRESS = "in progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Pair:
    """Two candidates of one component.

    ``nominated``: the controlling side has chosen it and a check has succeeded. ``wanted``: it has chosen it, and the
    check is still due. ``triggered``: it stands in the queue of triggered checks.
    """

    local: LocalCandidate
    remote: Candidate
    state: State
    nominated: bool = False
    wanted: bool = False
    triggered: bool = False

    def __init__(self, local: LocalCandidate, remote: Candidate) -> None:
        self.local = local
        self.remote = remote
        self.state = State.FROZEN

    @property
    def component(self) -> int:
        return self.local.candidate.component

    @property
    def foundation(self) -> tuple[str, str]:
        """What pairs have in common that will fare alike."""
        return self.local.candidate.foundation, self.remote.foundation

    @property
    def path(self) -> tuple[Endpoint, Endpoint]:
        """Where its packets leave and where they go."""
        return self.local.base, self.remote.endpoint

    @property
    def succeeded(self) -> bool:
        return self.state is State.SUCCEEDED

    @property
    def is_announced(self) -> bool:
        """True if the peer, which has chosen it, may send through it already, before our own check has succeeded.

        Whoever was first to repeat its choice from a place that was not signalled may not.
        """
        return self.wanted and self.state is not State.FAILED and self.remote.type != "prflx"

    def priority(self, controlling: bool) -> int:
        """RFC 8445 section 6.1.2.3; both agents come to the same number."""
        ours, theirs = self.local.candidate.priority, self.remote.priority
        one, other = (ours, theirs) if controlling else (theirs, ours)
        return (min(one, other) << 32) + 2 * max(one, other) + (one > other)

    def __str__(self) -> str:
        return f"{self.local.base} to {self.remote.endpoint}"
