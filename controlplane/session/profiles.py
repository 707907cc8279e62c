# SPDX-License-Identifier: GPL-3.0-or-later
"""Transport profiles: what is refused because it is not implemented, and which one a receiver gets."""
from __future__ import annotations

import logging

from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.sdp.errors import SdpError
from controlplane.sdp.model import MediaDescription, SessionDescription
from controlplane.sdp.protocols import lookup
from controlplane.session.media import Media
from controlplane.session.sections import Pair
from controlplane.srtp.sdes import read

ACCEPT = "accept"
MAX_SECTIONS = 256
_SHOWN = 80  # characters of a call-ID in a log line
_log = logging.getLogger("rtpengine.control")


def check_supported(description: SessionDescription, request: Request) -> None:
    """PeerError naming the first thing asked for that does not exist. What is merely left out is logged."""
    if len(description.medias) > MAX_SECTIONS:
        raise SdpError(f"{len(description.medias)} m-sections")
    check_profile(request)
    for media in description.medias:
        if media.rejected or media.protocol is None:
            continue
        with_dtls = media.value("fingerprint") is not None
        if media.protocol.tls or (media.protocol.srtp and with_dtls and not keyed(media)):
            raise PeerError(f"Media profile {media.protocol.name} is not supported: no DTLS")
        if with_dtls:
            _leave_out("DTLS", request, media)


def check_profile(request: Request) -> None:
    """PeerError if the receiver is to have a profile that does not exist."""
    wanted = lookup(request.transport_protocol) if request.transport_protocol else None
    if wanted is not None and wanted.tls:
        raise PeerError(f"Transport protocol {wanted.name} is not supported: no DTLS")


def _leave_out(what: str, request: Request, media: MediaDescription) -> None:
    """Log what the receiver will not be told of. Keys must not be in the line."""
    _log.warning("call %r: %s is not supported, the %.80s section goes on without", (request.call_id or "")[:_SHOWN],
                 what, media.type)


def agree_profiles(pair: Pair, request: Request, is_offer: bool) -> None:
    """Set the profiles of both media from the sender's section and the override of the message.

    A plain profile that comes with keys (RFC 8643) counts as another one.
    """
    section, sender, receiver = pair
    previous = sender.description
    with_keys = opportunistic(section)
    changed = previous is not None and (previous.protocol_text != section.protocol_text
                                        or opportunistic(previous) != with_keys)
    sender.type = receiver.type = section.type
    sender.set_protocol(section.protocol_text)
    follow = request.transport_protocol == ACCEPT and not is_offer
    override = request.transport_protocol if section.is_rtp and request.transport_protocol != ACCEPT else None
    # RTP cannot be relayed to a medium that is none, nor the other way round.
    forgotten = follow or (changed and is_offer) or receiver.is_rtp != section.is_rtp
    if override or forgotten or not receiver.protocol:
        receiver.set_protocol(override or section.protocol_text)
        if is_offer:
            receiver.osrtp = with_keys and not override
    if is_offer:
        sender.osrtp = with_keys
        receiver.osrtp = receiver.osrtp or "offer" in request.osrtp


def keyed(section: MediaDescription) -> bool:
    """True if the section has keys in it that we can use."""
    return bool(section.crypto) and bool(read(section.crypto))


def opportunistic(section: MediaDescription) -> bool:
    """True for a plain profile with keys (RFC 8643)."""
    return (bool(section.crypto) and section.protocol is not None and section.protocol.rtp
            and not section.protocol.srtp and keyed(section))


def strips_feedback(source: Media, sink: Media) -> bool:
    """True if AVPF feedback of one is nothing for the other, whose profile lacks it and who has not asked for any."""
    if not (source.is_avpf and sink.is_rtp) or sink.is_avpf:
        return False
    said = sink.description
    return said is None or not any(codec.rtcp_fb for codec in said.payload_types)
