# SPDX-License-Identifier: GPL-3.0-or-later
"""One m-section of a party with all that was negotiated about it."""
from __future__ import annotations

from dataclasses import dataclass, field

from controlplane.addresses import Endpoint
from controlplane.sdp.model import MediaDescription
from controlplane.sdp.protocols import lookup
from controlplane.session.sockets import Place
from controlplane.session.stream import Stream

NEVER_RELAYED = "message"
"""The media type whose SDP is handed on with the peer's own address (MSRP)."""


@dataclass(slots=True, eq=False)
class PortMapping:
    """Sockets of a medium, made for the peer that advertised ``remote``; None until there is one."""

    place: Place
    sockets: tuple[Endpoint, ...]
    remote: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """How packets of the party are treated, as its last message asked (ng flags of these names)."""

    learning: str = "heuristic"
    asymmetric: bool = False
    strict_source: bool = False
    media_handover: bool = False
    unidirectional: bool = False


DEFAULT_HANDLING = Handling()


@dataclass(slots=True, eq=False)
class Media:
    """Section ``index`` (from 1) of a party. ``description`` is what the party itself said last.

    ``protocol`` is the profile spoken with the party, empty while unknown, ``is_rtp`` tells what it carries.
    ``send``: we may send RTP to the party; ``recv``: it may send RTP to us. ``mux``: RTP and RTCP share a port.
    ``mux_offered`` and ``mux_required`` tell what the party was offered last, ``mux_answer`` what the offerer is to
    be told then; None: what the party answers. ``peers`` are the media of other parties that get its packets, and
    whose packets it gets. ``offered``: the party was the receiver of an offer.
    """

    index: int
    type: str
    protocol: str = ""
    is_rtp: bool = False
    streams: list[Stream] = field(default_factory=list)
    peers: list[Media] = field(default_factory=list)
    mappings: list[PortMapping] = field(default_factory=list)
    mapping: PortMapping | None = None
    description: MediaDescription | None = None
    handling: Handling = DEFAULT_HANDLING
    mid: str | None = None
    label: str | None = None
    interface: str | None = None
    family: int | None = None
    send: bool = True
    recv: bool = True
    mux: bool = False
    mux_offered: bool = False
    mux_required: bool = False
    mux_answer: bool | None = False
    offered: bool = False

    def set_protocol(self, protocol: str) -> None:
        """Speak this profile; one that is not known is opaque."""
        known = lookup(protocol)
        self.protocol = protocol
        self.is_rtp = known is not None and known.rtp

    @property
    def relayed(self) -> bool:
        """False for a medium whose packets never come by here."""
        return self.type != NEVER_RELAYED

    @property
    def codecs(self) -> dict[int, str]:
        """ENCODING/clock[/channels] by payload type, of what the party said and of what its peers said."""
        found: dict[int, str] = {}
        for media in (self, *self.peers):
            if media.description is not None:
                for codec in media.description.payload_types:
                    if codec.encoding and codec.number not in found:
                        channels = f"/{codec.channels}" if codec.channels > 1 else ""
                        found[codec.number] = f"{codec.encoding}/{codec.clock_rate}{channels}"
        return found

    def set_streams(self, pairs: int, now: float) -> None:
        """Have an RTP and an RTCP stream for each of ``pairs`` port pairs."""
        del self.streams[2 * pairs:]
        while len(self.streams) < 2 * pairs:
            rtcp = len(self.streams) % 2 == 1
            self.streams.append(Stream(2 if rtcp else 1, now, not rtcp, rtcp))

    def use(self, mapping: PortMapping | None) -> None:
        """Use these sockets from now on; None takes them all away."""
        self.mapping = mapping
        sockets = mapping.sockets if mapping is not None else ()
        for index, stream in enumerate(self.streams):
            local = sockets[index] if index < len(sockets) else None
            if local != stream.local:
                stream.local = local
                stream.public = False

    def set_mux(self, mux: bool) -> None:
        """Whether RTCP goes through the RTP port (RFC 5761)."""
        self.mux = mux
        self.streams[0].is_rtcp = mux

    def reject(self) -> None:
        """The section was refused: nothing is received or sent, the sockets are kept for a revival."""
        self.use(None)
        for stream in self.streams:
            stream.reset()

    def close(self) -> list[Endpoint]:
        """Give up all sockets and return them."""
        self.reject()
        sockets = [local for mapping in self.mappings for local in mapping.sockets]
        self.mappings.clear()
        return sockets

    def rtcp_stream(self, pair: int) -> Stream:
        """The stream through which the party gets RTCP of port pair ``pair`` (from 0)."""
        return self.streams[2 * pair + (0 if self.mux else 1)]


def link(one: Media, other: Media) -> None:
    """Let each get the packets of the other."""
    if other not in one.peers:
        one.peers.append(other)
    if one not in other.peers:
        other.peers.append(one)


def unlink(one: Media, other: Media) -> None:
    """Undo ``link``."""
    if other in one.peers:
        one.peers.remove(other)
    if one in other.peers:
        other.peers.remove(one)
