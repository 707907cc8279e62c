# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state of a call to what each of its sockets is to do."""
from __future__ import annotations

from collections.abc import Iterator

from controlplane.addresses import Endpoint
from controlplane.events import Mismatch, WantedOutput, WantedTarget
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.stream import Stream

MAX_PAYLOAD_TYPES = 32

Located = tuple[Media, Stream, WantedTarget]


def targets(call: Call) -> Iterator[Located]:
    """The target of each socket in use, with the medium and stream it belongs to."""
    for media in call.medias:
        if media.mapping is not None:
            clocks = _clock_rates(media)
            for index, stream in enumerate(media.streams):
                if stream.local is not None:
                    yield media, stream, _target(call, media, index, stream.local, clocks)


def spare_targets(call: Call) -> Iterator[WantedTarget]:
    """Targets of sockets that are kept for an earlier or later peer of their medium.

    A party may go on sending to our former port until its new SDP has arrived: that is still forwarded. Nothing is
    learned from it.
    """
    for media in call.medias:
        if len(media.mappings) == (media.mapping is not None):
            continue
        clocks = _clock_rates(media)
        for mapping in media.mappings:
            if mapping is media.mapping:
                continue
            for index, local in enumerate(mapping.sockets):
                if media.mapping is None or index >= len(media.streams):
                    yield WantedTarget(local, discard=True)
                else:
                    yield _target(call, media, index, local, clocks)


def _target(call: Call, media: Media, index: int, local: Endpoint,
            clocks: tuple[tuple[int, int], ...]) -> WantedTarget:
    stream = media.streams[index]
    current = local == stream.local
    expected, mismatch = _expected(media, stream)
    learning = current and _reports_sources(media, stream)
    if call.drop_traffic:
        return WantedTarget(local, is_rtp=media.is_rtp, learning=learning, discard=True, payload_types=clocks)
    rtp, rtcp = _outputs(call, media, index)
    return WantedTarget(local, rtp, rtcp, expected, mismatch, media.is_rtp, learning,
                        current and stream.confirmed, False, clocks)


def _reports_sources(media: Media, stream: Stream) -> bool:
    """True while learning, and for as long as the flag ``media-handover`` lets the stream follow another source."""
    return stream.learning or (stream.confirmed and stream.public and media.handling.media_handover)


def _expected(media: Media, stream: Stream) -> tuple[Endpoint | None, Mismatch]:
    """Which source counts once learning is over, and what becomes of packets from others."""
    handling = media.handling
    if not stream.confirmed or not (handling.strict_source or handling.media_handover):
        return None, Mismatch.IGNORE
    mismatch = Mismatch.DROP if handling.strict_source else Mismatch.PROPAGATE
    return stream.learned or stream.endpoint, mismatch


def _outputs(call: Call, media: Media,
             index: int) -> tuple[tuple[WantedOutput, ...], tuple[WantedOutput, ...]]:
    """Who gets RTP and who gets RTCP that arrives on stream ``index``. Held media forward RTCP alone."""
    pair, is_rtcp = divmod(index, 2)
    rtp: list[WantedOutput] = []
    rtcp: list[WantedOutput] = []
    for peer in media.peers:
        if len(peer.streams) < 2 * pair + 2:
            continue
        if not media.is_rtp:
            _put(rtp, call, peer.streams[index])
            continue
        if not is_rtcp and media.recv and peer.send:
            _put(rtp, call, peer.streams[2 * pair])
        _put(rtcp, call, peer.rtcp_stream(pair))
    return tuple(rtp), tuple(rtcp)


def _put(outputs: list[WantedOutput], call: Call, stream: Stream) -> None:
    destination = stream.destination
    if destination is not None and stream.local is not None:
        outputs.append(WantedOutput(stream.local, destination, call.tos))


def _clock_rates(media: Media) -> tuple[tuple[int, int], ...]:
    """Payload types that the party may send, with their clock rates in Hz."""
    rates: dict[int, int] = {}
    for party_media in (media, *media.peers):
        if party_media.description is not None:
            for codec in party_media.description.payload_types:
                rates.setdefault(codec.number, codec.clock_rate)
    return tuple(rates.items())[:MAX_PAYLOAD_TYPES]
