# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS with the party of a medium: who begins, what is told, and the keys that come of it."""
from __future__ import annotations

from math import inf

from controlplane.dtls.association import Association, Phase, Role
from controlplane.dtls.fingerprint import HASHES, Fingerprint, parse_fingerprint
from controlplane.dtls.identity import Identity
from controlplane.dtls.keys import SessionKeys
from controlplane.events import Datagram, PacketHanded, SrtpKeys
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription
from controlplane.session.media import Media
from controlplane.session.sockets import RandomSource

_TLS_ID_BITS = 128
_DEFAULT_HASH = "sha-256"
_OURS = {"active": Role.PASSIVE, "passive": Role.ACTIVE}
"""Our role by the setup of a party that has decided."""


class Dtls:
    """The associations of a medium by component, under one certificate of ours.

    ``tls_id`` is ours, ``seen_tls_id`` and ``seen_ufrag`` (of ICE) are what the party has shown, ``fingerprints`` its
    certificate. ``hash`` makes the fingerprint that it is shown. ``former`` are keys from before a restart, which last
    until the new handshake has succeeded. ``wake_at`` and ``logged`` see paths.py.
    """

    identity: Identity
    tls_id: str
    hash: str
    role: Role | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    seen_tls_id: str | None = None
    seen_ufrag: str | None = None
    associations: dict[int, Association]
    adopted: dict[int, SessionKeys]
    wake_at: float = inf
    logged: set[str]

    def __init__(self, identity: Identity, tls_id: str) -> None:
        self.identity = identity
        self.tls_id = tls_id
        self.hash = _DEFAULT_HASH
        self.associations, self.adopted, self.logged = {}, {}, set()

    @property
    def suite(self) -> str | None:
        """Name of the suite; None until the first handshake is over."""
        keys = self.adopted.get(1)
        return keys.suite.name if keys is not None else None

    def received_under(self, component: int) -> SrtpKeys | None:
        """The keys under which the party sends RTP and RTCP; None if they are not known yet."""
        keys = self.adopted.get(component)
        return keys.received if keys is not None else None

    def sent_under(self, component: int) -> SrtpKeys | None:
        """The keys under which the party gets RTP and RTCP."""
        keys = self.adopted.get(component)
        return keys.sent if keys is not None else None

    def is_verified(self, component: int) -> bool:
        """True once the certificate of the party was the one that was announced."""
        association = self.associations.get(component)
        return association is not None and association.keys is not None

    @property
    def state(self) -> str:
        """How far the handshakes are."""
        return "; ".join(dict.fromkeys([each.phase.value for each in self.associations.values()])) or \
            Phase.WAITING.value

    @property
    def reason(self) -> str:
        """What went wrong last; empty if nothing did, or if it was put right."""
        return "; ".join(dict.fromkeys([each.reason for each in self.associations.values() if each.reason]))

    @property
    def why(self) -> str:
        """The same, and what is missing as long as nothing did."""
        return "; ".join(dict.fromkeys([why for each in self.associations.values() if (why := each.why)]))

    # --- what the party says ---

    def hear(self, section: MediaDescription, fingerprints: tuple[Fingerprint, ...], request: Request,
             random: RandomSource) -> None:
        """The party's SDP; another certificate, or another connection by name, means to begin anew.

        So does a restart of ICE where connections have no names (RFC 8842 section 4). But browsers do not mean it:
        they keep what they have.
        """
        tls_id, ufrag = section.value("tls-id"), section.value("ice-ufrag")
        if self.fingerprints and (self.fingerprints != fingerprints or self.seen_tls_id not in (None, tls_id)):
            self.associations.clear()
            self._restart(random)
        elif (tls_id is None and self.seen_ufrag is not None and ufrag != self.seen_ufrag
              and "no-tls-id" not in request.flags):
            for association in self.associations.values():
                association.renew()
            self._restart(random)
        self.fingerprints, self.seen_tls_id, self.seen_ufrag = fingerprints, tls_id, ufrag

    def _restart(self, random: RandomSource) -> None:
        self.tls_id = _tls_id(random)
        self.role = None

    def take_role(self, role: Role) -> bool:
        """Ours from now on; True if it was the other one. That means another handshake (RFC 8842 section 3.1).

        Not all parties know that: who begins none keeps what it has.
        """
        changed = self.role is not None and self.role is not role
        if changed:
            for association in self.associations.values():
                association.renew()
        self.role = role
        return changed

    # --- packets and time: what paths.py attends to ---

    @property
    def next_at(self) -> float:
        """When ``on_time`` is due."""
        return min([each.next_at for each in self.associations.values()], default=inf)

    def on_time(self, now: float) -> None:
        """Let the handshakes go on."""
        for association in self.associations.values():
            association.on_time(now)

    def receive(self, packet: PacketHanded, component: int) -> None:
        """A packet of DTLS that came to the socket of a component."""
        association = self.associations.get(component)
        if association is not None:
            association.receive(packet.data, packet.source, packet.at)

    def take_datagrams(self) -> list[Datagram]:
        """What is to be sent now."""
        return [packet for each in self.associations.values() for packet in each.take_datagrams()]

    def have(self, components: int) -> None:
        """An association for each socket that is in use."""
        for component in range(1, components + 1):
            if component not in self.associations:
                self.associations[component] = Association(self.identity)
        for gone in [component for component in self.associations if component > components]:
            del self.associations[gone]


def _tls_id(random: RandomSource) -> str:
    return f"{random.getrandbits(_TLS_ID_BITS):032x}"


def new_dtls(identity: Identity, random: RandomSource) -> Dtls:
    """Nothing is known of the party yet."""
    return Dtls(identity, _tls_id(random))


def usable(section: MediaDescription) -> tuple[Fingerprint, ...]:
    """The fingerprints in a section that allows DTLS; none without a role for the party."""
    return fingerprints(section) if section.value("setup") in ("active", "passive", "actpass") else ()


def fingerprints(section: MediaDescription) -> tuple[Fingerprint, ...]:
    """Those in a section that make sense."""
    parsed = [parse_fingerprint(text) for text in section.values("fingerprint")]
    return tuple([one for one in parsed if one is not None])


def read_offered(media: Media, section: MediaDescription, request: Request, identity: Identity,
                 random: RandomSource, *, passive: bool) -> None:
    """The party offers DTLS, or does not. ``passive``: it is to begin if it leaves that to us."""
    shown = usable(section) if media.encrypted else ()
    media.sdes_first = "prefer" in request.sdes.words
    if not shown:
        media.dtls = None
        return
    dtls = media.dtls
    if dtls is None:
        dtls = media.dtls = new_dtls(identity, random)
        dtls.hash = shown[0].hash
    former = dtls.role
    dtls.hear(section, shown, request, random)
    setup = section.value("setup") or ""
    if dtls.take_role(_OURS.get(setup) or (
            Role.PASSIVE if passive or former is Role.PASSIVE or "passive" in request.dtls else Role.ACTIVE)):
        dtls.tls_id = _tls_id(random)


def make_offered(media: Media, request: Request, identity: Identity, random: RandomSource) -> None:
    """Offer the party DTLS, unless that is unwanted or it was offered nothing but SDES, or has used that, before.

    The fingerprint that it has seen stays as it is, whatever is wished now.
    """
    declined = media.agreed and media.keys is None
    by_sdes = not declined and media.sdes is not None and (bool(media.sdes.sent) or media.sdes.outgoing is not None)
    if not media.encrypted or (media.dtls is None and ("off" in request.dtls or by_sdes)):
        media.dtls = None
        return
    if media.dtls is None:
        media.dtls = new_dtls(identity, random)
        media.dtls.hash = _hash_of(request) or media.dtls.hash


def read_answered(media: Media, section: MediaDescription, request: Request, random: RandomSource) -> bool:
    """The party has answered; True if with DTLS, which was offered to it."""
    shown = usable(section) if media.encrypted else ()
    if media.dtls is None or not shown:
        return False
    if media.sdes is not None and media.sdes.incoming is not None and _prefers_sdes(request):
        return False
    media.dtls.hear(section, shown, request, random)
    media.dtls.take_role(_OURS.get(section.value("setup") or "") or media.dtls.role or Role.ACTIVE)
    return True


def chooses(media: Media, request: Request) -> bool:
    """True if the offer of the party is answered with DTLS. That none was to be offered on does not count here."""
    if media.dtls is None or not media.encrypted or media.dtls.role is None:
        return False
    has_sdes = media.sdes is not None and bool(media.sdes.received)
    return not (has_sdes and (media.sdes_first or _prefers_sdes(request)))


def _prefers_sdes(request: Request) -> bool:
    return "off" in request.dtls or "prefer" in request.sdes.words


def _hash_of(request: Request) -> str | None:
    wanted = (request.dtls_fingerprint or "").lower()
    return wanted if wanted in HASHES else None


def dtls_lines(media: Media, request: Request, is_offer: bool) -> list[str]:
    """The attributes of DTLS as the party of ``media`` is shown them now (RFC 4145, 8122, 8842)."""
    dtls = media.carrier.dtls
    if dtls is None or not (media.encrypted if is_offer else media.carrier.keys is dtls):
        return []
    setup = "actpass" if is_offer else dtls.role.value if dtls.role is not None else "holdconn"
    lines = [f"setup:{setup}", f"fingerprint:{dtls.identity.shown(dtls.hash)}"]
    return lines if "no-tls-id" in request.flags else [*lines, f"tls-id:{dtls.tls_id}"]


def aim(media: Media, now: float) -> None:
    """Tell the associations of a medium what is known by now: role, certificate, and where the party is.

    In a bundle those of the head are for all.
    """
    dtls = media.dtls
    if dtls is None or media.mapping is None or media.carrier is not media:
        return
    muxed = media.mux or (media.mux_expected and not media.agreed)
    dtls.have(1 if muxed or len(media.mapping.sockets) == 1 else 2)
    for component, association in dtls.associations.items():
        stream = media.streams[component - 1]
        pair = media.ice.agent.selection.get(component) if media.ice is not None else None
        if pair is not None:
            association.set_path(pair.local.base, pair.remote.endpoint, now, checked=True)
        elif stream.local is not None:
            checked = media.ice is not None
            association.set_path(stream.local, None if checked else stream.destination, now, checked=checked)
        if dtls.fingerprints:
            association.set_fingerprints(dtls.fingerprints, now)
        if dtls.role is not None:
            association.set_role(dtls.role, now)


def begin_again(media: Media, now: float) -> None:
    """There is a new offer or answer: a party that did not listen before, as its phone rang, may do so now."""
    if media.dtls is not None:
        for association in media.dtls.associations.values():
            association.begin_again(now)


def component_of(media: Media, packet: PacketHanded) -> int | None:
    """Which of the associations a packet is for; None if the party cannot have sent it."""
    if media.ice is not None and not media.ice.agent.admits(packet.local, packet.source):
        return None
    number = next((mapping.sockets.index(packet.local) + 1 for mapping in (
        media.ice.mappings if media.ice is not None else media.mappings) if packet.local in mapping.sockets), None)
    return 1 if number is not None and media.mux else number


def adopt(media: Media) -> bool:
    """Take over what the handshakes have come to; True if there are new keys or a new endpoint.

    Media go to where a handshake has found the party, unless ICE, or nobody, is to say where that is; they come from
    there as well (RFC 5764 section 5.1), so nothing is learned from them.
    """
    assert media.dtls is not None
    changed = False
    for component, association in media.dtls.associations.items():
        keys = association.keys
        if keys is None or keys is media.dtls.adopted.get(component) or component > len(media.streams):
            continue
        media.dtls.adopted[component] = keys
        changed = True
        stream, handling = media.streams[component - 1], media.handling
        if media.ice is None and handling.learning != "off" and not handling.asymmetric:
            stream.endpoint = stream.learned = association.peer
            stream.confirmed = True
    return changed
