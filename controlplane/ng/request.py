# SPDX-License-Identifier: GPL-3.0-or-later
"""One ng request with every key it may carry as a typed value, whatever its spelling or encoding was."""
from __future__ import annotations

from controlplane.addresses import Address, Endpoint
from controlplane.ng.medias import MeshEntry, RequestedMedia
from controlplane.sdp.manipulate import Manipulations
from controlplane.srtp.sdes import NO_WISHES, SdesWishes


class Request:
    """What a client asks for. ``None`` always means "not given"; an empty string was given empty.

    Text is UTF-8 with surrogate escapes, so every byte of the client survives. ``flags``, ``replace``,
    ``rtcp_mux``, ``osrtp``, ``dtls`` and ``supports`` hold canonical names: lower case with hyphens, see flags.py
    and keys.py. Flags that are known but not implemented are members of ``flags`` too, and are named in
    ``unsupported`` besides.
    """

    command: str
    created_from: str
    """Client as ``address:port``."""
    received_at: float
    """Unix time in seconds."""

    call_id: str | None = None
    from_tag: str | None = None
    to_tag: str | None = None
    via_branch: str | None = None
    alias_key: str | None = None
    """What two offers under different from-tags have in common if they are one party's: sdp, address or off."""
    label: str | None = None
    """Name of the sender of an offer or answer; for other commands it selects a party."""
    set_label: str | None = None
    to_label: str | None = None
    address: Address | None = None
    """Selects the party that advertised it."""
    from_tags: list[str]
    all: str | None = None
    """none, all, offer-answer, except-offer-answer or flows."""
    to_call_id: str | None = None
    calls: tuple[str, ...] = ()
    mesh: list[MeshEntry]
    medias: list[RequestedMedia]
    instance: str | None = None
    sdp: bytes | None = None

    flags: set[str]
    replace: set[str]
    """Of origin, origin-full, session-name, sdp-version, username, force-increment-sdp-ver, zero-address."""
    rtcp_mux: set[str]
    """Of offer, require, demux, accept, reject; ``require`` brings ``offer`` along."""
    supports: set[str]
    """Of load-limit and load."""
    bundle: set[str]
    """Of accept, offer, require, strict, reject."""
    codecs: dict[str, list[str]]
    """Codecs by what is to become of them: the members of the key ``codec``."""
    extmap_strip: set[str]
    """URIs of header extensions, or ``all``."""
    extmap_mask: set[str]
    passthrough: bool | None = None
    generate_rtcp: bool | None = None
    media_echo: str | None = None
    """blackhole, forward, backwards or both."""
    dtmf_security: str | None = None
    """drop or off, or a mode that needs a codec."""
    dtmf_log_dest: Endpoint | None = None
    """Who gets the DTMF events of the call, over UDP."""
    sdes: SdesWishes
    osrtp: set[str]
    """Of accept, accept-rfc, accept-legacy, offer, offer-legacy."""
    dtls: set[str]
    dtls_fingerprint: str | None = None
    """Of off, passive, active."""
    ice: str | None = None
    """remove, force, default, optional or force-relay: the last one given."""
    ice_lite: str | None = None
    """off, forward, backward or both."""

    from_interface: str | None = None
    """Interface name of the sender's side, also ``direction[0]``."""
    to_interface: str | None = None
    """Interface name of the receiver's side, also ``direction[1]``."""
    interface: str | None = None
    inbound_peer: Address | None = None
    """Stands for the interface that routes to it, on the sender's side."""
    outbound_peer: Address | None = None
    peer: Address | None = None
    address_family: int | None = None
    """4 or 6."""
    media_address: Address | None = None
    received_from: Address | None = None
    transport_protocol: str | None = None
    """Profile name as SDP writes it, or ``accept``."""
    endpoint_learning: str | None = None
    """off, immediate, delayed or heuristic."""
    tos: int | None = None
    """0 to 255, or -1 to keep the call's value; None for the configured default."""

    sdp_attr: Manipulations
    sdp_media_remove: set[str]
    """Media types that the receiver is not offered; ``other`` for those without a name of their own."""

    delete_delay: int | None = None
    """Seconds, 0 for at once; None for the configured delay."""
    limit: int | None = None
    """Most entries that ``list`` may return; may be negative, which is the client's error."""
    drop_traffic: str | None = None
    """start or stop."""
    sip_code: int = 0
    sip_message_type: str | None = None
    """request or response."""
    metadata: str | None = None
    flag_string: bool = False
    """Whether it came with the key ``rtpp_flags``."""
    body: str | None = None
    """The operator command of ``cli``."""

    unsupported: list[str]
    """Keys, flags and members of the protocol that this daemon does not implement; for a log line."""
    unknown: list[str]
    """Keys, flags, members and values that mean nothing; for a log line."""
    ignored: list[str]
    """Values of a wrong type, out of range or of something that is not there, each with its key and what is wrong."""

    def __init__(self, command: str, created_from: str = "", received_at: float = 0.0) -> None:
        self.command = command
        self.created_from = created_from
        self.received_at = received_at
        self.from_tags = []
        self.mesh = []
        self.medias = []
        self.flags = set()
        self.replace = set()
        self.rtcp_mux = set()
        self.supports = set()
        self.bundle = set()
        self.codecs = {}
        self.extmap_strip = set()
        self.extmap_mask = set()
        self.sdes = NO_WISHES
        self.osrtp = set()
        self.dtls = set()
        self.sdp_attr = {}
        self.sdp_media_remove = set()
        self.unsupported = []
        self.unknown = []
        self.ignored = []

    def note_unsupported(self, what: str) -> None:
        """Note something asked for that is left undone, once."""
        if what not in self.unsupported:
            self.unsupported.append(what)

    def note_ignored(self, what: str) -> None:
        """Note a value that counts for nothing, once."""
        if what not in self.ignored:
            self.ignored.append(what)

    @property
    def is_fragment(self) -> bool:
        """True if the body is a piece of ICE to be trickled (RFC 8840), not a description."""
        return self.command != "answer" and "fragment" in self.flags

    @property
    def direction(self) -> tuple[str | None, str | None]:
        """Interface names of the sender's and the receiver's side."""
        return self.from_interface, self.to_interface
