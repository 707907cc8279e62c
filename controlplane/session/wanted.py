# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state of a call to what each of its sockets is to do."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from controlplane.addresses import Endpoint
from controlplane.events import NO_RANK, BundledMedia, Mismatch, PayloadRule, WantedOutput, WantedTarget
from controlplane.session import learning
from controlplane.session.blocking import EVENTS, MEDIA, payload_rules
from controlplane.session.call import Call
from controlplane.session.extensions import rebuilt
from controlplane.session.ice import gate
from controlplane.session.media import MAX_COPIES, MAX_GROUPS, Link, Media, PortMapping
from controlplane.session.party import Party
from controlplane.session.profiles import strips_feedback
from controlplane.session.reporting import replaces_rtcp
from controlplane.session.stream import Stream

MAX_PAYLOAD_TYPES: Final = 32

Outputs = tuple[WantedOutput, ...]
Located = tuple[Media, Stream, WantedTarget]


def targets(call: Call, events: bool = False) -> Iterator[Located]:
    """The target of each socket in use, with the medium and stream it belongs to; DTMF ``events`` may be reported."""
    for party in call.parties:
        for media in party.medias:
            if media.mapping is not None and (media.bundle is None or media.bundle.head is media
                                              or not media.bundle.accepted):
                for index, target in _targets(call, party, media, media.mapping):
                    if events:
                        target.reported = _events(media)
                    yield media, media.streams[index], target


def spare_targets(call: Call) -> Iterator[WantedTarget]:
    """Targets of sockets that are kept for an earlier or later peer of their medium.

    A party may go on sending to our former port until its new SDP has arrived: that is still forwarded. Nothing is
    learned from it.
    """
    for party in call.parties:
        for media in party.medias:
            if not media.mappings or (len(media.mappings) == 1 and media.mappings[0] is media.mapping):
                continue
            for mapping in media.mappings:
                if media.mapping is None:
                    yield from (WantedTarget(local, discard=True) for local in mapping.sockets)
                elif mapping is not media.mapping:
                    yield from (target for _, target in _targets(call, party, media, mapping))


def _targets(call: Call, party: Party, media: Media, mapping: PortMapping) -> Iterator[tuple[int, WantedTarget]]:
    """What the sockets of ``mapping`` do, by index of their streams; those of streams that are gone are silenced."""
    clocks = _clock_rates(media)
    handling, keys = media.handling, media.keys
    for index, local in enumerate(mapping.sockets):
        if index >= len(media.streams) or call.drop_traffic:
            yield min(index, len(media.streams) - 1), WantedTarget(local, is_rtp=media.understood, discard=True)
            continue
        stream = media.streams[index]
        decrypt = None
        if keys is not None:
            decrypt = keys.received_under(stream.component)
            if decrypt is None:  # nothing that arrives can be believed
                silent = WantedTarget(local, is_rtp=True, discard=True)
                _open(silent, media)
                yield index, silent
                continue
        current = local == stream.local
        ranked = current and learning.ranks(stream, handling)
        expected, mismatch = _expected(media, stream, ranked)
        rtp, rtcp = _fitting(_outputs(call, party, media, index))
        settled = current and stream.confirmed and not any([output.follow for output in rtp])
        learns = current and _reports_sources(media, stream)
        target = WantedTarget(
            local, rtp, rtcp, expected, mismatch, media.understood, learns, settled, media.blackhole and not rtp,
            clocks, _best_rank(call, media, stream) if ranked else None, decrypt,
            _bundled(call, party, media, index))
        _open(target, media)
        yield index, target


def _open(target: WantedTarget, media: Media) -> None:
    """With ICE nothing comes in but from where the party is; packets of ICE and DTLS are for us."""
    target.dtls = media.dtls is not None
    if media.ice is not None:
        gate(target, media.ice)


def _bundled(call: Call, party: Party, media: Media, index: int) -> tuple[BundledMedia, ...]:
    """The media that share the sockets of ``media``, itself in front."""
    bundle = media.bundle
    if bundle is None or bundle.head is not media or not bundle.accepted or len(bundle.medias) < 2 or index >= 2:
        return ()
    members = bundle.medias[:MAX_GROUPS]
    outputs = [_outputs(call, party, member, index) for member in members]
    if sum([len(rtp) + len(rtcp) for rtp, rtcp in outputs]) > MAX_COPIES:
        outputs = _all_fitting(outputs)
    return tuple([BundledMedia(member.mid, bundle.mid_extension, _clock_rates(member), rtp, rtcp)
                  for member, (rtp, rtcp) in zip(members, outputs)])


def _fitting(outputs: tuple[Outputs, Outputs]) -> tuple[Outputs, Outputs]:
    """As many as an engine can make; what is the same for RTP and for RTCP counts once."""
    rtp, rtcp = outputs
    if len(rtp) + len(rtcp) <= MAX_COPIES or (rtp == rtcp and len(rtp) <= MAX_COPIES):
        return outputs
    return _all_fitting([outputs])[0]


def _all_fitting(outputs: list[tuple[Outputs, Outputs]]) -> list[tuple[Outputs, Outputs]]:
    """The same for some media together: if there is not room for all, RTP goes before RTCP."""
    room = MAX_COPIES
    found = []
    for part in (0, 1):
        kept = []
        for each in outputs:
            kept.append(each[part][:room])
            room -= len(kept[-1])
        found.append(kept)
    return list(zip(*found))


def _best_rank(call: Call, media: Media, stream: Stream) -> int:
    if stream.best_rank is not None:
        return stream.best_rank
    return learning.NEAR if call.relearn_at is not None and learning.is_held(media, stream) else NO_RANK


def _reports_sources(media: Media, stream: Stream) -> bool:
    """True while learning, until a first packet that is waited for, and while the stream may move."""
    handling = media.handling
    return (stream.learning or (handling.nat_wait and stream.filled and not stream.received)
            or (stream.confirmed and stream.public and handling.media_handover))


def _expected(media: Media, stream: Stream, ranked: bool) -> tuple[Endpoint | None, Mismatch]:
    """What sources are compared with while they are ranked and after that, and what becomes of others."""
    handling = media.handling
    if ranked:
        return stream.advertised, Mismatch.DROP if handling.strict_source else Mismatch.IGNORE
    if handling.learning == "off" and handling.strict_source and stream.destination is not None:
        return stream.learned or stream.endpoint, Mismatch.DROP  # no first packet decides
    if not stream.confirmed or not (handling.strict_source or handling.media_handover):
        return None, Mismatch.IGNORE
    mismatch = Mismatch.DROP if handling.strict_source else Mismatch.PROPAGATE
    return stream.learned or stream.endpoint, mismatch


def _outputs(call: Call, party: Party, media: Media, index: int) -> tuple[Outputs, Outputs]:
    """Where RTP and RTCP go that the party sends to stream ``index`` of ``media``."""
    rtp: list[WantedOutput] = []
    rtcp: list[WantedOutput] = []
    if not media.understood:
        for link in media.sinks:
            if not link.rtcp_only and index < len(link.sink.streams) and not _blocked(call, party, link):
                stream = link.sink.streams[index]
                _append(call, link, (stream, stream), rtp)
    elif media.echo:
        _echo(call, media, index, rtp, rtcp)
    else:
        for link in media.sinks:
            _add_link(call, party, link, index, rtp, rtcp)
    return tuple(rtp), tuple(rtcp)


def _add_link(call: Call, party: Party, link: Link, index: int, rtp: list[WantedOutput],
              rtcp: list[WantedOutput]) -> None:
    media, sink = link.source, link.sink
    carrier = sink.carrier
    if index + 1 >= len(carrier.streams) and index % 2 == 0:
        return
    reports = not replaces_rtcp(media, sink)
    if index % 2 == 0:
        if reports and not _only_on_its_port(media, carrier, index):
            _append(call, link, carrier.rtcp_way(index // 2), rtcp, strip_feedback=strips_feedback(media, sink))
        # Else the party is on hold: its RTCP is forwarded all the same.
        if media.recv and sink.send and not media.blackhole and not link.rtcp_only and not _blocked(call, party, link):
            blocks = call.blocks | party.blocks | link.blocks
            stream = carrier.streams[index]
            _append(call, link, (stream, stream), rtp, extensions=True,
                    rules=payload_rules(media, blocks) if blocks else ())
    elif reports and index < len(carrier.streams):
        _append(call, link, carrier.rtcp_way(index // 2), rtcp, strip_feedback=strips_feedback(media, sink))


def _only_on_its_port(media: Media, carrier: Media, index: int) -> bool:
    """True if RTCP of ``media`` must not come with RTP: under one key each port would count its indices alone."""
    source = media.carrier
    return (not source.mux and (source.keys is not None or carrier.keys is not None)
            and source.mapping is not None and index + 1 < len(source.mapping.sockets))


def _blocked(call: Call, party: Party, link: Link) -> bool:
    return MEDIA in call.blocks or MEDIA in party.blocks or MEDIA in link.blocks


def _echo(call: Call, media: Media, index: int, rtp: list[WantedOutput], rtcp: list[WantedOutput]) -> None:
    """Everything goes back to where it came from, as if it were somebody else's."""
    link = Link(media, media)
    mask = crc32(f"{call.call_id} {media.number}".encode("utf-8", "surrogateescape")) or 1
    if index % 2 == 0:
        _append(call, link, (media.streams[index], media.streams[index]), rtp, ssrc_mask=mask)
    _append(call, link, media.rtcp_way(index // 2), rtcp, ssrc_mask=mask)


def _append(call: Call, link: Link, way: tuple[Stream, Stream], outputs: list[WantedOutput], *,
            extensions: bool = False, strip_feedback: bool = False, rules: tuple[PayloadRule, ...] = (),
            ssrc_mask: int = 0) -> None:
    """One more copy, if the stream can be sent to, is not waiting for a first packet from there nor for keys.

    ``way``: the stream that tells where to, and the one whose socket is used.
    """
    stream, through = way
    sink, local = link.sink, through.local
    destination = stream.destination_from(local)
    if destination is None or local is None or (sink.handling.nat_wait and not through.received):
        return
    keys = sink.carrier.keys
    encrypt = keys.sent_under(stream.component) if keys is not None else None
    if keys is not None and encrypt is None:
        return
    outputs.append(WantedOutput(
        local, destination, call.tos, stream.is_rtp and learning.follows(stream, sink.handling), encrypt,
        strip_feedback, rebuilt(link.source, sink) if extensions else None, rules, ssrc_mask))


def _clock_rates(media: Media) -> tuple[tuple[int, int], ...]:
    """Payload types that the party may send, with their clock rates in Hz."""
    rates: dict[int, int] = {}
    for party_media in (media, *media.peers):
        if party_media.description is not None:
            for codec in party_media.description.payload_types:
                rates.setdefault(codec.number, codec.clock_rate)
    return tuple(rates.items())[:MAX_PAYLOAD_TYPES]


def _events(media: Media) -> tuple[int, ...]:
    """Payload types of the DTMF events (RFC 4733) that the party may send, in this medium or in those of its bundle."""
    bundle = media.bundle
    senders = bundle.medias if bundle is not None and bundle.head is media and bundle.accepted else [media]
    found = {codec.number for sender in senders for each in (sender, *sender.peers) if each.description is not None
             for codec in each.description.payload_types if codec.encoding.lower() == EVENTS}
    return tuple(sorted(found))
