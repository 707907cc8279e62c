# SPDX-License-Identifier: GPL-3.0-or-later
"""The ng commands ``subscribe request``, ``subscribe answer`` and ``unsubscribe``: one-way copies of media."""
from __future__ import annotations

from typing import Any, NamedTuple

from controlplane.addresses import zero_address
from controlplane.errors import PeerError
from controlplane.sdp.model import MediaDescription
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.sdp.rewrite import copied_media, outgoing_media, reverse
from controlplane.session.codecs import CONVERTING, choose_offered, identity, is_supplemental
from controlplane.session.context import Context, direction_of
from controlplane.session.extensions import offer_extensions
from controlplane.session.ice import print_ice, propose
from controlplane.session.keys import make_offered, print_keys
from controlplane.session.media import Link, Media, check_room, subscribe, unsubscribe
from controlplane.session.mux import offer_mux
from controlplane.session.party import Party, leave
from controlplane.session.publish import accept_answer

Reply = dict[str, Any]
NOTHING_FOUND = "No medias found (no monologues matched)"


class _Source(NamedTuple):
    """A medium that is subscribed to, and whose."""

    party: Party
    media: Media


def request_subscription(context: Context, sources: list[Party]) -> Reply:
    """Offer the media of ``sources`` to a subscriber. PeerError; OutOfPorts."""
    request = context.request
    tag = request.to_tag if not request.flag_string or "to-tag" in request.flags else None
    subscriber = context.call.tags.get(tag) if tag is not None else None
    wanted = [_Source(party, media) for party in sources if party is not subscriber for media in party.medias]
    if not wanted:
        raise PeerError(NOTHING_FOUND)
    has = [link.source for media in subscriber.medias for link in media.sources] if subscriber is not None else []
    for each in wanted:
        if each.media not in has:
            check_room(each.media)
    subscriber = subscriber or context.new_party(tag)
    label = request.set_label if request.set_label is not None else request.to_label
    if label is not None:
        subscriber.label = label
    former = [link for media in subscriber.medias for link in media.sources if not link.answers]
    for link in former:
        unsubscribe(link.source, link.sink)
    found = _in_place(context, subscriber, wanted, former)
    printed = [_subscription(context, subscriber, media, source, former)
               for media, source in zip(subscriber.medias, found)]
    for media in subscriber.medias[len(found):]:
        media.reject()
    alone = len({id(each.party) for each in found}) == 1
    body = context.body(subscriber, printed, found[0].party.session, generic=alone)
    context.call.signalled(context.now)
    tags = [each.party.tag or "" for each in found]
    reply: Reply = {"sdp": body}
    if len(found) == 1:
        reply["from-tag"] = tags[0]
    reply |= {"from-tags": tags, "to-tag": subscriber.tag or ""}
    return reply | _labels(found) if "siprec" in request.flags else reply


def _in_place(context: Context, subscriber: Party, wanted: list[_Source], former: list[Link]) -> list[_Source]:
    """The sources in the order of the subscriber's media: each where it was before, new ones in what is free."""
    places = {id(link.source): link.sink.index - 1 for link in former}
    found: dict[int, _Source] = {}
    for source in wanted:
        at = places.get(id(source.media))
        if at is not None:
            found[at] = source
    free = (at for at in range(len(wanted) + len(subscriber.medias)) if at not in found)
    fresh = {next(free): source for source in wanted if id(source.media) not in places}
    found |= fresh
    for source in found.values():
        context.call.number(source.media)
    for position, at in enumerate(sorted(found)):
        subscriber.media_at(position, found[at].media.type)
    return [found[at] for at in sorted(found)]


def _subscription(context: Context, subscriber: Party, media: Media, source: _Source,
                  former: list[Link]) -> OutgoingMedia:
    request, said = context.request, source.media.description
    label = context.call.number(source.media)
    context.call.number(media)
    media.type = source.media.type
    media.set_protocol(request.transport_protocol if request.transport_protocol and source.media.is_rtp
                       else source.media.protocol)
    media.osrtp = "offer" in request.osrtp or (source.media.osrtp and not request.transport_protocol)
    _link(context, source.media, media, former)
    if "generate-mid" in request.flags:
        media.mid = media.mid or str(media.index)
    media.set_streams(1, context.now)
    if said is None or source.media.mapping is None:
        media.reject()
        return OutgoingMedia(media.type, 0, media.protocol or "RTP/AVP", zero_address(media.family or 4),
                             mid=media.mid, rejected=True)
    active = "inactive" not in request.flags
    media.send = active and source.media.recv
    media.recv = active and source.media.send and "bidirectional" in request.flags
    _offer(context, source.media, media, said)
    family = (media.family if media.description is not None else None) or source.media.family or 4
    make_offered(media, source.media.sdes, request, context.key_making)
    offer_mux(media, said.rtcp_mux, request.rtcp_mux)
    asked = said.has_ice if media.description is None else media.ice is not None
    propose(media, asked, request, context.random, context.now)
    context.open(media, subscriber, family, 1 if media.mux_required and media.is_rtp else 2)
    return _printed(context, media, said, label)


def _link(context: Context, source: Media, media: Media, former: list[Link]) -> None:
    flags = context.request.flags
    link = subscribe(source, media)
    link.egress = "egress" in flags
    link.blocks = next((each.blocks for each in former if each.source is source and each.sink is media), link.blocks)
    if "bidirectional" in flags:
        subscribe(media, source)
    elif "mirror-rtcp" in flags:
        subscribe(media, source).rtcp_only = True


def _offer(context: Context, source: Media, media: Media, said: MediaDescription) -> None:
    """The codecs of the source, as far as the request wants them."""
    request = context.request
    chosen = choose_offered(source.sends, request.codecs)
    media.told = media.sends = chosen.codecs
    for spec in chosen.missing:
        request.note_unsupported(f"codec-transcode={spec}")
    for rule in CONVERTING:
        if request.codecs.get(rule):
            request.note_unsupported(f"codec-{rule}")
    sender = Media(source.index, source.type)
    offer_extensions(said, sender, media, request.extmap_strip, ())


def _printed(context: Context, media: Media, said: MediaDescription, label: int) -> OutgoingMedia:
    assert media.mapping is not None
    port, address = media.mapping.sockets[0].port, context.printed(media)
    if not media.is_rtp:
        return copied_media(said, port, address)
    section = outgoing_media(said, port, address, original_sendrecv="original-sendrecv" in context.request.flags)
    section.rejected = False
    section.address = address
    section.protocol = media.protocol
    section.mid = media.mid
    section.label = str(label) if "siprec" in context.request.flags else said.label
    section.payload_types = media.told
    section.formats = tuple([str(codec.number) for codec in media.told]) or section.formats
    section.extmaps = media.extmaps
    section.extmap_allow_mixed = True
    if section.direction is not None:
        section.direction = direction_to(media)
    context.print_rtcp(media, section, media.mux_offered)
    print_keys(section, media, context.request, True)
    print_ice(section, media, context.request, True)
    return section


def direction_to(media: Media) -> str:
    """The direction as we would write it to the party of ``media``."""
    return reverse(direction_of(media))


def _labels(found: list[_Source]) -> Reply:
    """Which section of the SDP is whose medium (RFC 7866)."""
    entries: list[Reply] = []
    labels: Reply = {}
    for party, media in found:
        label, mode = str(media.number), direction_to(media)
        entries.append({"tag": party.tag or "", **_label(party), "medias": [
            {"index": media.index, "type": media.type, "label": label, "mode": mode}]})
        labels[label] = {"tag": party.tag or "", "index": media.index, "type": media.type, **_label(party),
                         "mode": mode}
    return {"tag-medias": entries, "media-labels": labels}


def _label(party: Party) -> Reply:
    return {"label": party.label} if party.label is not None else {}


def answer_subscription(context: Context, subscriber: Party) -> Reply:
    """The subscriber says where it wants the media. PeerError if it refuses what it may not refuse."""
    description, endpoints = context.received()
    if "allow-transcoding" not in context.request.flags:
        for media, section in zip(subscriber.medias, description.medias):
            if media.is_rtp and not section.rejected and _refused(media, section):
                raise PeerError("Failed to process subscription answer")
    subscriber.session = description
    subscriber.renewed = context.now
    accept_answer(context, subscriber, description.medias, endpoints)
    return {}


def _refused(media: Media, section: MediaDescription) -> bool:
    """True if a codec of the source is missing from the answer: it could come at any time."""
    accepted = {identity(codec) for codec in section.payload_types}
    return any(identity(codec) not in accepted for codec in media.told if not is_supplemental(codec))


def end_subscription(context: Context, subscriber: Party) -> Reply:
    """End what the subscriber gets: of one source, or of all and the subscriber with it. PeerError."""
    request = context.request
    if request.from_tag is None or "directional" not in request.flags:
        leave(subscriber)
        context.call.close_party(subscriber)
        return {}
    source = context.call.tags.get(request.from_tag)
    if source is None:
        raise PeerError("From-tag not found")
    both = "bidirectional" in request.flags
    for media in subscriber.medias:
        for link in [link for link in media.sources if link.source in source.medias and not link.answers]:
            unsubscribe(link.source, media)
            if both:
                unsubscribe(media, link.source)
    return {}
