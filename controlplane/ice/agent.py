# SPDX-License-Identifier: GPL-3.0-or-later
"""The ICE agent of one medium (RFC 8445, 8838, 7675): packets and time come in, packets and chosen paths go out."""
from __future__ import annotations

from collections.abc import Iterable
from math import inf

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.events import Datagram
from controlplane.ice import stun
from controlplane.ice.candidate import Candidate, priority_of
from controlplane.ice.checklist import Checklist
from controlplane.ice.consent import Consent
from controlplane.ice.credentials import Credentials, Parties, RandomSource
from controlplane.ice.evidence import Evidence
from controlplane.ice.former import Former
from controlplane.ice.pair import LocalCandidate, Pair, State
from controlplane.ice.phase import Phase
from controlplane.ice.request import request
from controlplane.ice.respond import respond
from controlplane.ice.stun import Kind, Message, Type
from controlplane.ice.transaction import PACING, Transaction, cancel, cancel_failed

PATIENCE = 39.5
"""Seconds after the start before an agent gives up: checks may still come from the peer (RFC 8863)."""
SETTLING = 0.1
"""Seconds to wait for better pairs once a complete set has succeeded, before one is nominated."""
MAX_SOURCES = 100
MAX_TRANSACTIONS = 64
"""Of the peer's that are remembered: one that comes again from elsewhere was overheard, and says nothing."""
_TIE_BREAKER_BITS = 64
_TRANSACTION_BITS = 96
_ROLE_CONFLICT = 487


class Agent:
    """One checklist with its components; times are Unix time in seconds.

    After each call ``take_datagrams`` has what is to be sent, ``selection`` the pair that each component sends through,
    and ``valid`` all that the peer may send through, the same object as long as nothing changes. Call ``on_time`` at
    ``next_at``. ``software`` is shown to the peer, ``sources`` are where it was seen.
    ``aggressive``: every check nominates (RFC 5245 section 8.1.1.2), for peers that know nothing else.
    """

    def __init__(self, random: RandomSource, *, controlling: bool, lite: bool = False, aggressive: bool = False,
                 software: str = "", components: int = 1):
        self._random = random
        self.checklist = Checklist(controlling and not lite)
        self.lite = lite
        self.aggressive = aggressive
        self.software = software
        self.components = components
        self.local = Credentials.make(random)
        self.remote: Credentials | None = None
        self.remote_lite = False
        self.remote_complete = True
        self.phase = Phase.WAITING
        self.reason = ""
        self.tie_breaker = random.getrandbits(_TIE_BREAKER_BITS)
        self.selection: dict[int, Pair] = {}
        self.valid: tuple[Pair, ...] = ()
        self.former: Former | None = None
        self.evidence = Evidence()
        self.sources: dict[tuple[Endpoint, Endpoint], None] = {}
        self._known: dict[bytes, Endpoint] = {}
        self._pending: dict[bytes, Transaction] = {}
        self._consents: dict[int, Consent] = {}
        self._datagrams: list[Datagram] = []
        self._started = inf
        self._patience_ends = inf
        self._next_check = -inf
        self._nominate_at = inf

    @property
    def controlling(self) -> bool:
        """Our role."""
        return self.checklist.controlling

    @controlling.setter
    def controlling(self, value: bool) -> None:
        self.checklist.controlling = value

    @property
    def why(self) -> str:
        """Why it has failed, or comes to nothing; empty if it does not."""
        seen = self.evidence.words() if self.phase is not Phase.COMPLETED else ""
        return "; ".join(filter(None, (self.reason, seen)))

    # --- what signalling says ---

    def set_locals(self, candidates: Iterable[LocalCandidate], now: float) -> None:
        """Our sockets with their candidates; those of a component that is not in use any more are left out."""
        self._lose(self.checklist.set_locals(candidates))
        self._settle(now)

    def set_components(self, components: int, now: float) -> None:
        """How many there are: one if RTP and RTCP share a port."""
        self.components = components
        for gone in [number for number in self.selection if number > components]:
            del self.selection[gone]
            self._consents.pop(gone, None)
        self._settle(now)

    def set_remote(self, credentials: Credentials, now: float, *, lite: bool = False, complete: bool = True) -> bool:
        """The peer's credentials; True if it has restarted. ``complete``: it has no more candidates than were told."""
        restarted = self.remote is not None and self.remote != credentials
        if restarted:
            self.restart(now)
        fresh = self.remote is None
        self.remote, self.remote_lite, self.remote_complete = credentials, lite, complete
        if lite and not self.lite:
            self.controlling = True
        if fresh:
            self.phase = Phase.CHECKING
            self._started, self._patience_ends = now, now + PATIENCE
            self.evidence.begin(now)
        self._settle(now)
        return restarted

    def restart(self, now: float) -> None:
        """Begin anew with other credentials (RFC 8445 section 9); the selected paths stay until there are new ones."""
        self.former = Former(self.local, [*self.selection.values(), *self.valid])
        self.local = Credentials.make(self._random)
        self.remote = None
        self.evidence = Evidence()
        self.checklist.clear()
        self._pending = {identity: known for identity, known in self._pending.items() if known.is_consent}
        self.sources = {pair.path: None for pair in self.former.pairs}
        self.phase, self.reason = Phase.WAITING, ""
        self._nominate_at = inf

    def add_remote(self, candidate: Candidate, now: float) -> None:
        """A candidate of the peer's, together with its credentials or later."""
        self.add_remotes((candidate,), now)

    def add_remotes(self, candidates: Iterable[Candidate], now: float) -> None:
        """The same, several at once."""
        for candidate in candidates:
            if candidate.component <= self.components:
                self.checklist.add_remote(candidate)
        self._settle(now)

    # --- packets ---

    def admits(self, local: Endpoint, source: Endpoint) -> bool:
        """True if STUN has shown that the peer is at ``source``; nothing else may come from there."""
        return (local, source) in self.sources

    def receive(self, data: bytes, local: Endpoint, source: Endpoint, now: float) -> bool:
        """A packet that may be STUN has come to our socket ``local``; False if it is not for us."""
        try:
            message = stun.parse(data)
        except PeerError:
            return False
        if message.kind is Kind.REQUEST:
            self._request(message, len(data), local, source, now)
        elif message.kind is not Kind.INDICATION:
            self._response(message, local, source, now)
        return True

    def _request(self, message: Message, size: int, local: Endpoint, source: Endpoint, now: float) -> None:
        """Who does not know the password is sent no more than came from there."""
        candidate = self.checklist.local_of(local)
        if candidate is None:
            return
        if self.former is not None and self.former.is_asked(message):
            reply = respond(message, source, self.former.credentials, self.controlling, self.tie_breaker,
                            self.software)
            self._datagrams.append(Datagram(local, source, reply.data))
            return
        reply = respond(message, source, self.local, self.controlling, self.tie_breaker, self.software)
        if reply.accepted and self._known.setdefault(message.transaction, source) != source:
            return
        if reply.accepted or len(reply.data) <= size:
            self._datagrams.append(Datagram(local, source, reply.data))
        if not reply.accepted:
            self.evidence.refused(message, reply.code, self.local, source)
            return
        self.evidence.accepted = True
        if len(self._known) > MAX_TRANSACTIONS:
            del self._known[next(iter(self._known))]
        if reply.switch and not self.lite:
            self._switch(not self.controlling)
        self._note_source(local, source)
        pair = self.checklist.find(local, source) or self._learn(candidate, source, message.priority)
        if pair is not None:
            self._checked_by_peer(pair, Type.USE_CANDIDATE in message and not self.controlling, now)
            self._settle(now)

    def _learn(self, local: LocalCandidate, source: Endpoint, priority: int | None) -> Pair | None:
        """RFC 8445 section 7.3.1.3. The foundation is of one address, so that its components belong together."""
        component = local.component
        remote = Candidate(f"p{source.address}", component, "UDP", priority or priority_of("prflx", 0, component),
                           source, "prflx")
        return self.checklist.learn(local, remote)

    def _checked_by_peer(self, pair: Pair, nominates: bool, now: float) -> None:
        """RFC 8445 sections 7.3.1.4 and 7.3.2."""
        if self.lite:
            pair.state = State.SUCCEEDED
            pair.nominated = pair.nominated or nominates
        elif pair.succeeded:
            pair.nominated = pair.nominated or nominates
        else:
            pair.wanted = pair.wanted or nominates
            if pair.state is State.IN_PROGRESS:
                cancel(self._pending.values(), pair)
            pair.state = State.WAITING
            self.checklist.trigger(pair)

    def _response(self, message: Message, local: Endpoint, source: Endpoint, now: float) -> None:
        known = self._pending.get(message.transaction)
        if known is None or not message.is_authentic(known.password):
            if known is not None:
                self.evidence.unproven(message.error, source)
            return
        del self._pending[message.transaction]
        self.evidence.answered(source, None)
        pair = known.pair
        if (local, source) != pair.path:
            known.fail()
        elif message.kind is Kind.SUCCESS and message.mapped is not None:
            self._succeeded(known, now)
        elif message.kind is Kind.ERROR and message.error == _ROLE_CONFLICT:
            if self.controlling == known.controlling:
                self._switch(not known.controlling)
            pair.state = State.WAITING if not pair.succeeded else pair.state
            self.checklist.trigger(pair)
        elif message.kind is Kind.ERROR:
            known.fail()
        self._settle(now)

    def _succeeded(self, known: Transaction, now: float) -> None:
        pair = known.pair
        consent = self._consents.get(pair.component)
        if consent is not None and consent.pair is pair:
            consent.renewed(now)
        if not known.is_consent and self.checklist.find(*pair.path) is pair:
            self._note_source(*pair.path)
            pair.state = State.SUCCEEDED
            self.checklist.thaw(pair)
            pair.nominated |= known.nominates and self.controlling or pair.wanted and not self.controlling
            pair.wanted = False

    def _note_source(self, local: Endpoint, source: Endpoint) -> None:
        if len(self.sources) >= MAX_SOURCES and (local, source) not in self.sources:
            del self.sources[next(iter(self.sources))]
        self.sources[local, source] = None

    def _switch(self, controlling: bool) -> None:
        """Role conflict: no nomination under the former role counts."""
        self.controlling = controlling
        self._nominate_at = inf
        for pair in self.checklist:
            pair.wanted = False

    # --- time ---

    @property
    def next_at(self) -> float:
        """When ``on_time`` is to be called; infinity if there is nothing to wait for."""
        times = [known.due for known in self._pending.values()]
        times += [min(consent.due, consent.expires) for consent in self._consents.values()]
        times.append(self._nominate_at)
        if self.remote is not None and not self.lite and self.checklist.has_work:
            times.append(self._next_check)
        return min(*times, self._patience_ends, self.evidence.due, self.former.ends if self.former is not None else inf)

    def on_time(self, now: float) -> None:
        """Do what is due: repeat requests, begin a check, nominate, ask for consent, give up."""
        for known in [each for each in self._pending.values() if each.due <= now]:
            if known.again(now):
                self._datagrams.append(known.datagram)
            else:
                del self._pending[known.identity]
                if not known.cancelled:
                    known.fail()
        for number, consent in list(self._consents.items()):
            if number in self._consents:  # the end of one may be the end of all
                self._attend_consent(number, consent, now)
        self.evidence.on_time(now, self.phase in (Phase.CHECKING, Phase.CONNECTED))
        if self._patience_ends <= now:
            self._patience_ends = inf
        if self.former is not None and self.former.ends <= now:
            self._lose(self.former.pairs)
            self.former = None
        if self._nominate_at <= now:
            self._nominate()
        if self.remote is not None and not self.lite and self._next_check <= now:
            pair = self.checklist.next()
            if pair is not None:
                self._next_check = now + PACING
                self._check(pair, now)
        self._settle(now)

    def _attend_consent(self, number: int, consent: Consent, now: float) -> None:
        if consent.is_over(now):
            del self._consents[number]
            consent.pair.state, consent.pair.nominated = State.FAILED, False
            former = self._is_former(consent.pair)
            self._lose([consent.pair])
            if not former and self.phase in (Phase.CONNECTED, Phase.COMPLETED):
                self._give_up("the peer does not consent any more")
        elif consent.due <= now:
            consent.asked(self._random, now)
            self._send(consent.pair, consent.parties, now, is_consent=True)

    def _check(self, pair: Pair, now: float) -> None:
        """Begin the check of a pair; one that has succeeded is checked again to nominate it."""
        if not pair.succeeded:
            pair.state = State.IN_PROGRESS
        if self.remote is not None:
            self.evidence.asked(pair)
            self._send(pair, (self.local, self.remote), now, nominates=self.controlling and (
                pair.wanted or self.aggressive))

    def _send(self, pair: Pair, parties: Parties, now: float, *, nominates: bool = False,
              is_consent: bool = False) -> None:
        identity = self._random.getrandbits(_TRANSACTION_BITS).to_bytes(stun.TRANSACTION_SIZE, "big")
        data = request(identity, pair, parties, self.controlling, self.tie_breaker, self.software, nominates)
        known = self._pending[identity] = Transaction(
            identity, pair, data, parties[1].password, now, checks=len(self.checklist),
            controlling=self.controlling, nominates=nominates, is_consent=is_consent)
        self._datagrams.append(known.datagram)

    def _nominate(self) -> None:
        """Regular nomination: the best pair of each component that succeeded is checked once more, and says so."""
        self._nominate_at = inf
        for number in range(1, self.components + 1):
            pair = self.checklist.best(number)
            if pair is not None and not pair.nominated:
                pair.wanted = True
                self.checklist.trigger(pair)

    # --- conclusions ---

    def _settle(self, now: float) -> None:
        """What the state of the pairs means for the whole."""
        numbers = range(1, self.components + 1)
        nominated = [self.checklist.best(number, nominated=True) for number in numbers]
        usable = [one or self.checklist.best(number) for number, one in zip(numbers, nominated)]
        if all(nominated):
            self._use(usable, now)
            self.phase, self.reason = Phase.COMPLETED, ""
            if self.former is not None:
                self.former.is_succeeded(now)
            self.checklist.conclude(pair for pair in nominated if pair is not None)
            cancel_failed(self._pending.values())
        elif all(usable):
            if self.phase is not Phase.COMPLETED or len(self.selection) != self.components:
                self._use([pair for number, pair in zip(numbers, usable) if not self._goes_on(number)], now)
                self.phase, self.reason = Phase.CONNECTED, ""
            if self.controlling and self._nominate_at == inf and not any(
                    pair.wanted for pair in usable if pair is not None):
                self._nominate_at = now + SETTLING
        elif (self.phase is Phase.CHECKING and now >= self._started + PATIENCE and self.remote_complete
              and not self._pending and self.checklist.is_hopeless(self.components)
              and not any([self._goes_on(number) for number in numbers])):
            self._give_up("no candidate pair works" if len(self.checklist) else "there is no candidate pair")
        valid = [pair for pair in self.checklist if pair.succeeded or pair.is_announced]
        valid += self.former.pairs if self.former is not None else ()
        if len(valid) != len(self.valid) or any([one is not other for one, other in zip(valid, self.valid)]):
            self.valid = tuple(valid)

    def _is_former(self, pair: Pair | None) -> bool:
        return self.former is not None and pair is not None and pair in self.former.pairs

    def _goes_on(self, number: int) -> bool:
        """True if a component has a path from before the restart, which only a nominated one replaces."""
        return self._is_former(self.selection.get(number))

    def _use(self, pairs: list[Pair | None], now: float) -> None:
        for pair in pairs:
            if pair is None or self.selection.get(pair.component) is pair:
                continue
            self.selection[pair.component] = pair
            if not self.lite and self.remote is not None:
                self._consents[pair.component] = Consent.given(pair, (self.local, self.remote), self._random, now)

    def _lose(self, pairs: Iterable[Pair]) -> None:
        for pair in pairs:
            if self.former is not None:
                self.former.lose(pair)
            if not self.checklist.is_valid(pair.path):
                self.sources.pop(pair.path, None)
            if self.selection.get(pair.component) is pair:
                del self.selection[pair.component]
                self._consents.pop(pair.component, None)

    def _give_up(self, reason: str) -> None:
        self.phase, self.reason, self.former = Phase.FAILED, reason, None
        self.selection.clear()
        self._consents.clear()
        self._nominate_at = inf

    def take_datagrams(self) -> list[Datagram]:
        """What is to be sent now."""
        datagrams, self._datagrams = self._datagrams, []
        return datagrams
