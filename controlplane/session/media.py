# SPDX-License-Identifier: GPL-3.0-or-later
"""One m-section of a party with all that was negotiated about it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.events import SsrcStats
from controlplane.rtcp.hearing import Hearing
from controlplane.sdp.model import Extmap, MediaDescription, PayloadType, Twin
from controlplane.sdp.protocols import lookup
from controlplane.session.sockets import Place
from controlplane.session.stream import Stream
from controlplane.srtp.sdes import Sdes

if TYPE_CHECKING:
    from controlplane.session.dtls import Dtls
    from controlplane.session.ice import Ice
    from controlplane.session.keys import KeySource

MAX_COPIES: Final = 32
"""Of what arrives at one port, for as many sinks."""
MAX_GROUPS: Final = 8
"""Media of a bundle that an engine tells apart; further ones get nothing through."""
NEVER_RELAYED = "message"
"""The media type whose SDP is handed on with the peer's own address (MSRP)."""


class PortMapping:
    """Sockets of a medium, made for the peer that advertised ``remote``; None until there is one.

    ``leader``: ICE wants sockets on every address, and these were opened besides those, for nothing else.
    """

    def __init__(self, place: Place, sockets: tuple[Endpoint, ...], remote: Endpoint | None = None,
                 leader: PortMapping | None = None) -> None:
        self.place = place
        self.sockets = sockets
        self.remote = remote
        self.leader = leader


@dataclass(frozen=True, slots=True)
class Handling:
    """How packets of the party are treated, as its last message asked (ng flags of these names)."""

    learning: str = "heuristic"
    asymmetric: bool = False
    strict_source: bool = False
    media_handover: bool = False
    unidirectional: bool = False
    nat_wait: bool = False
    pierce_nat: bool = False


DEFAULT_HANDLING: Final = Handling()
NO_BLOCKS: Final[frozenset[str]] = frozenset()


class Link:
    """Packets of ``source`` go to ``sink``.

    ``answers``: the two are partners of an offer and an answer, else ``sink`` has subscribed. ``egress``: to what its
    partner gets of it, rather than to what it sends, which differs once something is converted. ``rtcp_only``:
    nothing but RTCP. ``blocks`` see blocking.py. ``before`` is what had come from the source when the link began.
    """

    egress: bool = False
    rtcp_only: bool = False
    blocks: frozenset[str]

    def __init__(self, source: Media, sink: Media, answers: bool = True, before: tuple[SsrcStats, ...] = ()) -> None:
        self.source = source
        self.sink = sink
        self.answers = answers
        self.before = before
        self.blocks = NO_BLOCKS

    @property
    def passed(self) -> list[SsrcStats]:
        """The sources with what came from them since the link exists."""
        earlier = {each.ssrc: each for each in self.before}
        found = []
        for each in self.source.ingress:
            known = earlier.get(each.ssrc)
            if known is None:
                found.append(each)
            elif each.packets > known.packets:
                found.append(each._replace(packets=each.packets - known.packets, bytes=each.bytes - known.bytes))
        return found


@dataclass(slots=True, eq=False)
class Bundle:
    """Media of a party that use the sockets of the first of them (RFC 9143), once ``accepted``; until then offered.

    ``mid_extension`` is the id of the header extension that carries mids, None if the party does without. ``ours``: we
    have offered it.
    """

    medias: list[Media]
    accepted: bool = False
    mid_extension: int | None = None
    ours: bool = False

    @property
    def head(self) -> Media:
        """The one whose sockets are used."""
        return self.medias[0]


NOTHING_NOTED: tuple[str, ...] = ("", "", "")


class Media:
    """Section ``index`` (from 1) of a party, ``number`` (from 0) in the call.

    ``description`` is what the party itself said last. ``protocol`` is the profile spoken with the party, empty
    while unknown, ``is_rtp`` tells what it carries, ``is_avpf`` whether with early feedback.
    ``send``: we may send RTP to the party; ``recv``: it may send RTP to us. ``mux``: RTP and RTCP share a port,
    ``mux_expected``: they are going to if the party agrees, or it has them share one itself. ``mux_offered`` and
    ``mux_required`` tell what the party was offered last, ``mux_answer`` what the offerer is to be told then; None:
    what the party answers. ``sinks`` are the links to media that get its packets, ``sources``
    those from media whose packets it gets; ``heard`` are counters of RTP sources from former ones, by SSRC.
    ``offered``: the party was the receiver of an offer. ``sends`` are the codecs that the party may use, ``told``
    those that it was shown last. ``extmaps`` are the header extensions in use, ``masked_extmaps`` those that its
    partner does not know of. ``mixes_extensions``: the party reads both forms of them in one packet, or has not said
    that it has any (RFC 8285 section 6). ``passthrough``: the SDP is handed on with the peer's own address. ``echo``:
    its RTP goes back to it, ``blackhole``: it goes nowhere. ``is_srtp``: the profile demands encryption, ``osrtp``: it
    does not, but keys come along (RFC 8643). ``sdes`` are the keys as they are negotiated in SDP, ``dtls`` those from
    handshakes, ``keys`` those in force; None: the medium is plain. ``sdes_first``: of both that the party offers the
    former are to be taken. ``agreed``: an answer has settled that. ``twin`` is the section that the party has for
    it besides, ``twins_offered``: it was offered two (twins.py). ``ice``: the party does ICE with us; ``ice_lite``: we
    leave the checks to it. ``withdrawn``: an answer has refused the section;
    ``parked`` are the sockets used until then. ``noted`` see trail.py.
    """

    index: int
    type: str
    number: int | None = None
    protocol: str = ""
    is_rtp: bool = False
    is_avpf: bool = False
    is_srtp: bool = False
    osrtp: bool = False
    sdes: Sdes | None
    dtls: Dtls | None = None
    sdes_first: bool = False
    keys: KeySource | None
    agreed: bool = False
    twin: Twin | None = None
    twins_offered: bool = False
    streams: list[Stream]
    sinks: list[Link]
    sources: list[Link]
    mappings: list[PortMapping]
    mapping: PortMapping | None = None
    parked: PortMapping | None = None
    withdrawn: bool = False
    description: MediaDescription | None = None
    handling: Handling
    mid: str | None = None
    label: str | None = None
    interface: str | None = None
    family: int | None = None
    send: bool = True
    recv: bool = True
    mux: bool = False
    mux_expected: bool = False
    mux_offered: bool = False
    mux_required: bool = False
    mux_answer: bool | None = False
    offered: bool = False
    sends: tuple[PayloadType, ...] = ()
    told: tuple[PayloadType, ...] = ()
    extmaps: tuple[Extmap, ...] = ()
    masked_extmaps: tuple[Extmap, ...] = ()
    mixes_extensions: bool = True
    passthrough: bool = False
    echo: bool = False
    blackhole: bool = False
    bundle: Bundle | None = None
    ice: Ice | None = None
    ice_lite: bool = False
    generate_rtcp: bool = False
    hearing: Hearing | None
    heard: dict[int, SsrcStats]
    noted: tuple[str, ...]

    def __init__(self, index: int, type: str) -> None:
        self.index = index
        self.type = type
        self.streams = []
        self.sinks = []
        self.sources = []
        self.mappings = []
        self.sdes = None
        self.keys = None
        self.hearing = None
        self.handling = DEFAULT_HANDLING
        self.heard = {}
        self.noted = NOTHING_NOTED

    @property
    def peers(self) -> list[Media]:
        """The media of other parties that this one has an offer/answer relation with."""
        return [link.sink for link in self.sinks if link.answers]

    @property
    def ingress(self) -> list[SsrcStats]:
        """The RTP sources that the party has, with their counters."""
        return [source for stream in self.streams if stream.is_rtp for source in stream.stats.sources]

    def set_protocol(self, protocol: str) -> None:
        """Speak this profile; one that is not known is opaque."""
        known = lookup(protocol)
        self.protocol = protocol
        self.is_rtp = known is not None and known.rtp
        self.is_avpf = known is not None and known.avpf
        self.is_srtp = known is not None and known.srtp

    @property
    def carrier(self) -> Media:
        """The medium whose sockets and endpoints are used: itself, or the head of its bundle."""
        bundle = self.bundle
        return self if bundle is None or not bundle.accepted else bundle.head

    @property
    def srtp_state(self) -> str:
        """Under which suite the party gets its packets; empty if it gets them in the clear."""
        keys = self.carrier.keys
        if keys is None:
            return ""
        return "without keys yet" if keys.suite is None else f"with {keys.suite}"

    @property
    def ice_state(self) -> str:
        """How far ICE is, and why it has failed or comes to nothing; empty without it."""
        ice = self.carrier.ice
        if ice is None or self.mapping is None:
            return ""
        return ": ".join(filter(None, (ice.agent.phase.value, ice.agent.why)))

    @property
    def dtls_state(self) -> str:
        """How far DTLS is, and why it has failed or waits; empty without it."""
        dtls = self.carrier.dtls
        if dtls is None or self.carrier.keys is not dtls:
            return ""
        return ": ".join(filter(None, (dtls.state, dtls.why)))

    @property
    def understood(self) -> bool:
        """True if its packets are taken for RTP and RTCP, rather than handed on whatever they are."""
        return self.is_rtp and not self.passthrough

    @property
    def encrypted(self) -> bool:
        """True if its packets are to be encrypted by us, with keys of which the party is told."""
        return (self.is_srtp or self.osrtp) and self.is_rtp and not self.passthrough

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
        self.withdrawn = self.withdrawn and mapping is None
        sockets = mapping.sockets if mapping is not None else ()
        for index, stream in enumerate(self.streams):
            local = sockets[index] if index < len(sockets) else None
            if local != stream.local:
                stream.move(local)
                stream.public = False

    def set_mux(self, mux: bool) -> None:
        """Whether RTCP goes through the RTP port (RFC 5761)."""
        self.mux = mux
        self.streams[0].is_rtcp = mux

    def withdraw(self) -> None:
        """An answer refuses the section: nothing goes on for now, but another branch may accept it yet."""
        self.parked = self.mapping or self.parked
        self.use(None)
        self.withdrawn = True

    def reject(self) -> None:
        """The section was refused: nothing is received or sent; sockets and ICE are kept for a revival."""
        self.dtls = None
        self.use(None)
        self.withdrawn = False
        for stream in self.streams:
            stream.reset()

    def close(self) -> list[Endpoint]:
        """Give up all sockets and return them."""
        self.reject()
        self.ice = None
        sockets = [local for mapping in self.mappings for local in mapping.sockets]
        self.mappings.clear()
        return sockets

    def rtcp_way(self, pair: int) -> tuple[Stream, Stream]:
        """The stream that tells where RTCP of port pair ``pair`` (from 0) is sent to, and that whose socket is used.

        That is the one for RTP if the party has declined to multiplex after it was told of one port only.
        """
        rtp, rtcp = self.streams[2 * pair:2 * pair + 2]
        if self.mux:
            return rtp, rtp
        return rtcp, rtp if rtcp.local is None and self.ice is None else rtcp


def link(one: Media, other: Media) -> None:
    """Let each get the packets of the other, as partners of an offer and an answer."""
    subscribe(one, other).answers = True
    subscribe(other, one).answers = True


def unlink(one: Media, other: Media) -> None:
    """End what ``link`` and ``subscribe`` have begun between the two."""
    unsubscribe(one, other)
    unsubscribe(other, one)


def find_link(source: Media, sink: Media) -> Link | None:
    """The link between the two in this direction."""
    return next((each for each in source.sinks if each.sink is sink), None)


def subscribe(source: Media, sink: Media) -> Link:
    """Let ``sink`` get the packets of ``source``; the link that does so."""
    found = find_link(source, sink)
    if found is None:
        found = Link(source, sink, False, before=tuple(source.ingress))
        source.sinks.append(found)
        sink.sources.append(found)
    return found


def check_room(source: Media) -> None:
    """PeerError if nobody else can subscribe: what partners get is not put at risk."""
    bundle = source.bundle
    medias = bundle.medias if bundle is not None and bundle.accepted else [source]
    if sum([2 + sum([not link.answers for link in media.sinks]) for media in medias]) > MAX_COPIES:
        raise PeerError("Too many subscriptions")


def unsubscribe(source: Media, sink: Media) -> None:
    """Let ``sink`` get no more packets of ``source``; what it got is remembered."""
    found = find_link(source, sink)
    if found is not None:
        source.sinks.remove(found)
        sink.sources.remove(found)
        sink.heard |= {each.ssrc: each for each in found.passed}
