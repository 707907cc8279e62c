# SPDX-License-Identifier: GPL-3.0-or-later
"""Header extensions (RFC 8285): which ones a party is shown, and which ones its packets keep (ng ``extmap``)."""
from __future__ import annotations

from collections.abc import Collection

from controlplane.events import Extensions
from controlplane.sdp.model import Extmap, MediaDescription
from controlplane.session.media import Media

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_ALL = "all"


def offer_extensions(section: MediaDescription, sender: Media, receiver: Media, strip: Collection[str],
                     mask: Collection[str]) -> None:
    """The receiver is shown what the sender offers, less what is stripped or masked, and our own."""
    offered = section.extmaps
    receiver.extmaps = _copied(offered, sender)
    sender.extmaps = offered
    sender.masked_extmaps = ()
    if strip or mask:
        receiver.extmaps = _without(_without(receiver.extmaps, strip), mask)
        left = _without(offered, strip)
        sender.extmaps = left
        sender.masked_extmaps = tuple([each for each in left if _named(each, mask)])


def answer_extensions(section: MediaDescription, sender: Media, receiver: Media, strip: Collection[str]) -> None:
    """The offerer is told what was masked from the answerer, and what that accepts."""
    sender.extmaps = _without(section.extmaps, strip)
    receiver.extmaps = receiver.masked_extmaps + _copied(sender.extmaps, sender)


def _copied(extmaps: tuple[Extmap, ...], sender: Media) -> tuple[Extmap, ...]:
    """What goes on to the other party: not the mids of a bundle that we have offered."""
    bundle = sender.bundle
    return _without(extmaps, (MID,)) if bundle is not None and bundle.ours else extmaps


def _named(extmap: Extmap, uris: Collection[str]) -> bool:
    return _ALL in uris or extmap.uri in uris


def _without(extmaps: tuple[Extmap, ...], uris: Collection[str]) -> tuple[Extmap, ...]:
    return tuple([each for each in extmaps if not _named(each, uris)]) if uris else extmaps


def rebuilt(source: Media, sink: Media) -> Extensions | None:
    """How packets from ``source`` look to the party of ``sink``; None: as they are, if neither has extensions."""
    mid = _own_mid(sink)
    if not source.extmaps and not sink.extmaps and mid is None:
        return None
    known = {each.id for each in sink.extmaps if mid is None or each.id != mid[0]}
    own = source.bundle.mid_extension if source.bundle is not None else None
    kept = tuple([each.id for each in source.extmaps if each.id in known and each.id != own])
    return Extensions(kept, mid)


def _own_mid(sink: Media) -> tuple[int, str] | None:
    bundle = sink.bundle
    if bundle is None or not bundle.accepted or bundle.mid_extension is None or sink.mid is None:
        return None
    return bundle.mid_extension, sink.mid
