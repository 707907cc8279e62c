# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which keys the media of two parties are encrypted, each on its own leg."""
from __future__ import annotations

import logging
from typing import Protocol

from controlplane.events import SrtpKeys
from controlplane.ng.request import Request
from controlplane.session.media import Media
from controlplane.session.sections import Pair
from controlplane.session.sockets import RandomSource
from controlplane.srtp.crypto import crypto_text
from controlplane.srtp.sdes import Sdes, SdesWishes

_SHOWN = 80  # characters of a call-ID in a log line
_ACCEPTING = frozenset(("accept", "accept-rfc"))
_log = logging.getLogger("rtpengine.srtp")


class KeySource(Protocol):
    """Where a medium has its keys from; ``component`` is 1 for RTP and 2 for RTCP on a port of its own."""

    @property
    def suite(self) -> str | None:
        """Name of the suite under which the party gets its packets; None while there is none."""

    def received_under(self, component: int) -> SrtpKeys | None:
        """The keys for what the party sends; None: not known yet, nothing it sends can be believed."""

    def sent_under(self, component: int) -> SrtpKeys | None:
        """The keys for what the party gets; None: not known yet, nothing may be sent."""


def offer_keys(pair: Pair, request: Request, random: RandomSource) -> None:
    """The sender offers suites, the receiver is offered some. What was agreed before lasts until the answer."""
    section, sender, receiver = pair
    read_offered(sender, section.crypto, request.sdes)
    make_offered(receiver, sender.sdes, request.sdes, random)


def read_offered(media: Media, lines: tuple[str, ...], wishes: SdesWishes) -> None:
    """The party of ``media`` offers the suites in ``lines``, if its profile has any use for them."""
    sdes = _negotiated(media)
    if sdes is not None:
        sdes.read_offer(lines, wishes)


def make_offered(media: Media, source: Sdes | None, wishes: SdesWishes, random: RandomSource) -> None:
    """Offer the party of ``media`` suites, those of ``source`` among them, if its profile has any use for them."""
    sdes = _negotiated(media)
    if sdes is not None:
        sdes.make_offer(source, wishes, random)


def _negotiated(media: Media) -> Sdes | None:
    """The keys to be offered now; before a first answer they are in force already, so that nothing goes in clear."""
    if not media.encrypted:
        media.sdes = None
    elif media.sdes is None:
        media.sdes = Sdes()
    if not media.agreed:
        media.keys = media.sdes
    return media.sdes


def answer_keys(pair: Pair, request: Request, random: RandomSource) -> None:
    """The sender has answered: settle both legs."""
    section, sender, receiver = pair
    was_offered = sender.sdes is not None
    if section.crypto and not was_offered:
        _log.warning("call %r: the answerer has keys for its %.80s section without having been offered any",
                     (request.call_id or "")[:_SHOWN], sender.type)
    read_answered(sender, section.crypto)
    wanted = receiver.is_srtp or sender.keys is not None or not was_offered or bool(request.osrtp & _ACCEPTING)
    make_answered(receiver, sender.sdes, wanted, request.sdes, random)


def read_answered(media: Media, lines: tuple[str, ...]) -> None:
    """The party has answered with ``lines``. One that was offered keys may do without if its profile is plain."""
    media.agreed = True
    if media.sdes is None:
        media.keys = None
        return
    media.sdes.read_answer(lines)
    media.keys = media.sdes if media.is_srtp or media.sdes.incoming is not None else None


def make_answered(media: Media, answerer: Sdes | None, wanted: bool, wishes: SdesWishes, random: RandomSource) -> None:
    """Answer the offer of the party: encrypted if that is ``wanted`` and it has offered keys, or if it must be."""
    media.agreed = True
    if not wanted or not (media.is_srtp or (media.sdes is not None and media.sdes.received)) or not media.encrypted:
        media.keys = None
        return
    if media.sdes is None:
        media.sdes = Sdes()
    media.sdes.make_answer(answerer, wishes, random)
    media.keys = media.sdes


def key_lines(media: Media, wishes: SdesWishes, is_offer: bool) -> list[str]:
    """The crypto attributes that the party of ``media`` is shown."""
    sdes = media.carrier.sdes
    if sdes is None or not (media.encrypted if is_offer else media.carrier.keys is sdes):
        return []
    return [crypto_text(crypto, pad="pad" in wishes.words, lifetime="lifetime" in wishes.words)
            for crypto in sdes.sent]
