# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport profiles: which one a receiver gets."""
from __future__ import annotations

from controlplane.ng.request import Request
from controlplane.sdp.errors import SdpError
from controlplane.sdp.model import MediaDescription, SessionDescription
from controlplane.session.dtls import fingerprints
from controlplane.session.media import Media
from controlplane.session.sections import Pair
from controlplane.srtp.sdes import read

ACCEPT = "accept"
MAX_SECTIONS = 256


def check_size(description: SessionDescription) -> None:
    """PeerError if there are more m-sections than anybody needs."""
    if len(description.medias) > MAX_SECTIONS:
        raise SdpError(f"{len(description.medias)} m-sections")


def agree_profiles(pair: Pair, request: Request, is_offer: bool) -> None:
    """Set the profiles of both media from the sender's section and the override of the message.

    A plain profile that comes with keys (RFC 8643) counts as another one, and who declines them is not asked again.
    """
    section, sender, receiver = pair
    previous = sender.description
    with_keys = opportunistic(section)
    changed = previous is not None and (previous.protocol_text != section.protocol_text
                                        or opportunistic(previous) != with_keys)
    sender.type = receiver.type = section.type
    sender.set_protocol(section.protocol_text)
    follow = request.transport_protocol == ACCEPT and not is_offer
    if is_offer and receiver.osrtp and _declined(receiver, with_keys):
        receiver.osrtp = False
    override = request.transport_protocol if section.is_rtp and request.transport_protocol != ACCEPT else None
    # RTP cannot be relayed to a medium that is none, nor the other way round.
    forgotten = follow or (changed and is_offer) or receiver.is_rtp != section.is_rtp
    if override or forgotten or not receiver.protocol:
        receiver.set_protocol(override or section.protocol_text)
        if is_offer:
            receiver.osrtp = with_keys and not override
    if is_offer:
        sender.osrtp = with_keys
        receiver.osrtp = receiver.osrtp or "offer" in request.osrtp or (
            with_keys and "reset" in request.flags and not override and not receiver.is_srtp)


def _declined(media: Media, with_keys: bool) -> bool:
    """True if there were no keys to be agreed on, and the party was offered them, or has offered them itself.

    One that was offered them may be again by a partner that comes ``with_keys``.
    """
    own = media.description
    return media.agreed and media.keys is None and own is not None and (not with_keys or opportunistic(own))


def keyed(section: MediaDescription) -> bool:
    """True if the section has keys in it that we can use."""
    return bool(section.crypto) and bool(read(section.crypto))


def opportunistic(section: MediaDescription) -> bool:
    """True for a plain profile with keys, or with the certificate that they are made under (RFC 8643)."""
    protocol = section.protocol
    return (protocol is not None and protocol.rtp and not protocol.srtp
            and (keyed(section) or bool(fingerprints(section))))


def strips_feedback(source: Media, sink: Media) -> bool:
    """True if AVPF feedback of one is nothing for the other, whose profile lacks it and who has not asked for any."""
    if not (source.is_avpf and sink.is_rtp) or sink.is_avpf:
        return False
    said = sink.description
    return said is None or not any(codec.rtcp_fb for codec in said.payload_types)
