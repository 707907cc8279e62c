# SPDX-License-Identifier: GPL-3.0-or-later
"""What replies say of RTP sources: counters, and their quality once somebody has reported it."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controlplane.events import SsrcStats
from controlplane.rtcp.history import Average, History, Sample
from controlplane.rtcp.mos import Scale
from controlplane.session.media import Media
from controlplane.session.quality import clock_rate, heard_by, heard_of, loss_percent, reporters, said_by

Reply = dict[str, Any]
INLINE, GLOBAL = ("full", "inline"), ("full", "global")
"""Words of the option ``ssrc-reporting``: the details are in the lists of media, or in the call's ``SSRC``."""


def by_number(medias: Iterable[Media], scale: Scale | None) -> Reply:
    """All sources of these media, by SSRC, each with what its party reports under it of what it hears itself."""
    found: Reply = {}
    for media in medias:
        found |= {str(source.ssrc): _details(media, source, said_by(media, source.ssrc), scale)
                  for source in media.ingress}
        for ssrc in reporters(media):  # who only listens has a number too
            if str(ssrc) not in found and (history := said_by(media, ssrc)):
                found[str(ssrc)] = _quality(history)
    return found


def ingress(media: Media, sources: list[SsrcStats], reporting: str, scale: Scale | None) -> list[Reply]:
    """What the party sends."""
    return _listed(media, [(source, heard_of(media, source.ssrc)) for source in sources], reporting, scale)


def egress(media: Media, reporting: str, scale: Scale | None) -> list[Reply]:
    """What the party gets or got."""
    return _listed(media, [(source, heard_by(media, source.ssrc)) for source in heard(media)], reporting, scale)


def heard(media: Media) -> list[SsrcStats]:
    """The sources whose packets the party gets or got."""
    now = {source.ssrc: source for link in media.sources if not link.rtcp_only for source in link.passed}
    return [*now.values(), *[source for ssrc, source in media.heard.items() if ssrc not in now]]


def _listed(media: Media, sources: list[tuple[SsrcStats, History | None]], reporting: str,
            scale: Scale | None) -> list[Reply]:
    if reporting == "none":
        return []
    return [{"SSRC": source.ssrc, **(_details(media, source, history, scale) if reporting in INLINE else {})}
            for source, history in sources]


def _details(media: Media, source: SsrcStats, history: History | None, scale: Scale | None) -> Reply:
    details: Reply = {"bytes": source.bytes, "packets": source.packets, "last RTP timestamp": source.last_timestamp,
                      "last RTP seq": source.extended_sequence}
    if scale is not None and source.packets and (rate := clock_rate(media, source.last_payload_type)):
        details["measured"] = _measured(source, rate, scale)
    return details | _quality(history) if history else details


def _measured(source: SsrcStats, rate: int, scale: Scale) -> Reply:
    """What we found ourselves, over the whole call; jitter is that of now."""
    loss, jitter = loss_percent(source.packets, source.lost), 1000 * source.jitter / rate
    return {"lost": source.lost, "duplicates": source.duplicates, "out of order": source.reordered,
            "packet loss": int(loss), "jitter": int(jitter), "MOS": scale.heard(jitter, loss, rate)}


def _quality(history: History) -> Reply:
    average = history.average
    quality: Reply = {"cumulative loss": history.lost,
                      "average MOS": {**_values(average), "samples": average.samples}}
    if history.lowest is not None and history.highest is not None:
        quality["lowest MOS"] = _reported(history.lowest)
        quality["highest MOS"] = _reported(history.highest)
    interval, samples = history.progression()
    quality["MOS progression"] = {"interval": int(interval), "entries": [_reported(sample) for sample in samples]}
    return quality


def _values(of: Sample | Average) -> Reply:
    return {"MOS": of.mos, "round-trip time": of.round_trip, "round-trip time leg": of.leg, "jitter": of.jitter,
            "packet loss": of.loss}


def _reported(sample: Sample) -> Reply:
    return {**_values(sample), "reported at": int(sample.at)}
