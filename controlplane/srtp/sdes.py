# SPDX-License-Identifier: GPL-3.0-or-later
"""How a medium gets its keys from SDP (RFC 4568 section 7), between two legs that are negotiated apart.

Each party has its own negotiation. Whoever offers us suites may find its own keys in what we offer on, and the
answerer's key in what it is answered: then both legs are encrypted alike.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from controlplane.events import SrtpKeys
from controlplane.srtp.crypto import (MAX_TAG, UNAUTHENTICATED_SRTP, UNENCRYPTED_SRTCP, UNENCRYPTED_SRTP, Crypto,
                                      RandomBits, fresh, parse_crypto, with_parameters)
from controlplane.srtp.suites import SUITES, Suite

MAX_LINES = 64
"""How many crypto lines of a section are looked at."""
_SETS = {"unencrypted-srtp": UNENCRYPTED_SRTP, "unencrypted-srtcp": UNENCRYPTED_SRTCP,
         "unauthenticated-srtp": UNAUTHENTICATED_SRTP}
_CLEARS = {"encrypted-srtp": UNENCRYPTED_SRTP, "encrypted-srtcp": UNENCRYPTED_SRTCP,
           "authenticated-srtp": UNAUTHENTICATED_SRTP}


class SdesWishes(NamedTuple):
    """The members of ng ``SDES``: ``words`` are canonical, the others name suites in upper case.

    ``only`` counts rather than ``without``, and neither does with the word ``nonew``.
    """

    words: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()

    def allow(self, suite: Suite) -> bool:
        """True if the suite may be offered."""
        if "nonew" in self.words:
            return True
        return suite.name in self.only if self.only else suite.name not in self.without

    def parameters(self) -> tuple[int, int]:
        """The session parameters to set and those to clear; what is to be both is set."""
        return (sum([flag for word, flag in _SETS.items() if word in self.words]),
                sum([flag for word, flag in _CLEARS.items() if word in self.words]))


NO_WISHES = SdesWishes()


@dataclass(slots=True)
class Sdes:
    """The keys of one medium.

    ``received`` is what the party has offered or accepted, ``sent`` what it was offered or answered last; of an offer
    that it has answered ``sent`` is what it took, ``offered`` everything. ``preferred`` are the suites to be chosen
    first when its own offer is answered. ``incoming`` is in force for what the party sends, ``outgoing`` for what it
    gets: an offer changes nothing in either until it is answered.
    """

    received: list[Crypto] = field(default_factory=list)
    sent: list[Crypto] = field(default_factory=list)
    offered: list[Crypto] = field(default_factory=list)
    preferred: tuple[str, ...] = ()
    incoming: Crypto | None = None
    outgoing: Crypto | None = None

    @property
    def suite(self) -> str | None:
        """Name of the suite under which the party gets its packets; None while there is none."""
        return self.outgoing.suite.name if self.outgoing is not None else None

    def received_under(self, component: int) -> SrtpKeys | None:
        """The keys under which the party sends RTP (``component`` 1) and RTCP (2); None if they are not known yet."""
        return self.incoming.keys if self.incoming is not None else None

    def sent_under(self, component: int) -> SrtpKeys | None:
        """The keys under which the party gets RTP and RTCP."""
        return self.outgoing.keys if self.outgoing is not None else None

    def read_offer(self, lines: Sequence[str], wishes: SdesWishes) -> None:
        """The party offers ``lines``. One suite at least is kept, to answer with, whatever is wished.

        Of what the party was offered or answered itself only what it repeats is of use from now on.
        """
        offered = read(lines)
        self.received = [crypto for crypto in offered if wishes.allow(crypto.suite)] or offered[:1]
        self.sent = [crypto for crypto in self.sent if _same(self.received, crypto)]
        self.preferred = wishes.preferred

    def make_offer(self, source: Sdes | None, wishes: SdesWishes, random: RandomBits) -> None:
        """Offer the party what ``source`` has offered, what it was offered before, and everything else we have.

        What was offered before stays as it was, whatever is wished now. The word ``off`` counts as long as the party
        does not use SDES yet.
        """
        if "off" in wishes.words and not self.sent and not self.received:
            return
        on, off = wishes.parameters()
        offered = [with_parameters(crypto, on, off) for crypto in (source.received if source is not None else ())
                   if wishes.allow(crypto.suite)]
        tags = _Tags(offered)
        known = {crypto.suite for crypto in offered}
        for crypto in self.sent:
            if crypto.suite not in known:
                offered.append(crypto._replace(tag=tags.take(crypto.tag)))
                known.add(crypto.suite)
        if "nonew" not in wishes.words:
            offered += [with_parameters(fresh(tags.take(), suite, random), on, off) for suite in SUITES
                        if suite not in known and wishes.allow(suite)]
        self.sent = self.offered = ranked(offered, wishes.order)

    def read_answer(self, lines: Sequence[str]) -> None:
        """The party accepts one of the suites it was offered: by tag, else by name."""
        self.received = read(lines)[:1]
        self.incoming = self.outgoing = None
        if self.received:
            said = self.received[0]
            same = [crypto for crypto in self.offered if crypto.suite is said.suite]
            self.sent = ([crypto for crypto in same if crypto.tag == said.tag] or same)[:1]
            if self.sent:
                self.incoming, self.outgoing = said, self.sent[0]._replace(flags=said.flags)

    def make_answer(self, answerer: Sdes | None, wishes: SdesWishes, random: RandomBits) -> None:
        """Accept one of the suites that the party has offered.

        The one that ``answerer`` has accepted is taken with its key, which lets RTP pass as it is. Else it is the first
        one, or for ``static`` and with the key that was used already, if they were offered again.
        """
        choices = ranked(self.received, self.preferred)
        if not choices:
            self.sent, self.incoming, self.outgoing = [], None, None
            return
        accepted = answerer.incoming if answerer is not None else None
        kept = _same(choices, self.outgoing) if "static" in wishes.words else None
        chosen = kept or self._choose(choices, accepted)
        if accepted is not None and kept is None and chosen.suite is accepted.suite:
            ours = accepted._replace(tag=chosen.tag)
        else:
            ours = _same(self.sent, chosen) or fresh(chosen.tag, chosen.suite, random)
        ours = ours._replace(flags=chosen.flags)
        self.sent, self.incoming, self.outgoing = [ours], chosen, ours

    def _choose(self, choices: list[Crypto], accepted: Crypto | None) -> Crypto:
        if accepted is not None and not self.preferred:
            return next((crypto for crypto in choices if crypto.suite is accepted.suite), choices[0])
        return choices[0]


class _Tags:
    """Gives out tags for lines behind ``offered``: rising ones, as long as they can be written."""

    def __init__(self, offered: list[Crypto]):
        self._highest = max([crypto.tag for crypto in offered], default=0)
        self._taken = {crypto.tag for crypto in offered}

    def take(self, wanted: int = 0) -> int:
        """``wanted`` if it is above all others, else the next one."""
        tag = wanted if wanted > self._highest else self._highest + 1
        if tag > MAX_TAG:
            tag = next(free for free in range(1, MAX_TAG) if free not in self._taken)
        self._highest = max(self._highest, tag)
        self._taken.add(tag)
        return tag


def read(lines: Iterable[str]) -> list[Crypto]:
    """The usable suites among the values of crypto attributes, in their order."""
    found = map(parse_crypto, list(lines)[:MAX_LINES])
    return [crypto for crypto in found if crypto is not None]


def ranked(offered: list[Crypto], names: Sequence[str]) -> list[Crypto]:
    """``offered`` with the suites called ``names`` in front, in the order of these."""
    if not names:
        return offered
    places = {name: place for place, name in enumerate(reversed(names), 1)}
    return sorted(offered, key=lambda crypto: -places.get(crypto.suite.name, 0))


def _same(among: list[Crypto], wanted: Crypto | None) -> Crypto | None:
    """Of ``among`` the one with tag and suite of ``wanted``."""
    if wanted is None:
        return None
    return next((crypto for crypto in among if (crypto.tag, crypto.suite) == (wanted.tag, wanted.suite)), None)
