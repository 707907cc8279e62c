# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sections for one medium, plain and encrypted, of which one is used (ng ``OSRTP``: ``offer-legacy``)."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription, SessionDescription, Twin
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.session.media import Media
from controlplane.session.party import Party

_ACCEPTING = frozenset(("accept", "accept-legacy"))
_PLAIN = {"RTP/SAVP": "RTP/AVP", "RTP/SAVPF": "RTP/AVPF",
          "UDP/TLS/RTP/SAVP": "RTP/AVP", "UDP/TLS/RTP/SAVPF": "RTP/AVPF"}


def accepts_twins(request: Request) -> bool:
    """True if the message asks to take pairs of sections for one medium each."""
    return bool(request.osrtp & _ACCEPTING)


def has_twins(party: Party) -> bool:
    """True if the party has offered pairs of sections or was offered some."""
    return any([media.twin is not None or media.twins_offered for media in party.medias])


def fold(description: SessionDescription) -> None:
    """Make one section of each plain one and an encrypted neighbour of the same type."""
    description.medias = list(_folded(description.medias))


def _folded(sections: list[MediaDescription]) -> Iterator[MediaDescription]:
    at = 0
    while at < len(sections):
        one = sections[at]
        other = sections[at + 1] if at + 1 < len(sections) else None
        if other is None or not _are_twins(one, other):
            yield one
            at += 1
            continue
        plain, encrypted = (one, other) if _is_srtp(other) else (other, one)
        kept, twin = (plain, encrypted) if encrypted.rejected and not plain.rejected else (encrypted, plain)
        kept.twin = Twin(twin.protocol_text, twin is one)
        yield kept
        at += 2


def _is_srtp(section: MediaDescription) -> bool:
    return section.protocol is not None and section.protocol.srtp


def _are_twins(one: MediaDescription, other: MediaDescription) -> bool:
    return one.type == other.type and one.is_rtp and other.is_rtp and _is_srtp(one) != _is_srtp(other)


def with_twins(media: Media, section: OutgoingMedia, request: Request, is_offer: bool) -> Iterable[OutgoingMedia]:
    """What is printed for ``media``: ``section``, and in their places twins that are offered or that stay unused."""
    plain = _PLAIN.get(section.protocol)
    if is_offer and "offer-legacy" in request.osrtp and plain is not None and not section.rejected:
        media.twins_offered = True
        return section.in_clear(plain), section
    if media.twin is None:
        return section,
    unused = OutgoingMedia(section.type, 0, media.twin.protocol, section.address, section.formats)
    unused.bare = True
    return (unused, section) if media.twin.first else (section, unused)
