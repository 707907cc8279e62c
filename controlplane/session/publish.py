# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng commands that concern one party alone: ``publish``, ``create`` and ``create answer``."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controlplane.addresses import zero_address
from controlplane.errors import PeerError
from controlplane.ng.medias import RequestedMedia
from controlplane.sdp.evaluate import MAX_PAYLOAD_TYPE, payload_type
from controlplane.sdp.model import MediaDescription, MediaEndpoints, PayloadType
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.sdp.payloads import STATIC_PAYLOADS
from controlplane.sdp.rewrite import reverse
from controlplane.session.codecs import Codecs, is_supplemental, main_codec, matches, with_supplements
from controlplane.session.context import Context, set_direction
from controlplane.session.exchange import handling_of
from controlplane.session.ice import hear_answer, hear_offer, print_ice, propose
from controlplane.session.keys import make_answered, make_offered, print_keys, read_answered, read_offered
from controlplane.session.media import Media
from controlplane.session.party import FROM_TAG, UNKNOWN, Party
from controlplane.session.profiles import opportunistic
from controlplane.session.sections import own_medias

Reply = dict[str, Any]
_FIRST_DYNAMIC = 96
_DEFAULT_MEDIAS = (RequestedMedia("audio"),)
_DEFAULT_CODECS = ("PCMU", "PCMA")
_RTP_AVP = "RTP/AVP"


def publish(context: Context) -> Reply:
    """ng ``publish``: the party sends, and others may subscribe. PeerError; OutOfPorts."""
    request = context.request
    description, endpoints = context.received()
    party = context.new_party(request.from_tag)
    if party.type == UNKNOWN:
        party.type = FROM_TAG
    if request.label is not None:
        party.label = request.label
    if request.metadata is not None:
        context.call.metadata = request.metadata
    if request.dtmf_log_dest is not None:
        context.call.dtmf_log = request.dtmf_log_dest
    party.session = description
    party.renewed = context.now
    printed = [_published(context, party, media, section, places) for section, media, places in zip(
        description.medias, own_medias(description.medias, party), endpoints)]
    body = context.body(party, printed)
    context.call.signalled(context.now)
    return {"call-id": context.call.call_id, "from-tag": party.tag or "", "sdp": body}


def _published(context: Context, party: Party, media: Media, section: MediaDescription,
               places: MediaEndpoints) -> OutgoingMedia:
    request = context.request
    context.call.number(media)
    media.type = section.type
    media.set_protocol(request.transport_protocol if section.is_rtp and request.transport_protocol
                       else section.protocol_text)
    media.osrtp = opportunistic(section)
    media.mid = section.mid or media.mid
    media.label = section.label or media.label
    media.description = section
    media.handling = handling_of(request, context.settings)
    media.extmaps = section.extmaps
    media.set_streams(section.port_count, context.now)
    codecs = _accepted(section, request.codecs.get("accept", ()))
    media.sends = media.told = codecs
    if section.rejected or (section.is_rtp and not codecs):
        media.reject()
        return OutgoingMedia(section.type, 0, media.protocol, zero_address(media.family or places.rtp.family),
                             section.formats, mid=media.mid, rejected=True)
    read_offered(media, section, request, context.key_making)
    make_answered(media, None, True, request, context.key_making)
    direction = set_direction(media, section, places)
    if "bidirectional" not in request.flags:
        media.send, direction = False, "sendonly" if media.recv else "inactive"
    media.set_mux(places.mux and "reject" not in request.rtcp_mux)
    hear_offer(media, section, request, context.random, context.now)
    context.open(media, party, places.rtp.family, 1 if media.mux else 2 * section.port_count)
    context.fill(media, section, places)
    printed = _printed(context, media, reverse(direction), section.formats, ptime=section.ptime)
    print_keys(printed, media, request, False)
    print_ice(printed, media, request, False)
    return printed


def _printed(context: Context, media: Media, direction: str, formats: tuple[str, ...] = (),
             ptime: int | None = None) -> OutgoingMedia:
    """A section of our own: our socket, and the codecs that the party is to know."""
    assert media.mapping is not None
    if media.told:
        formats = tuple([str(codec.number) for codec in media.told])
    section = OutgoingMedia(
        media.type, media.mapping.sockets[0].port, media.protocol, context.printed(media), formats, media.mid)
    section.payload_types = media.told
    section.extmaps = media.extmaps
    section.direction = direction
    section.ptime = ptime
    if media.is_rtp:
        context.print_rtcp(media, section, media.mux)
    return section


def _accepted(section: MediaDescription, wishes: Sequence[str]) -> Codecs:
    """The codec that is taken of those published, with its supplements; or more, if ``wishes`` (accept) say so."""
    offered = section.payload_types
    words = {wish.lower() for wish in wishes}
    supported = tuple([codec for codec in offered if codec.encoding.lower() in KNOWN or is_supplemental(codec)
                       or section.type != "audio"])
    if words & {"all", "full"}:
        return offered if "any" in words else supported
    for wish in wishes:
        found = next((codec for codec in offered if matches(codec, wish)), None)
        if found is not None:
            return with_supplements(offered, found)
    main = main_codec(offered if "any" in words else supported)
    return with_supplements(offered, main) if main is not None else ()


KNOWN = frozenset((
    "pcmu", "pcma", "g722", "g723", "g726-16", "g726-24", "g726-32", "g726-40", "g729", "g729a", "speex", "gsm", "ilbc",
    "opus", "amr", "amr-wb", "l16", "x-l16", "vorbis", "ac3", "eac3", "atrac3", "atrac-x", "evrc", "evrc0", "evrc1",
    "qcelp", "mp3", "pcm-u8"))
"""Audio codecs that are taken from a list unasked."""

_CLOCKS = {"opus": (48000, 2), "speex": (16000, 1), "amr-wb": (16000, 1), "l16": (44100, 1), "x-l16": (44100, 1)}
_STATIC_NUMBERS = {(each.encoding.lower(), each.clock_rate, each.channels): number
                   for number, each in STATIC_PAYLOADS.items()}


def create(context: Context) -> Reply:
    """ng ``create``: offer a party media that come from nobody yet. PeerError; OutOfPorts."""
    request = context.request
    party = context.new_party(request.from_tag)
    if party.type == UNKNOWN:
        party.type = FROM_TAG
    label = request.set_label or request.label
    if label is not None:
        party.label = label
    printed = []
    for index, wanted in enumerate(request.medias or _DEFAULT_MEDIAS):
        printed.append(_created(context, party, party.media_at(index, wanted.type), wanted))
    return {"call-id": context.call.call_id, "from-tag": party.tag or "", "sdp": context.body(party, printed)}


def _created(context: Context, party: Party, media: Media, wanted: RequestedMedia) -> OutgoingMedia:
    request = context.request
    context.call.number(media)
    media.type = wanted.type
    media.set_protocol(request.transport_protocol or _RTP_AVP)
    media.osrtp = "offer" in request.osrtp
    specs: Sequence[str] = wanted.codecs
    if not specs and wanted.type == "audio":
        specs = request.codecs.get("offer") or _DEFAULT_CODECS
    media.told = media.sends = _numbered(specs)
    media.set_streams(1, context.now)
    if "generate-mid" in request.flags:
        media.mid = media.mid or str(media.index)
    media.mux_required = "require" in request.rtcp_mux
    media.mux_offered = media.mux_required or "offer" in request.rtcp_mux
    propose(media, False, request, context.random, context.now)
    context.open(media, party, 4, 1 if media.mux_required else 2)
    make_offered(media, None, request, context.key_making)
    section = _printed(context, media, "sendrecv")
    print_keys(section, media, request, True)
    print_ice(section, media, request, True)
    section.rtcp_mux = media.mux_offered
    return section


def _numbered(specs: Sequence[str]) -> Codecs:
    """Codecs from their specifications, with static payload types where there are such."""
    codecs: list[PayloadType] = []
    free = _FIRST_DYNAMIC
    for spec in specs:
        name, *rest = spec.split("/")
        clock, channels = _CLOCKS.get(name.lower(), (8000, 1))
        clock = int(rest[0]) if rest and rest[0].isdecimal() and len(rest[0]) < 7 else clock
        channels = int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() and len(rest[1]) < 3 else channels
        number = _STATIC_NUMBERS.get((name.lower(), clock, channels))
        if not name or not clock or (number is None and free > MAX_PAYLOAD_TYPE):
            continue
        if number is None:
            number, free = free, free + 1
        codecs.append(payload_type(number, f"{name}/{clock}" + (f"/{channels}" if channels > 1 else ""),
                                   "useinbandfec=1" if name.lower() == "opus" else None))
    return tuple(codecs)


def create_answer(context: Context, party: Party) -> Reply:
    """ng ``create answer``: what the party says to what ``create`` has offered. PeerError."""
    description, endpoints = context.received()
    if not party.medias:
        raise PeerError("failed to perform answer")
    party.session = description
    party.renewed = context.now
    accept_answer(context, party, description.medias, endpoints)
    return {}


def accept_answer(context: Context, party: Party, sections: Sequence[MediaDescription],
                  endpoints: Sequence[MediaEndpoints]) -> None:
    """The party has answered an offer of ours; what it says beyond that does not count."""
    for media, section, places in zip(party.medias, sections, endpoints):
        media.description = section
        media.handling = handling_of(context.request, context.settings)
        if section.rejected or media.mapping is None:
            media.reject()
            continue
        known = {(codec.number, codec.encoding.lower()) for codec in media.told}
        accepted = tuple([codec for codec in section.payload_types
                          if not known or (codec.number, codec.encoding.lower()) in known])
        media.sends = accepted or section.payload_types
        media.extmaps = section.extmaps
        read_answered(media, section, context.request, context.key_making)
        hear_answer(media, section)
        set_direction(media, section, places)
        media.mux_expected = places.mux
        media.set_mux(places.mux and media.mux_offered)
        if media.mux and media.is_rtp:
            context.shrink(media)
        context.fill(media, section, places)
