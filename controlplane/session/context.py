# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command on one call is carried out with, and what such commands have in common."""
from __future__ import annotations

from functools import lru_cache

from controlplane import VERSION
from controlplane.addresses import Address, Endpoint, zero_address
from controlplane.errors import PeerError
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription, MediaEndpoints, SessionDescription
from controlplane.sdp.origin import OriginRules, choose_origin, settle
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import hold, outgoing_session, software_id
from controlplane.session.call import Call
from controlplane.session.ice import is_lite, spread
from controlplane.session.keys import KeyMaking, key_making
from controlplane.session.latching import latch, shrink
from controlplane.session.media import Media
from controlplane.session.party import Party
from controlplane.session.profiles import check_size
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import Place, RandomSource, SocketPool, asked_for

_TAG_BITS = 256
_ID_BITS = 28
_TAKEN = Endpoint(zero_address(4), 0)
"""Whoever the sockets were opened for, they stay."""


class Context:
    """The message, the call it belongs to, and what is needed to carry it out; ``now`` is Unix time in seconds."""

    def __init__(self, call: Call, request: Request, settings: SessionSettings, sockets: SocketPool,
                 random: RandomSource, now: float) -> None:
        self.call = call
        self.request = request
        self.settings = settings
        self.sockets = sockets
        self.random = random
        self.now = now

    @property
    def key_making(self) -> KeyMaking:
        """What new keys are made with."""
        return key_making(self.settings, self.random, self.now)

    def received(self) -> tuple[SessionDescription, list[MediaEndpoints]]:
        """The SDP of the message with the endpoints of its media. PeerError."""
        description = parse(self.request.sdp or b"", strict=self.settings.reject_invalid_sdp)
        check_size(description)
        return description, description.endpoints(received_from(self.request, self.settings))

    def new_party(self, tag: str | None) -> Party:
        """The party called ``tag``, which is created if there is none yet; a name is made up for None."""
        if tag is None:
            tag = f"{self.random.getrandbits(_TAG_BITS):064x}"
        return self.call.tags.get(tag) or self.call.add_party(self.now, tag)

    def place(self, media: Media, party: Party, family: int) -> Place:
        """Where the sockets of ``media`` are to be: the interface asked for, the one used so far, or the default."""
        name = asked_for(self.request, self.request.interface, self.request.peer, self.sockets)
        place = self.sockets.select(name, self.request.address_family or family, media.interface or party.interface)
        media.interface = party.interface = place.interface
        media.family = place.address.family
        return place

    def open(self, media: Media, party: Party, family: int, count: int) -> None:
        """Give ``media`` sockets, the ones it has if they will do. OutOfPorts."""
        latch(self.call, media, self.sockets, self.place(media, party, family), count, _TAKEN, keep=True)
        for stream in media.streams:
            stream.public = stream.local is not None
        spread(self.call, media, self.sockets, count, self.settings.instance_id, self.now)

    def shrink(self, media: Media) -> None:
        """RTCP has moved to the RTP port."""
        shrink(self.call, media, 1)

    def fill(self, media: Media, section: MediaDescription, places: MediaEndpoints) -> None:
        """Send to where ``section`` says; learning begins anew."""
        for index, stream in enumerate(media.streams):
            stream.fill(places.of_stream(index, section.port_count), self.now)
            stream.unconfirm()
        if not places.rtp.address.is_zero:
            media.family = places.rtp.family

    def printed(self, media: Media) -> Address:
        """What the party is told instead of our local address."""
        if self.request.media_address is not None:
            return self.request.media_address
        return media.mapping.place.advertised if media.mapping is not None else zero_address(media.family or 4)

    def print_rtcp(self, media: Media, section: OutgoingMedia, mux: bool) -> None:
        """Add a=rtcp and a=rtcp-mux."""
        flags = self.request.flags
        section.rtcp_mux = mux
        if "no-rtcp-attribute" not in flags and media.mapping is not None:
            section.rtcp_port = media.mapping.sockets[:2][-1].port
            if "full-rtcp-attribute" in flags:
                section.rtcp_address = section.address

    def body(self, party: Party, medias: list[OutgoingMedia], source: SessionDescription | None = None, *,
             generic: bool = True) -> bytes:
        """The SDP for ``party``, with the session lines of ``source`` or, for None, our own.

        PeerError if no section has a socket. ``generic``: with the session attributes of ``source``.
        """
        place = next((media.mapping.place for media in party.medias if media.mapping is not None), None)
        if place is None:
            raise PeerError("Failed to create SDP")
        rules = origin_rules(self.request)
        bits = self.random.getrandbits(2 * _ID_BITS)
        origin = choose_origin(party.origin, source.origin if source is not None else None, rules, place.advertised,
                               bits >> _ID_BITS, bits & ((1 << _ID_BITS) - 1))
        if source is None:
            session = OutgoingSession(origin, software_id(VERSION))
        else:
            session = outgoing_session(source, origin)
            session.bandwidths = {}
            if not generic:
                session.generic = []
        if is_lite(party):
            session.leading.append("ice-lite")
        session.medias = medias
        return settle(party.origin, session, rules, self.request.sdp_attr)


def origin_rules(request: Request) -> OriginRules:
    """The members of ng ``replace`` that concern the o= line."""
    return _origin_rules(_ORIGIN & request.replace)


_ORIGIN = frozenset(("origin", "origin-full", "username", "sdp-version", "force-increment-sdp-ver"))


@lru_cache(64)
def _origin_rules(words: frozenset[str]) -> OriginRules:
    return OriginRules("origin" in words, "origin-full" in words, "username" in words, "sdp-version" in words,
                       "force-increment-sdp-ver" in words)


def received_from(request: Request, settings: SessionSettings) -> Address | None:
    """The address of the SIP message, if it is to be believed rather than the SDP."""
    distrust = "sip-source-address" in request.flags or settings.sip_source
    return request.received_from if distrust and "trust-address" not in request.flags else None


def set_direction(media: Media, section: MediaDescription, places: MediaEndpoints) -> str:
    """Who may send RTP, as the party of ``media`` says; the direction in today's words."""
    direction = hold(section.direction, section.held_by(places.rtp.address)).direction
    media.recv = direction in ("sendrecv", "sendonly")
    media.send = direction in ("sendrecv", "recvonly")
    return direction


def direction_of(media: Media) -> str:
    """The direction as the party of ``media`` would write it."""
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (media.recv, media.send), "inactive")
