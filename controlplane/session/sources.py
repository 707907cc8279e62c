# SPDX-License-Identifier: GPL-3.0-or-later
"""What replies say of RTP sources: counters, and their quality once somebody has reported it."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controlplane.events import SsrcStats
from controlplane.rtcp.history import Average, History, Sample
from controlplane.session.media import Media
from controlplane.session.quality import heard_by, heard_of

Reply = dict[str, Any]
INLINE, GLOBAL = ("full", "inline"), ("full", "global")
"""Words of the option ``ssrc-reporting``: the details are in the lists of media, or in the call's ``SSRC``."""


def by_number(medias: Iterable[Media]) -> Reply:
    """All sources of these media, by SSRC."""
    return {str(source.ssrc): _details(source, heard_of(media, source.ssrc))
            for media in medias for source in media.ingress}


def ingress(media: Media, sources: list[SsrcStats], reporting: str) -> list[Reply]:
    """What the party sends."""
    return _listed([(source, heard_of(media, source.ssrc)) for source in sources], reporting)


def egress(media: Media, reporting: str) -> list[Reply]:
    """What the party gets or got."""
    return _listed([(source, heard_by(media, source.ssrc)) for source in heard(media)], reporting)


def heard(media: Media) -> list[SsrcStats]:
    """The sources whose packets the party gets or got."""
    now = {source.ssrc: source for link in media.sources if not link.rtcp_only for source in link.passed}
    return [*now.values(), *[source for ssrc, source in media.heard.items() if ssrc not in now]]


def _listed(sources: list[tuple[SsrcStats, History | None]], reporting: str) -> list[Reply]:
    if reporting == "none":
        return []
    return [{"SSRC": source.ssrc, **(_details(source, history) if reporting in INLINE else {})}
            for source, history in sources]


def _details(source: SsrcStats, history: History | None) -> Reply:
    details: Reply = {"bytes": source.bytes, "packets": source.packets, "last RTP timestamp": source.last_timestamp,
                      "last RTP seq": source.extended_sequence}
    return details | _quality(history) if history else details


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
