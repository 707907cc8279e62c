# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state of a call to what each of its sockets is to do."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.addresses import Endpoint
from controlplane.events import NO_RANK, Mismatch, WantedOutput, WantedTarget
from controlplane.session import learning
from controlplane.session.call import Call
from controlplane.session.media import Media, PortMapping
from controlplane.session.stream import Stream

MAX_PAYLOAD_TYPES = 32

Outputs = tuple[WantedOutput, ...]
Located = tuple[Media, Stream, WantedTarget]


def targets(call: Call) -> Iterator[Located]:
    """The target of each socket in use, with the medium and stream it belongs to."""
    for media in call.medias:
        if media.mapping is not None:
            for index, target in _targets(call, media, media.mapping):
                yield media, media.streams[index], target


def spare_targets(call: Call) -> Iterator[WantedTarget]:
    """Targets of sockets that are kept for an earlier or later peer of their medium.

    A party may go on sending to our former port until its new SDP has arrived: that is still forwarded. Nothing is
    learned from it.
    """
    for media in call.medias:
        if len(media.mappings) == (media.mapping is not None):
            continue
        for mapping in media.mappings:
            if media.mapping is None:
                yield from (WantedTarget(local, discard=True) for local in mapping.sockets)
            elif mapping is not media.mapping:
                yield from (target for _, target in _targets(call, media, mapping))


def _targets(call: Call, media: Media, mapping: PortMapping) -> Iterator[tuple[int, WantedTarget]]:
    """What the sockets of ``mapping`` do, by index of their streams; those of streams that are gone are silenced."""
    clocks = _clock_rates(media)
    rtcp: Outputs = ()
    for index, local in enumerate(mapping.sockets):
        if index >= len(media.streams) or call.drop_traffic:
            yield min(index, len(media.streams) - 1), WantedTarget(local, is_rtp=media.is_rtp, discard=True)
            continue
        stream = media.streams[index]
        current = local == stream.local
        ranked = current and learning.ranks(stream, media.handling)
        expected, mismatch = _expected(media, stream, ranked)
        rtp: Outputs = ()
        if not media.is_rtp:
            rtp = _outputs(call, [(peer, peer.streams[index]) for peer in media.peers if index < len(peer.streams)])
        elif index % 2 == 0:
            pair = index // 2
            peers = [peer for peer in media.peers if index + 1 < len(peer.streams)]
            rtcp = _outputs(call, [(peer, peer.rtcp_stream(pair)) for peer in peers])
            if media.recv:  # else the party is on hold: its RTCP is forwarded all the same
                rtp = _outputs(call, [(peer, peer.streams[index]) for peer in peers if peer.send])
        settled = current and stream.confirmed and not any(output.follow for output in rtp)
        yield index, WantedTarget(local, rtp, rtcp, expected, mismatch, media.is_rtp,
                                  current and _reports_sources(media, stream), settled, False, clocks,
                                  _best_rank(stream) if ranked else None)


def _best_rank(stream: Stream) -> int:
    return NO_RANK if stream.best_rank is None else stream.best_rank


def _reports_sources(media: Media, stream: Stream) -> bool:
    """True while learning, and for as long as the flag ``media-handover`` lets the stream follow another source."""
    return stream.learning or (stream.confirmed and stream.public and media.handling.media_handover)


def _expected(media: Media, stream: Stream, ranked: bool) -> tuple[Endpoint | None, Mismatch]:
    """What sources are compared with while they are ranked and after that, and what becomes of others."""
    handling = media.handling
    if ranked:
        return stream.advertised, Mismatch.DROP if handling.strict_source else Mismatch.IGNORE
    if not stream.confirmed or not (handling.strict_source or handling.media_handover):
        return None, Mismatch.IGNORE
    mismatch = Mismatch.DROP if handling.strict_source else Mismatch.PROPAGATE
    return stream.learned or stream.endpoint, mismatch


def _outputs(call: Call, sinks: list[tuple[Media, Stream]]) -> Outputs:
    """Copies for all of the streams that can be sent to."""
    outputs = []
    for media, stream in sinks:
        destination = stream.destination
        if destination is not None and stream.local is not None:
            outputs.append(WantedOutput(stream.local, destination, call.tos,
                                        stream.is_rtp and learning.follows(stream, media.handling)))
    return tuple(outputs)


def _clock_rates(media: Media) -> tuple[tuple[int, int], ...]:
    """Payload types that the party may send, with their clock rates in Hz."""
    rates: dict[int, int] = {}
    for party_media in (media, *media.peers):
        if party_media.description is not None:
            for codec in party_media.description.payload_types:
                rates.setdefault(codec.number, codec.clock_rate)
    return tuple(rates.items())[:MAX_PAYLOAD_TYPES]
