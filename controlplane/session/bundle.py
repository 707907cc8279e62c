# SPDX-License-Identifier: GPL-3.0-or-later
"""Which media of a party share the sockets of the first of them (RFC 9143, ng ``bundle``)."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import inf

from controlplane.sdp.evaluate import lend_port, take_port_back
from controlplane.sdp.model import Extmap, MediaDescription, SessionDescription
from controlplane.session.extensions import MID
from controlplane.session.media import Bundle, Media, PortMapping
from controlplane.session.party import Party
from controlplane.session.sections import Pair

_MAX_MID = 255
_RESERVED_ID = 15
_FIRST_TWO_BYTE = 16
_MAX_ID = 255


def dissolve(party: Party, medias: Collection[Media] | None = None) -> None:
    """Have the media of the party, or some of them, use sockets of their own again."""
    for media in party.medias:
        if media.bundle is not None and (medias is None or media in medias):
            if media.bundle.accepted and media.bundle.head is not media:
                media.use(None)
            media.bundle = None


def leave_bundle(party: Party, media: Media) -> None:
    """The medium was rejected: the others go on without it."""
    bundle = media.bundle
    if bundle is None or len(bundle.medias) == 1:
        dissolve(party, [media])
        return
    was_head = bundle.head is media
    bundle.medias.remove(media)
    if was_head:
        media.bundle = None
    else:
        dissolve(party, [media])


def succeed(party: Party) -> None:
    """Whoever is the head now takes over the sockets that the bundle uses, with all that was agreed for them."""
    for heir in party.medias:
        bundle, mapping = heir.bundle, heir.mapping
        if bundle is None or bundle.head is not heir or mapping is None or mapping in heir.mappings:
            continue
        former = next((media for media in party.medias if mapping in media.mappings), None)
        if former is None:
            continue
        bundled = bundle.ours or heir.streams[0].advertised == former.streams[0].advertised
        if heir.mappings and not bundled:
            heir.use(heir.mappings[-1])
        else:
            _hand_over(former, heir, mapping, bundled and any([stream.public for stream in former.streams]))


def _hand_over(former: Media, heir: Media, mapping: PortMapping, in_use: bool) -> None:
    """If the party does not use them yet, only the sockets: the section of the heir says the rest itself."""
    former.mappings.remove(mapping)
    heir.mappings.append(mapping)
    mapping.remote = None   # these ports are to stay, wherever the other side of this section is
    if in_use:
        heir.ice, heir.dtls, heir.sdes, heir.keys = former.ice, former.dtls, former.sdes, former.keys
        former.ice = former.dtls = former.sdes = former.keys = None
        heir.agreed, heir.mux = former.agreed, former.mux
        for machine in (heir.ice, heir.dtls):
            if machine is not None:
                machine.wake_at = inf   # it was waited for in the name of the former head
        if heir.ice is not None:
            _bring(former, heir, heir.ice.mappings)
        for one, other in zip(heir.streams, former.streams):
            one.take_place(other)
    former.use(None)


def _bring(former: Media, heir: Media, mappings: Iterable[PortMapping]) -> None:
    """The sockets on other addresses that ICE uses as well."""
    for mapping in mappings:
        if mapping in former.mappings:
            former.mappings.remove(mapping)
            heir.mappings.append(mapping)


def may_bundle(party: Party, words: Collection[str]) -> bool:
    """True if the groups in what the party says count: asked for now or, unless it is over now, before."""
    return "reject" not in words and ("accept" in words or any([media.bundle is not None for media in party.medias]))


def lend_ports(description: SessionDescription) -> bool:
    """Sections of an offer that are for their bundle alone have port 0, but are not rejected (RFC 9143 section 6).

    True if there are any; what of them does not fit into the bundle gets port 0 again.
    """
    by_mid = {section.mid: section for section in description.medias}
    found = False
    for group in description.groups:
        sections = [by_mid[mid] for mid in group.mids if mid in by_mid] if group.semantics == "BUNDLE" else []
        for section in sections[1:]:
            if section.rejected and not sections[0].rejected and section.value("bundle-only") is not None:
                lend_port(section, sections[0])
                found = True
    return found


def accept_groups(party: Party, description: SessionDescription, pairs: Sequence[Pair],
                  words: Collection[str]) -> None:
    """The party bundles its media as the groups of its SDP say, if it may: asked or accepted before, or now."""
    former = {media.index: media.bundle for media in party.medias if media.bundle is not None}
    groups = [group.mids for group in description.groups if group.semantics == "BUNDLE"]
    wanted = may_bundle(party, words)
    by_mid = {pair.section.mid: pair for pair in pairs if pair.section.mid is not None}
    found = [_consistent([by_mid[mid] for mid in mids if mid in by_mid]) for mids in groups] if wanted else []
    bundled = {pair.sender.index for members in found for pair in members}
    dissolve(party, [media for media in party.medias if media.index not in bundled])
    for pair in pairs:
        if pair.section.lent and pair.sender.index not in bundled:
            take_port_back(pair.section)
    for members in found:
        if members:
            head = members[0]
            earlier = former.get(head.sender.index)
            bundle = Bundle([pair.sender for pair in members], True, mid_id(head.section.extmaps),
                            earlier is not None and earlier.ours)
            for pair in members:
                pair.sender.mid = pair.section.mid
                pair.sender.bundle = bundle


def _consistent(members: list[Pair]) -> list[Pair]:
    """The members whose packets can be told apart; none if the head is rejected.

    What is not RTP goes its own way, for it would need the DTLS of the head, which ends with us.
    """
    members = [pair for pair in members if pair.section.is_rtp]
    if not members or members[0].section.rejected:
        return []
    head = members[0].section
    extension = mid_id(head.extmaps)
    numbers = {codec.number for codec in head.payload_types}
    found = members[:1]
    for pair in members[1:]:
        section = pair.section
        own = {codec.number for codec in section.payload_types}
        by_mid = extension is not None and mid_id(section.extmaps) == extension and len(section.mid or "") <= _MAX_MID
        if not section.rejected and section.port_count == head.port_count and (by_mid or not own & numbers):
            found.append(pair)
            numbers |= own
    return found


def mid_id(extmaps: Iterable[Extmap]) -> int | None:
    """The id of the header extension that carries mids."""
    return next((extmap.id for extmap in extmaps if extmap.uri == MID), None)


def offer_bundle(party: Party, pairs: Sequence[Pair], words: Collection[str]) -> None:
    """Offer the party a bundle if asked for, or renew the one it has. ``words``: offer, require, strict, reject."""
    bundled = any(media.bundle is not None and media.bundle.accepted for media in party.medias)
    if "reject" in words:
        dissolve(party)
        return
    require = bool({"require", "strict"} & set(words))
    if not (bundled or require or "offer" in words):
        dissolve(party)
        return
    members = [pair for pair in pairs if pair.section.is_rtp and not pair.section.rejected
               and pair.section.port_count == 1]
    if bundled and not words:
        members = [pair for pair in members if pair.receiver.bundle is not None]
    dissolve(party, [media for media in party.medias if all(media is not pair.receiver for pair in members)])
    if not members:
        return
    for pair in pairs:
        pair.receiver.mid = pair.receiver.mid or str(pair.receiver.index)
    bundle = Bundle([pair.receiver for pair in members], bundled or require,
                    _extension_id([pair.section for pair in members]), True)
    for pair in members:
        pair.receiver.bundle = bundle


def _extension_id(sections: Sequence[MediaDescription]) -> int:
    """The id that one of the sections has for the mid, else the first that none of them uses."""
    used = {extmap.id for section in sections for extmap in section.extmaps}
    for section in sections:
        known = mid_id(section.extmaps)
        if known is not None:
            return known
    free = (number for number in range(1, _MAX_ID + 1) if number not in used and number != _RESERVED_ID)
    return next(free, _FIRST_TWO_BYTE)


def settle_bundles(*parties: Party) -> None:
    """Have members use the sockets of their heads, and the mid among their header extensions."""
    for party in parties:
        for media in party.medias:
            bundle = media.bundle
            if bundle is None:
                continue
            if bundle.accepted and bundle.head is not media:
                media.use(bundle.head.mapping)
                media.mux = bundle.head.mux
                media.mux_offered, media.mux_required = bundle.head.mux_offered, bundle.head.mux_required
                for stream in media.streams:
                    stream.public = stream.local is not None
            if bundle.mid_extension is not None and mid_id(media.extmaps) != bundle.mid_extension:
                kept = [extmap for extmap in media.extmaps if extmap.id != bundle.mid_extension and extmap.uri != MID]
                media.extmaps = (*kept, Extmap(bundle.mid_extension, MID))


def group_lines(party: Party) -> list[str]:
    """The session attributes that name the bundles of the party."""
    bundles = {id(media.bundle): media.bundle for media in party.medias if media.bundle is not None}
    return ["group:BUNDLE " + " ".join([media.mid or "" for media in bundle.medias]) for bundle in bundles.values()]
