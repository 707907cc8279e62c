# SPDX-License-Identifier: GPL-3.0-or-later
"""What a peer's session description said (RFC 8866).

Text is str decoded from UTF-8 with surrogateescape, so every received byte survives. A call keeps these objects
for its lifetime: derived values that are asked for once or twice are computed from ``attributes``, not stored.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from controlplane.addresses import Address, Endpoint, zero_address
from controlplane.sdp.attributes import is_generic
from controlplane.sdp.errors import IncompleteSdp
from controlplane.sdp.protocols import Protocol

TRICKLE_PORT = 9
DIRECTIONS = ("recvonly", "sendonly", "inactive", "sendrecv")


def _not_feedback(text: str) -> bool:
    return not text.startswith("rtcp-fb:")


class Attribute(NamedTuple):
    """One a= line: ``text`` is everything after ``a=``, ``name`` the part of it before the colon."""

    name: str
    text: str

    def __repr__(self) -> str:
        return f"Attribute({self.text if self.name != 'crypto' else self.name!r})"

    @property
    def value(self) -> str:
        """What follows the colon, empty for a property attribute such as ``rtcp-mux``."""
        return self.text[len(self.name) + 1:]


class Origin(NamedTuple):
    """The o= line. ``version`` has 64 bits; ``address`` is verbatim and may be a host name."""

    username: str
    session_id: str
    version: int
    network_type: str
    address_type: str
    address: str


class RtcpAttribute(NamedTuple):
    """``a=rtcp`` (RFC 3605): the port, and the address if one is given."""

    port: int
    address: Address | None


class Extmap(NamedTuple):
    """``a=extmap`` (RFC 8285) without its direction; ``parameters`` is what follows the URI, usually empty."""

    id: int
    uri: str
    parameters: str = ""


class Group(NamedTuple):
    """``a=group`` (RFC 5888): semantics such as BUNDLE, and the mids in their order."""

    semantics: str
    mids: tuple[str, ...]


class Twin(NamedTuple):
    """The section beside another one that is not used in its place: its profile, and whether it stands in front."""

    protocol: str
    first: bool


class MediaEndpoints(NamedTuple):
    """Where a medium wants its packets. ``mux``: RTCP shares the RTP port, by a=rtcp-mux or by equal ports."""

    rtp: Endpoint
    rtcp: Endpoint
    mux: bool

    def of_stream(self, index: int, pairs: int) -> Endpoint:
        """Where stream ``index`` (RTP, RTCP, RTP, ...) of a medium with ``pairs`` port pairs goes; port 0: nowhere."""
        if pairs == 1:
            return self.rtcp if index % 2 else self.rtp
        port = self.rtp.port + index
        return Endpoint(self.rtp.address, port if port <= 65535 else 0)


@dataclass(frozen=True, slots=True)
class PayloadType:
    """One format of an RTP m-section.

    ``encoding`` is empty and ``clock_rate`` (Hz) 0 if the number is neither mapped nor static (RFC 3551).
    ``fmtp`` and each of ``rtcp_fb`` are what follows the payload type on those lines, verbatim.
    """

    number: int
    encoding: str
    clock_rate: int
    channels: int = 1
    fmtp: str | None = None
    rtcp_fb: tuple[str, ...] = ()


class MediaDescription:
    """One m-section.

    ``port_count`` is N of ``m=audio 5000/N``. ``protocol`` is None for a profile we do not know.
    ``payload_types`` follows ``formats``; it is empty if the port is 0 or the profile is not RTP.
    ``connection`` is the section's own c=, ``session_connection`` that of its session. ``inherited`` has the values
    of those session attributes that count for the sections too, by name (one dict for all sections of a session).
    ``ptime`` and ``maxptime`` are milliseconds. ``crypto`` are the values of the crypto attributes (srtp/crypto.py).
    ``twin`` is what came beside it for the same medium (session/twins.py), ``lent``: its port is that of its bundle.
    """

    type: str
    port: int
    port_count: int
    protocol_text: str
    protocol: Protocol | None
    formats: tuple[str, ...]
    session_connection: Address | None = None
    inherited: dict[str, list[str]]
    title: str = ""
    connection: Address | None = None
    bandwidths: dict[str, int]
    attributes: tuple[Attribute, ...] = ()
    payload_types: tuple[PayloadType, ...] = ()
    extmaps: tuple[Extmap, ...] = ()
    direction: str = "sendrecv"
    mid: str | None = None
    label: str | None = None
    rtcp: RtcpAttribute | None = None
    rtcp_mux: bool = False
    ptime: int | None = None
    maxptime: int | None = None
    crypto: tuple[str, ...] = ()
    twin: Twin | None = None
    lent: bool = False

    def __init__(self, type: str, port: int, port_count: int, protocol_text: str, protocol: Protocol | None,
                 formats: tuple[str, ...]) -> None:
        self.type = type
        self.port = port
        self.port_count = port_count
        self.protocol_text = protocol_text
        self.protocol = protocol
        self.formats = formats
        self.inherited = {}
        self.bandwidths = {}

    @property
    def rejected(self) -> bool:
        """True if the port is 0."""
        return self.port == 0

    @property
    def is_rtp(self) -> bool:
        """True for a known profile that carries RTP."""
        return self.protocol is not None and self.protocol.rtp

    @property
    def generic(self) -> list[str]:
        """Texts of the attributes that are handed on as they are: feedback for all formats, the rest in order."""
        texts = [attribute.text for attribute in self.attributes if is_generic(attribute.name, attribute.text)]
        texts.sort(key=_not_feedback)
        return texts

    @property
    def received_direction(self) -> str | None:
        """The direction attribute of the section, else of the session, None if neither has one."""
        names = {attribute.name for attribute in self.attributes}
        own = next((direction for direction in DIRECTIONS if direction in names), None)
        return own or next((direction for direction in DIRECTIONS if direction in self.inherited), None)

    @property
    def effective_direction(self) -> str:
        """The first of DIRECTIONS that the section or its session has; ``sendrecv`` without any.

        So a session that only sends prevails over a section that does both.
        """
        names = {attribute.name for attribute in self.attributes}
        return next((direction for direction in DIRECTIONS if direction in names or direction in self.inherited),
                    "sendrecv")

    def value(self, name: str) -> str | None:
        """Value of the first attribute ``name``, of the session if it may be given there; None if absent."""
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute.value
        inherited = self.inherited.get(name)
        return inherited[0] if inherited else None

    def values(self, name: str) -> list[str]:
        """Values of all attributes ``name`` of the section, else of the session if they may be given there."""
        found = [attribute.value for attribute in self.attributes if attribute.name == name]
        return found or self.inherited.get(name, [])

    @property
    def extmap_allow_mixed(self) -> bool:
        """RFC 8285 section 6: one-byte and two-byte header extensions may be mixed."""
        return self.value("extmap-allow-mixed") is not None

    @property
    def has_ice(self) -> bool:
        """True if the section or its session carries ICE credentials (RFC 8839 section 5.4)."""
        return bool(self.value("ice-ufrag")) and bool(self.value("ice-pwd"))

    @property
    def trickles(self) -> bool:
        """True if ICE candidates may follow later: ``ice-options:trickle``, or no options and 0.0.0.0:9."""
        if not self.has_ice:
            return False
        options = self.value("ice-options")
        if options is not None:
            return "trickle" in options.split()
        address = self.connection or self.session_connection
        return address is not None and address.is_zero and self.port == TRICKLE_PORT

    def held_by(self, address: Address) -> bool:
        """True if ``address`` puts the medium on hold: zero, and no sign of candidates that follow later."""
        return address.is_zero and not self.trickles

    def address(self, received_from: Address | None = None, explicit: Address | None = None) -> Address:
        """The remote address: ``received_from`` if given, else ``explicit`` (a=rtcp), section c=, session c=.

        IncompleteSdp if there is none; a rejected section needs none and then has a zero address.
        """
        if received_from is not None:
            return received_from
        if explicit is not None and not explicit.is_zero:
            return explicit
        address = self.connection or self.session_connection
        if address is None and self.rejected:
            return zero_address(4)
        if address is None:
            raise IncompleteSdp(f"no c= line for the {self.type[:32]} section")
        return address

    def endpoints(self, received_from: Address | None = None) -> MediaEndpoints:
        """Where RTP and RTCP go (RFC 3605, RFC 5761). IncompleteSdp if no address is known."""
        rtp = Endpoint(self.address(received_from), self.port)
        if self.rtcp is None or self.port_count != 1:
            return MediaEndpoints(rtp, Endpoint(rtp.address, rtp.port + 1 if 0 < rtp.port < 65535 else 0),
                                  self.rtcp_mux)
        rtcp = Endpoint(self.address(received_from, self.rtcp.address), self.rtcp.port)
        dummy = rtp.address.is_zero and rtp.port == TRICKLE_PORT
        return MediaEndpoints(rtp, rtcp, self.rtcp_mux or (rtcp == rtp and not dummy))


class SessionDescription:
    """A received body. ``name``, ``timing`` and ``origin`` are None if their line was missing.

    A body may hold several sessions (each begun by v=): the session lines are those of the first, ``medias`` are
    those of all, ``session_attributes`` has the attributes of each.
    """

    origin: Origin | None = None
    name: str | None = None
    info: str = ""
    uri: str = ""
    emails: list[str]
    phones: list[str]
    connection: Address | None = None
    bandwidths: dict[str, int]
    timing: str | None = None
    session_attributes: tuple[tuple[Attribute, ...], ...] = ()
    medias: list[MediaDescription]

    def __init__(self) -> None:
        self.emails = []
        self.phones = []
        self.bandwidths = {}
        self.medias = []

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """Session-level attributes in order."""
        return self.session_attributes[0] if self.session_attributes else ()

    @property
    def generic(self) -> list[str]:
        """Texts of the session attributes that are handed on as they are, in order."""
        return [attribute.text for attribute in self.attributes if is_generic(attribute.name, attribute.text)]

    @property
    def groups(self) -> list[Group]:
        """The a=group lines (RFC 5888) in order."""
        words = [attribute.value.split() for attribute in self.attributes if attribute.name == "group"]
        return [Group(line[0], tuple(line[1:])) for line in words if line]

    def in_every_session(self, text: str) -> bool:
        """True if there is a session and each carries the line ``a=`` + ``text`` (ng flag ``loop-protect``)."""
        return bool(self.session_attributes) and all(
            any(attribute.text == text for attribute in attributes) for attributes in self.session_attributes)

    def endpoints(self, received_from: Address | None = None) -> list[MediaEndpoints]:
        """The endpoints of each medium.

        ``received_from`` (ng ``SIP-source-address``) is used instead of the addresses in the body up to the first
        section that has ICE. IncompleteSdp if an address is missing.
        """
        found = []
        for media in self.medias:
            if received_from is not None and media.has_ice:
                received_from = None
            found.append(media.endpoints(received_from))
        return found
