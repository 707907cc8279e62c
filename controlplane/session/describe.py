# SPDX-License-Identifier: GPL-3.0-or-later
"""The body for the receiver: our ports, the sender's words."""
from __future__ import annotations

from controlplane.addresses import Address, zero_address
from controlplane.ng.reply import RequestFailed
from controlplane.sdp.model import MediaDescription, Origin, SessionDescription
from controlplane.sdp.origin import OriginRules, choose_origin, settle
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.sdp.rewrite import copied_media, outgoing_media, outgoing_session, printed_formats
from controlplane.session.bundle import group_lines
from controlplane.session.candidates import is_relayed, own_candidates
from controlplane.session.context import origin_rules
from controlplane.session.exchange import Exchange
from controlplane.session.keys import print_keys
from controlplane.session.ice import is_lite, print_ice
from controlplane.session.latching import companions
from controlplane.session.media import NEVER_RELAYED, Media
from controlplane.session.party import Party
from controlplane.session.twins import with_twins

_ID_BITS = 62
_NO_SESSION = SessionDescription()


def describe(exchange: Exchange) -> bytes:
    """The SDP for the receiver. RequestFailed if no section of it has a socket."""
    sender, receiver = exchange.dialogue
    medias = [printed for media in _shown(exchange, receiver) for printed in with_twins(
        media, _section(exchange, media, sender.peer_media(media)), exchange.request, exchange.is_offer)]
    place = next((media.mapping.place for media in receiver.medias if media.mapping is not None), None)
    if place is None:
        raise RequestFailed("Error rewriting SDP", sdp="")
    rules = origin_rules(exchange.request)
    session = outgoing_session(sender.session or _NO_SESSION, _origin(exchange, sender, receiver, rules,
                                                                      place.advertised),
                               name=_session_name(exchange, sender))
    if "loop-protect" in exchange.request.flags:
        session.leading.append(loop_marker(exchange.settings.instance_id))
    if is_lite(receiver):
        session.leading.append("ice-lite")
    session.leading += group_lines(receiver)
    if exchange.request.ice == "force-relay" and sender.session is not None:
        session.leading += ["group:" + " ".join((group.semantics, *group.mids)) for group in sender.session.groups]
    session.medias = medias
    return settle(receiver.origin, session, rules, exchange.request.sdp_attr)


def _shown(exchange: Exchange, receiver: Party) -> list[Media]:
    """The media that have a section: all, but of an answer no more than were offered (RFC 3264 section 6).

    There are more after an offer with further ones has failed.
    """
    if exchange.is_offer or receiver.session is None:
        return receiver.medias
    offered = {id(section) for section in receiver.session.medias}
    return [media for media in receiver.medias if id(media.description) in offered]


def loop_marker(instance_id: str) -> str:
    """The session attribute that tells that a body came by here."""
    return "rtpengine:" + instance_id


def _origin(exchange: Exchange, sender: Party, receiver: Party, rules: OriginRules, local: Address) -> Origin:
    written = sender.session.origin if sender.session is not None else None
    if written is not None:
        return choose_origin(receiver.origin, written, rules, local, 0)
    bits = exchange.random.getrandbits(2 * _ID_BITS)
    return choose_origin(receiver.origin, None, rules, local, bits >> _ID_BITS, bits & ((1 << _ID_BITS) - 1))


def _session_name(exchange: Exchange, sender: Party) -> str | None:
    if sender.session_name is None and sender.session is not None:
        sender.session_name = sender.session.name or ""
    return sender.session_name if "session-name" in exchange.request.replace else None


def _section(exchange: Exchange, media: Media, source: Media | None) -> OutgoingMedia:
    """The section for ``media`` of the receiver, fed by ``source`` of the sender."""
    said = source.description if source is not None else None
    if said is None:
        return _unanswered(exchange, media)
    if media.type == NEVER_RELAYED:
        return copied_media(said, said.port, said.address())
    if said.rejected or media.mapping is None:
        return _rejected(media, said)
    if media.passthrough:
        return _passed_through(exchange, media, said)
    address = _printed(exchange, media)
    port = media.mapping.sockets[0].port
    words = exchange.request
    remote = source.streams[0].advertised if source is not None else None
    if not media.is_rtp:
        zero = words.media_address is None and said.held_by(
            remote.address if remote is not None else said.address()) and "zero-address" not in words.replace
        return copied_media(said, port, zero_address(address.family) if zero else address)
    section = outgoing_media(said, port, address, remote=remote.address if remote is not None else None,
                             original_sendrecv="original-sendrecv" in words.flags,
                             replace_zero="zero-address" in words.replace)
    if words.media_address is not None:
        section.address = words.media_address  # even in place of a zero address
    section.label = source.label if source is not None else None
    if section.payload_types:
        if not media.told:
            return _rejected(media, said)
        section.payload_types = media.told
        section.formats = tuple([str(codec.number) for codec in media.told])
    section.extmaps = media.extmaps
    return _receivers_own(exchange, section, media)


def _passed_through(exchange: Exchange, media: Media, said: MediaDescription) -> OutgoingMedia:
    """The sender's own words, and our sockets among its ICE candidates."""
    section = copied_media(said, said.port, said.address())
    if media.mapping is not None and said.has_ice:
        kind = "relay" if exchange.request.ice == "force-relay" else "host"
        received = said.values("candidate")
        sockets = companions(exchange.call, media.carrier, exchange.sockets, min(2, len(media.mapping.sockets)))
        if kind == "relay":
            section.copied = [text for text in section.copied or () if not is_relayed(text)]
        section.candidates = own_candidates(sockets, received, kind, exchange.settings.instance_id,
                                            exchange.request.media_address if kind == "host" else None)
    return section


def _receivers_own(exchange: Exchange, section: OutgoingMedia, media: Media) -> OutgoingMedia:
    """Add what does not come from the sender: profile, mid, RTCP, and packet time if the sender has none.

    Mixed header extensions (RFC 8285 section 6) are shown to all but those who have extensions themselves and have
    not shown that they can mix them.
    """
    section.protocol = media.protocol
    section.mid = media.mid
    said = media.description
    if section.ptime is None and said is not None:
        section.ptime = said.ptime
    section.extmap_allow_mixed = media.mixes_extensions
    if exchange.is_offer and media.carrier is not media:
        section.bundle_only = True
        section.hidden_port = "strict" in exchange.request.bundle
    print_keys(section, media, exchange.request, exchange.is_offer)
    flags = exchange.request.flags
    section.rtcp_mux = media.mux_offered if exchange.is_offer else media.mux
    if "no-rtcp-attribute" not in flags and media.mapping is not None:
        section.rtcp_port = media.mapping.sockets[:2][-1].port
        if "full-rtcp-attribute" in flags:
            section.rtcp_address = _printed(exchange, media)
    if media.carrier.ice is not None:
        print_ice(section, media, exchange.request, exchange.is_offer)
    return section


def _printed(exchange: Exchange, media: Media) -> Address:
    """What the receiver is told instead of our local address."""
    if exchange.request.media_address is not None:
        return exchange.request.media_address
    return media.mapping.place.advertised if media.mapping is not None else zero_address(media.family or 4)


def _rejected(media: Media, said: MediaDescription) -> OutgoingMedia:
    """Port 0; the formats are the sender's or, if the receiver speaks another profile, its own."""
    formats = printed_formats(said)
    if media.protocol.lower() != said.protocol_text.lower():
        formats = printed_formats(media.description) if media.description is not None else ()
    section = OutgoingMedia(media.type, 0, media.protocol or said.protocol_text, zero_address(media.family or 4),
                            formats, media.mid, rejected=True)
    section.title = said.title
    section.bandwidths.update(said.bandwidths)
    section.label = said.label
    return section


def _unanswered(exchange: Exchange, media: Media) -> OutgoingMedia:
    """The sender left the section out: the receiver's own words, and a zero address."""
    own = media.description
    zero = zero_address(media.family or 4)
    if own is None or media.mapping is None:
        formats = printed_formats(own) if own is not None else ()
        return OutgoingMedia(media.type, 0, media.protocol or "RTP/AVP", zero, formats, mid=media.mid, rejected=True)
    port = media.mapping.sockets[0].port
    if not media.is_rtp:
        return copied_media(own, port, zero)
    section = outgoing_media(own, port, zero)
    section.address = zero
    section.label = None
    section.generic = []
    return _receivers_own(exchange, section, media)
