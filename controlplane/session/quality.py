# SPDX-License-Identifier: GPL-3.0-or-later
"""How well parties hear each other, by what they report (RTCP)."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from controlplane.events import SsrcStats
from controlplane.rtcp.hearing import Hearing, round_trip
from controlplane.rtcp.history import History, Sample
from controlplane.rtcp.mos import Scale
from controlplane.rtcp.packet import Block, ReceiverDelay, ReceiverTime, Report, VoipMetrics, parse
from controlplane.session.media import Media

MOST = 20
"""Packets of one party that are read in a second."""
_PATIENCE = 1.0
Take = Callable[[str, float], None]


class Source(NamedTuple):
    """An RTP source, the medium that sends it, and the clock of its codec in Hz."""

    media: Media
    stats: SsrcStats
    clock_rate: int


class Listener:
    """Takes in what arrives. ``scale`` judges it; ``refresh`` has the counters of a medium's call read now."""

    def __init__(self, scale: Scale, refresh: Callable[[Media], None]):
        self.scale = scale
        self._refresh = refresh

    def hear(self, media: Media, data: bytes, now: float, take: Take) -> None:
        """RTCP that the party of ``media`` has sent; samples of statistics by their names go to ``take``.

        PeerError for what cannot be read. Of too many packets the rest of a second's is left out.
        """
        hearing = hearing_of(media.carrier)
        if not hearing.admits(now, MOST):
            return
        elements = parse(data)
        for element in elements:
            match element:
                case Report(ssrc, sender) if sender is not None:
                    hearing.received.note(ssrc, sender.ntp, now)
                case ReceiverTime(ssrc, ntp):
                    hearing.received.note(ssrc, ntp, now)
                case ReceiverDelay(ssrc, stamp, delay):
                    hearing.leg = _leg(media, ssrc, stamp, delay, now) or hearing.leg
                case VoipMetrics(ssrc, milliseconds) if ssrc in hearing.histories:
                    hearing.trips[ssrc] = 1000 * milliseconds
        for element in elements:
            if isinstance(element, Report):
                for block in element.blocks:
                    self._judge(media, hearing, element.ssrc, block, now, take)

    def _judge(self, media: Media, hearing: Hearing, reporter: int, block: Block, now: float, take: Take) -> None:
        source = self._source(media, hearing, block.ssrc, now)
        if source is None:
            return
        leg = _leg(media, block.ssrc, block.last_report, block.delay, now)
        hearing.leg = leg or hearing.leg
        history = hearing.history(block.ssrc)
        history.lost, history.reporter = block.lost, reporter
        other = source.media.carrier.hearing
        trip = hearing.trips.get(block.ssrc) or (leg + other.leg if leg and other is not None and other.leg else 0)
        jitter, loss = block.jitter * 1000 // source.clock_rate, block.fraction * 100 >> 8
        score = self.scale.tenths(trip / 1000, jitter, loss, source.clock_rate)
        if not history.is_due(now, score > 0):
            return
        history.add(Sample(now, score, trip, leg, jitter, loss))
        if score:
            take("mos", score)
        for name, value in (("jitter", jitter), ("rtt_e2e", trip), ("rtt_dsct", leg), ("packetloss", loss)):
            take(name, value)

    def _source(self, media: Media, hearing: Hearing, ssrc: int, now: float) -> Source | None:
        """The source of which the party says something; one that is not known yet is worth a look."""
        found = _find(media, ssrc)
        if found is None and now - hearing.looked >= _PATIENCE:
            hearing.looked = now
            self._refresh(media)
            found = _find(media, ssrc)
        return found


def hearing_of(media: Media) -> Hearing:
    """What was exchanged with the party through the sockets of ``media``."""
    if media.hearing is None:
        media.hearing = Hearing()
    return media.hearing


def _members(media: Media) -> list[Media]:
    bundle = media.bundle
    return [media] if bundle is None or not bundle.accepted else bundle.medias


def _find(media: Media, ssrc: int) -> Source | None:
    for member in _members(media):
        for link in member.sources:
            for stats in link.source.ingress:
                if stats.ssrc == ssrc and (rate := clock_rate(link.source, stats.last_payload_type)):
                    return Source(link.source, stats, rate)
    return None


def clock_rate(media: Media, payload_type: int) -> int:
    """That of what the party sends, 0 if the payload type is not known."""
    for each in (media, *media.peers):
        if each.description is not None:
            for codec in each.description.payload_types:
                if codec.number == payload_type and codec.clock_rate:
                    return codec.clock_rate
    return 0


def loss_percent(packets: int, lost: int) -> float:
    """Of all that were sent, as far as can be told."""
    return 100 * lost / (packets + lost) if packets + lost > 0 and lost > 0 else 0.0


def _leg(media: Media, ssrc: int, stamp: int, delay: int, now: float) -> int:
    """The round trip between us and the party in us, by its answer to a report of ``ssrc``; 0 if it cannot be told."""
    if not stamp:
        return 0
    hearing = hearing_of(media.carrier)
    passed = hearing.sent.when(ssrc, stamp)
    for member in _members(media):
        for link in member.sources:
            other = link.source.carrier.hearing
            if passed is None and other is not None:
                passed = other.received.when(ssrc, stamp)
    return round_trip(passed, now, delay)


def heard_by(media: Media, ssrc: int) -> History | None:
    """How the party of ``media`` hears a source; None if it did not say."""
    hearing = media.carrier.hearing
    return None if hearing is None else hearing.histories.get(ssrc)


def heard_of(media: Media, ssrc: int) -> History | None:
    """How a source of ``media`` is heard by the first party that says so."""
    return next((history for link in media.sinks if (history := heard_by(link.sink, ssrc))), None)


def said_by(media: Media, ssrc: int) -> History | None:
    """How the party of ``media`` hears, as it says under this SSRC of its own; None if it gives no score."""
    hearing = media.carrier.hearing
    return None if hearing is None else hearing.said_by(ssrc)


def reporters(media: Media) -> list[int]:
    """The SSRCs under which the party of ``media`` says so."""
    hearing = media.carrier.hearing
    return [] if hearing is None else hearing.reporters
