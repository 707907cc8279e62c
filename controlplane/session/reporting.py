# SPDX-License-Identifier: GPL-3.0-or-later
"""RTCP of our own in place of that of the parties (ng flag ``generate-RTCP``)."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.events import Datagram, SsrcStats
from controlplane.rtcp.hearing import Hearing
from controlplane.rtcp.packet import (CNAME, MID, Block, Description, Report, Sender, ntp, write_description,
                                      write_report)
from controlplane.session.call import Call
from controlplane.session.media import Link, Media
from controlplane.session.quality import hearing_of

MAX_BLOCKS = 30


def replaces_rtcp(source: Media, sink: Media) -> bool:
    """Whether RTCP of ``source`` ends here, as the party of ``sink`` gets ours instead.

    Not if either speaks SRTP: what is sent for the engines has no keys.
    """
    return (source.generate_rtcp or sink.generate_rtcp) and _is_plain(source) and _is_plain(sink)


def _is_plain(media: Media) -> bool:
    return media.is_rtp and not media.is_srtp and not media.osrtp and media.carrier.keys is None


def reports(call: Call, now: float, cname: str) -> Iterator[Datagram]:
    """What each party of the call is to be sent now: a compound packet for each source that it gets."""
    for media in call.medias:
        if any([replaces_rtcp(link.source, media) for link in media.sources]):
            yield from _to(media, now, cname.encode())


def _to(media: Media, now: float, cname: bytes) -> Iterator[Datagram]:
    carrier = media.carrier
    if not media.understood or not carrier.streams:
        return
    stream, through = carrier.rtcp_way(0)
    local = through.local
    destination = stream.destination_from(local)
    if destination is None or local is None or (carrier.handling.nat_wait and not through.received):
        return
    hearing = hearing_of(carrier)
    stamp = ntp(now)
    for link in media.sources:
        if link.rtcp_only or not replaces_rtcp(link.source, media):
            continue
        for source in link.passed:
            report = Report(source.ssrc, _sender(source, stamp), _blocks(carrier, hearing, source.ssrc, now))
            items = ((CNAME, cname), *_mid(media, link))
            hearing.sent.note(source.ssrc, stamp, now)
            yield Datagram(local, destination,
                           write_report(report) + write_description(Description(source.ssrc, items)))


def _sender(source: SsrcStats, stamp: int) -> Sender:
    return Sender(stamp, source.last_timestamp, source.packets, source.bytes)


def _blocks(media: Media, hearing: Hearing, reporter: int, now: float) -> tuple[Block, ...]:
    """How we receive what the party sends; nothing about the SSRC that reports."""
    return tuple([_block(source, hearing, now) for source in media.ingress
                  if source.packets and source.ssrc != reporter][:MAX_BLOCKS])


def _block(source: SsrcStats, hearing: Hearing, now: float) -> Block:
    fraction = 256 * source.lost // (source.packets + source.lost)
    return Block(source.ssrc, fraction, source.lost, source.extended_sequence, int(source.jitter),
                 *hearing.received.answer(source.ssrc, now))


def _mid(media: Media, link: Link) -> tuple[tuple[int, bytes], ...]:
    """The medium's name in its bundle, if it is sure that the source belongs to it."""
    bundle, others = media.bundle, link.source.bundle
    if bundle is None or not bundle.accepted or media.mid is None:
        return ()
    if others is not None and others.accepted and len(others.medias) > 1:
        return ()
    return ((MID, media.mid.encode("utf-8", "surrogateescape")),)
