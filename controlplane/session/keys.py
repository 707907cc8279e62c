# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which keys the media of two parties are encrypted, each on its own leg."""
from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

from controlplane.dtls.identity import Identity
from controlplane.events import SrtpKeys
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.session import dtls
from controlplane.session.media import Media
from controlplane.session.profiles import keyed
from controlplane.session.sections import Pair
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import RandomSource
from controlplane.srtp.crypto import crypto_text, has_spare_keys
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


class KeyMaking(NamedTuple):
    """What new keys are made with. ``passive``: peers that leave it to us who begins a DTLS handshake are to."""

    random: RandomSource
    identity: Identity
    passive: bool = False


def key_making(settings: SessionSettings, random: RandomSource, now: float) -> KeyMaking:
    """As the operator wants it, under the certificate of today."""
    return KeyMaking(random, settings.identities.current(now), settings.dtls_passive)


def offer_keys(pair: Pair, request: Request, making: KeyMaking) -> None:
    """The sender offers keys, the receiver is offered some. What was agreed before lasts until the answer."""
    section, sender, receiver = pair
    read_offered(sender, section, request, making)
    make_offered(receiver, sender.sdes, request, making)


def read_offered(media: Media, section: MediaDescription, request: Request, making: KeyMaking) -> None:
    """The party of ``media`` offers suites or DTLS, if its profile has any use for them."""
    dtls.read_offered(media, section, request, making.identity, making.random, passive=making.passive)
    sdes = _negotiated(media, keyed(section))
    if sdes is not None:
        _warn_of_spare_keys(section, request)
        sdes.read_offer(section.crypto, request.sdes)


def _warn_of_spare_keys(section: MediaDescription, request: Request) -> None:
    """Only the first key of a line is used; packets under another are not authentic."""
    if section.crypto and any([has_spare_keys(line) for line in section.crypto]):
        _log.warning("call %r: the %.80s section has several keys in one crypto attribute, and only the first is used",
                     (request.call_id or "")[:_SHOWN], section.type)


def make_offered(media: Media, source: Sdes | None, request: Request, making: KeyMaking) -> None:
    """Offer the party of ``media`` DTLS and suites, those of ``source`` among them, if its profile has any use.

    One that was offered nothing but DTLS before, or nothing but suites, is not offered the other one later.
    """
    had_dtls = media.dtls is not None
    dtls.make_offered(media, request, making.identity, making.random)
    sdes = _negotiated(media)
    if sdes is not None and (not had_dtls or sdes.sent or sdes.received):
        sdes.make_offer(source, request.sdes, making.random)


def _negotiated(media: Media, anew: bool = False) -> Sdes | None:
    """The keys to be offered now; before a first answer they are in force already, so that nothing goes in clear.

    What was agreed on goes on, unless the party offers ``anew`` what it has not used before.
    """
    if not media.encrypted or (not anew and media.keys is not None and media.keys is media.dtls):
        media.sdes = None
    elif media.sdes is None:
        media.sdes = Sdes()
    if not media.agreed:
        media.keys = media.sdes
    return media.sdes


def answer_keys(pair: Pair, request: Request, making: KeyMaking) -> None:
    """The sender has answered: settle both legs."""
    section, sender, receiver = pair
    was_offered = sender.sdes is not None or sender.dtls is not None
    if section.crypto and not was_offered:
        _log.warning("call %r: the answerer has keys for its %.80s section without having been offered any",
                     (request.call_id or "")[:_SHOWN], sender.type)
    read_answered(sender, section, request, making)
    wanted = receiver.is_srtp or sender.keys is not None or not was_offered or bool(request.osrtp & _ACCEPTING)
    make_answered(receiver, sender.sdes, wanted, request, making)


def read_answered(media: Media, section: MediaDescription, request: Request, making: KeyMaking) -> None:
    """The party has answered. One that was offered keys may do without if its profile is plain.

    Then it is not asked again if it could have had them by SDES or by DTLS.
    """
    media.agreed = True
    both = media.sdes is not None and bool(media.sdes.sent) and media.dtls is not None
    if media.sdes is not None:
        _warn_of_spare_keys(section, request)
        media.sdes.read_answer(section.crypto)
    if dtls.read_answered(media, section, request, making.random):
        media.keys, media.sdes = media.dtls, None
        return
    media.dtls = None
    if media.sdes is None:
        media.keys = None
        return
    media.keys = media.sdes if media.is_srtp or media.sdes.incoming is not None else None
    if media.keys is None and both:
        media.osrtp = False


def make_answered(media: Media, answerer: Sdes | None, wanted: bool, request: Request, making: KeyMaking) -> None:
    """Answer the offer of the party: encrypted if that is ``wanted`` and it has offered keys, or if it must be."""
    media.agreed = True
    if wanted and dtls.chooses(media, request):
        media.keys, media.sdes = media.dtls, None
        return
    media.dtls = None
    if not wanted or not (media.is_srtp or (media.sdes is not None and media.sdes.received)) or not media.encrypted:
        media.keys = None
        return
    if media.sdes is None:
        media.sdes = Sdes()
    media.sdes.make_answer(answerer, request.sdes, making.random)
    media.keys = media.sdes


def print_keys(section: OutgoingMedia, media: Media, request: Request, is_offer: bool) -> None:
    """Put in what the party of ``media`` is shown of its keys."""
    section.crypto = key_lines(media, request.sdes, is_offer)
    section.dtls = dtls.dtls_lines(media, request, is_offer)


def key_lines(media: Media, wishes: SdesWishes, is_offer: bool) -> list[str]:
    """The crypto attributes that the party of ``media`` is shown."""
    sdes = media.carrier.sdes
    if sdes is None or not (media.encrypted if is_offer else media.carrier.keys is sdes):
        return []
    return [crypto_text(crypto, pad="pad" in wishes.words, lifetime="lifetime" in wishes.words)
            for crypto in sdes.sent]
