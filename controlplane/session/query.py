# SPDX-License-Identifier: GPL-3.0-or-later
"""The reply to ``query``, which a ``delete`` carries too."""
from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from controlplane.addresses import Endpoint
from controlplane.dtls.association import Role
from controlplane.events import NOTHING, Counters, SsrcStats
from controlplane.rtcp.mos import Scale
from controlplane.session import sources
from controlplane.session.call import Call
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.stream import Stream

_FAMILY: Final = {4: "IPv4", 6: "IPv6"}
_MEDIA_FLAGS: Final = (
    "initialized", "asymmetric", "send", "recv", "rtcp-mux", "DTLS-SRTP", "DTLS role active", "DTLS role passive",
    "SDES", "passthrough", "ICE", "trickle ICE", "ICE controlling", "ICE-lite peer", "ICE-lite self",
    "unidirectional", "RTCP generator", "echo", "blackhole", "SDES reordered", "legacy OSRTP", "reverse legacy OSRTP")
_STREAM_FLAGS: Final = (
    "RTP", "RTCP", "fallback RTCP", "filled", "confirmed", "kernelized", "no kernel support",
    "DTLS fingerprint verified", "strict source address", "media handover")
Reply = dict[str, Any]


def call_reply(call: Call, tag: str | None = None, reporting: str = "full",
               scale: Scale | None = None, leaving: Collection[Party] = ()) -> Reply:
    """All about ``call``, or about the party called ``tag`` and its peers; about nobody if there is none.

    ``reporting`` says where RTP sources are described (option ``ssrc-reporting``), ``scale`` judges them
    unless it is None. Those ``leaving`` a call that goes on have no sockets any more.
    """
    parties = _selected(call, tag)
    microseconds = int(call.created * 1_000_000)
    reply: Reply = {
        "created": int(call.created), "created_us": microseconds % 1_000_000, "created_ts": microseconds,
        "last signal": int(call.last_signal), "last redis update": int(call.stored_at)}
    if call.metadata is not None:
        reply["metadata"] = call.metadata
    if reporting in sources.GLOBAL:
        reply["SSRC"] = sources.by_number((media for party in parties for media in party.medias), scale)
    tags: Reply = {}
    untagged = 0
    for party in parties:
        untagged += party.tag is None
        shown = tags[f"<untagged {untagged}>" if party.tag is None else party.tag] = _party(
            call, party, reporting, scale)
        if party in leaving:
            _close(shown)
    reply["tags"] = tags
    if call.forwarding or any(party.forwarding for party in call.parties):
        reply["recording"] = {"call recording": 0, "forwarding": int(call.forwarding)}
    reply["totals"] = {"RTP": _totals(parties, rtcp=False), "RTCP": _totals(parties, rtcp=True)}
    return reply


def _close(party: Reply) -> None:
    for media in party["medias"]:
        for stream in media["streams"]:
            for key in ("local port", "local address", "family"):
                stream.pop(key, None)


def _selected(call: Call, tag: str | None) -> list[Party]:
    if not tag:
        return call.parties
    party = call.tags.get(tag)
    if party is None:
        return []
    sources = {id(link.source) for media in party.medias for link in media.sources}
    return [party, *[other for other in call.parties if other is not party and (
        other in party.peers or any(id(media) in sources for media in other.medias))]]


def _party(call: Call, party: Party, reporting: str, scale: Scale | None) -> Reply:
    reply: Reply = {"tag": party.tag or ""}
    if party.branch is not None:
        reply["via-branch"] = party.branch
    if party.aliases:
        reply["tag-aliases"] = list(party.aliases)
    if party.label is not None:
        reply["label"] = party.label
    reply["created"] = int(party.created)
    reply["subscriptions"] = _relations(call, party, {id(link.source) for media in party.medias
                                                      for link in media.sources if not link.answers})
    reply["subscribers"] = _relations(call, party, {id(link.sink) for media in party.medias
                                                    for link in media.sinks if not link.answers})
    reply["medias"] = [_media(media, reporting, scale) for media in party.medias]
    reply["VSC"] = []
    if party.forwarding:
        reply["recording"] = {"excluded": 0, "forwarding": 1}
    return reply


def _relations(call: Call, party: Party, subscribed: set[int]) -> list[Reply]:
    """Whom the party talks to, and who else has one of the ``subscribed`` media (by identity)."""
    found = [{"tag": peer.tag or "", "type": "offer/answer"} for peer in party.peers]
    if subscribed:
        found += [{"tag": other.tag or "", "type": "pub/sub"} for other in call.parties
                  if other not in party.peers and any(id(media) in subscribed for media in other.medias)]
    return found


def _media(media: Media, reporting: str, scale: Scale | None) -> Reply:
    reply: Reply = {"index": media.index, "type": media.type}
    if media.protocol:
        reply["protocol"] = media.protocol
    received = media.ingress
    codec = _main_codec(media, received) if received else None
    if codec is not None:
        reply["codec"] = codec
    ice = media.carrier.ice
    if ice is not None and (why := ice.agent.why):
        reply["ICE"] = {"state": ice.agent.phase.value, "reason": why}
    dtls = media.carrier.dtls
    if dtls is not None and (why := dtls.why):
        reply["DTLS"] = {"state": dtls.state, "reason": why}
    reply["streams"] = [_stream(media, stream, received) for stream in media.streams]
    reply["flags"] = _media_flags(media)
    reply["ingress SSRCs"] = sources.ingress(media, received, reporting, scale)
    reply["egress SSRCs"] = sources.egress(media, reporting, scale)
    return reply


def _media_flags(media: Media) -> list[str]:
    """Until the party has answered, its role in DTLS may be either; receivers of our offers would control ICE."""
    sdes, twin, dtls, ice = media.sdes, media.twin, media.carrier.dtls, media.carrier.ice
    return [name for name, on in zip(_MEDIA_FLAGS, (
        media.description is not None, media.handling.asymmetric, media.send, media.recv, _shares_port(media),
        dtls is not None, dtls is not None and dtls.role is not Role.PASSIVE,
        dtls is not None and dtls.role is not Role.ACTIVE,
        sdes is not None and bool(sdes.sent or sdes.received), not media.understood,
        ice is not None, ice is not None and ice.trickles, media.offered if ice is None else ice.agent.controlling,
        ice is not None and ice.lite, ice is not None and media.carrier.ice_lite,
        media.handling.unidirectional, media.generate_rtcp, media.echo, media.blackhole,
        sdes is not None and bool(sdes.preferred), twin is not None and twin.first,
        twin is not None and not twin.first)) if on]


def _shares_port(media: Media) -> bool:
    """True if RTP and RTCP have one port, or will have if the party agrees."""
    return media.mux or (media.mux_offered and media.description is None)


def _main_codec(media: Media, sources: list[SsrcStats]) -> str | None:
    main = max(sources, key=lambda source: source.packets)
    return media.codecs.get(main.last_payload_type) if main.packets else None


def _stream(media: Media, stream: Stream, received: list[SsrcStats]) -> Reply:
    reply: Reply = {}
    muxed = _shares_port(media)
    fallback = muxed and stream.is_rtcp and not stream.is_rtp
    local = stream.local or (media.streams[0].local if fallback else None)
    if local is not None:
        address = local.address
        reply["local port"] = local.port if stream.local is not None else 0    # closed, since it is not needed
        reply["local address"] = str(address)
        reply["family"] = _FAMILY[address.family]
    reply["endpoint"] = _endpoint(stream.endpoint)
    reply["advertised endpoint"] = _endpoint(stream.advertised)
    if suite := _suite(media.carrier):
        reply["crypto suite"] = suite
    stats = stream.stats
    reply["last packet"] = int(stream.last_packet)
    reply["last kernel packet"] = int(stats.kernel_in.last_packet)
    reply["last user packet"] = int(max(stream.created, stats.user_in.last_packet))
    if received:
        reply["SSRC"] = received[0].ssrc
    handling, dtls = media.handling, media.carrier.dtls
    running = stream.confirmed and stats.user_in.packets + stats.kernel_in.packets > 0
    by_handshake = dtls is not None and media.carrier.ice is None   # which says where the party is before media come
    confirmed = stream.endpoint is not None and (running if by_handshake else stream.confirmed)
    reply["flags"] = [name for name, on in zip(_STREAM_FLAGS, (
        stream.is_rtp, stream.is_rtcp or muxed, fallback, stream.filled, confirmed, stats.offloaded or running,
        running and not stats.offloaded, dtls is not None and dtls.is_verified(stream.component),
        handling.strict_source, handling.media_handover)) if on] if local is not None or stream.filled else []
    reply["stats"] = _counters(stats.user_in + stats.kernel_in)
    reply["stats_out"] = _counters(stats.user_out + stats.kernel_out)
    return reply


def _suite(media: Media) -> str | None:
    """The suite under which the party gets its packets, or that it is to choose of those it was offered."""
    keys, sdes = media.keys, media.sdes
    if keys is not None and keys.suite is not None:
        return keys.suite
    return sdes.sent[0].suite.name if sdes is not None and sdes.sent and media.description is None else None


def _endpoint(endpoint: Endpoint | None) -> Reply:
    if endpoint is None:
        return {}
    address = endpoint.address
    return {"family": _FAMILY[address.family], "address": str(address), "port": endpoint.port}


def _counters(counters: Counters) -> Reply:
    return {"packets": counters.packets, "bytes": counters.bytes, "errors": counters.errors}


def _totals(parties: Iterable[Party], *, rtcp: bool) -> Reply:
    total = NOTHING
    for party in parties:
        for media in party.medias:
            for stream in media.streams:
                if stream.is_rtp != rtcp:
                    total += stream.stats.user_in + stream.stats.kernel_in
    return _counters(total)
