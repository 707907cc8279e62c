# SPDX-License-Identifier: GPL-3.0-or-later
"""The checklist of a medium (RFC 8445 section 6.1.2): its pairs, which is checked next, which ones have succeeded."""
from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from controlplane.addresses import Endpoint
from controlplane.ice.candidate import Candidate
from controlplane.ice.pair import LocalCandidate, Pair, State

MAX_PAIRS = 100
MAX_REMOTE = 100
_BUSY = (State.WAITING, State.IN_PROGRESS)


class Checklist:
    """Pairs of all components; their priorities depend on our present role."""

    def __init__(self, controlling: bool):
        self.controlling = controlling
        self.locals: list[LocalCandidate] = []
        self.remotes: list[Candidate] = []
        self._pairs: dict[tuple[Endpoint, Endpoint], Pair] = {}
        self._triggered: deque[Pair] = deque()

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs.values())

    def __len__(self) -> int:
        return len(self._pairs)

    def _rank(self, pair: Pair) -> int:
        return pair.priority(self.controlling)

    def clear(self) -> None:
        """Forget the pairs and the remote candidates."""
        self.remotes.clear()
        self._pairs.clear()
        self._triggered.clear()

    def set_locals(self, candidates: Iterable[LocalCandidate]) -> list[Pair]:
        """Pair these with all that is known of the peer; the pairs of sockets that are gone are returned."""
        self.locals = list(candidates)
        bases = {local.base for local in self.locals}
        gone = [pair for pair in self if pair.local.base not in bases]
        for pair in gone:
            self._drop(pair)
        for remote in self.remotes:
            self._pair(remote)
        return gone

    def add_remote(self, candidate: Candidate) -> None:
        """Pair a candidate of the peer; what was learned about it from packets gives way to what the peer says."""
        for number, known in enumerate(self.remotes):
            if known.endpoint == candidate.endpoint and known.component == candidate.component:
                if known.type == "prflx" and candidate.type != "prflx":
                    self.remotes[number] = candidate
                    for pair in self:
                        if pair.remote is known:
                            pair.remote = candidate
                return
        if len(self.remotes) < MAX_REMOTE:
            self.remotes.append(candidate)
            self._pair(candidate)

    def find(self, local: Endpoint, remote: Endpoint) -> Pair | None:
        return self._pairs.get((local, remote))

    def is_valid(self, path: tuple[Endpoint, Endpoint]) -> bool:
        """True if a check has succeeded there."""
        pair = self._pairs.get(path)
        return pair is not None and pair.succeeded

    def local_of(self, base: Endpoint) -> LocalCandidate | None:
        """The local candidate with this socket."""
        return next((local for local in self.locals if local.base == base), None)

    def learn(self, local: LocalCandidate, remote: Candidate) -> Pair | None:
        """The pair for a peer-reflexive candidate; None if there are too many."""
        self.add_remote(remote)
        return self.find(local.base, remote.endpoint)

    def _pair(self, remote: Candidate) -> None:
        for local in self.locals:
            if local.component != remote.component or local.base.family != remote.endpoint.family:
                continue
            path = local.base, remote.endpoint
            if path not in self._pairs:
                pair = self._pairs[path] = Pair(local, remote)
                self._thaw_new(pair)
                self._limit()

    def _limit(self) -> None:
        """The worst of too many pairs that have not succeeded is given up."""
        if len(self._pairs) > MAX_PAIRS:
            idle = [pair for pair in self if pair.state in (State.FROZEN, State.WAITING, State.FAILED)]
            self._drop(min(idle or list(self), key=self._rank))

    def _drop(self, pair: Pair) -> None:
        del self._pairs[pair.path]
        if pair.triggered:
            self._triggered.remove(pair)

    def _thaw_new(self, pair: Pair) -> None:
        """RFC 8838 section 12: like its kin, or at once if it is the first of its kind."""
        kin = [each for each in self if each.foundation == pair.foundation and each is not pair]
        if any(each.succeeded for each in kin) or not any(each.state in _BUSY for each in kin):
            pair.state = State.WAITING

    def thaw(self, succeeded: Pair) -> None:
        """The pairs that will fare like this one may be checked now."""
        for pair in self:
            if pair.state is State.FROZEN and pair.foundation == succeeded.foundation:
                pair.state = State.WAITING

    def trigger(self, pair: Pair) -> None:
        """Check this pair before all ordinary ones."""
        if not pair.triggered:
            pair.triggered = True
            self._triggered.append(pair)

    @property
    def has_work(self) -> bool:
        """True if there is a pair to be checked."""
        return bool(self._triggered) or any(pair.state in (State.WAITING, State.FROZEN) for pair in self)

    def next(self) -> Pair | None:
        """The pair to check now: a triggered one, else the best that waits, else the best frozen one."""
        if self._triggered:
            pair = self._triggered.popleft()
            pair.triggered = False
            return pair
        for state in (State.WAITING, State.FROZEN):
            found = [pair for pair in self if pair.state is state]
            if found:
                return max(found, key=self._rank)
        return None

    def conclude(self, nominated: Iterable[Pair]) -> None:
        """RFC 8445 section 8.1.2: pairs that are worse than the nominated ones are not checked any more."""
        least = {pair.component: self._rank(pair) for pair in nominated}
        for pair in self:
            if not pair.succeeded and not pair.triggered and self._rank(pair) < least.get(pair.component, 0):
                pair.state = State.FAILED

    def best(self, component: int, *, nominated: bool = False) -> Pair | None:
        """The best pair that succeeded, or of those that were nominated."""
        found = [pair for pair in self if pair.component == component and pair.succeeded
                 and (pair.nominated or not nominated)]
        return max(found, key=self._rank, default=None)

    def is_hopeless(self, components: int) -> bool:
        """True if a component has no pair left that may still succeed."""
        alive = {pair.component for pair in self if pair.state is not State.FAILED or pair.triggered}
        return any(component not in alive for component in range(1, components + 1))
