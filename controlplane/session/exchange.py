# SPDX-License-Identifier: GPL-3.0-or-later
"""One offer or answer on its way through: what the sender's SDP means for the media of both parties."""
from __future__ import annotations

from functools import lru_cache

from controlplane.addresses import Address, Endpoint
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription, MediaEndpoints, SessionDescription
from controlplane.sdp.rewrite import hold
from controlplane.session.blocking import block_dtmf
from controlplane.session.bundle import accept_groups, leave_bundle, offer_bundle, settle_bundles, succeed
from controlplane.session.call import Call
from controlplane.session.codecs import CONVERTING, choose_answered, choose_offered, reordered, sent_by_both
from controlplane.session.extensions import answer_extensions, offer_extensions
from controlplane.session.ice import answer_ice, kept, offer_ice, propose, spread
from controlplane.session.keys import answer_keys, key_making, offer_keys
from controlplane.session.latching import latch, made_for, reserve, shrink
from controlplane.session.match import Dialogue
from controlplane.session.media import MAX_GROUPS, NEVER_RELAYED, Handling, Media, unlink
from controlplane.session.mux import answer_mux, offer_mux
from controlplane.session.party import Party
from controlplane.session.profiles import agree_profiles
from controlplane.session.sections import Pair, own_medias, partners
from controlplane.session.settings import SessionSettings
from controlplane.session.sockets import Place, RandomSource, SocketPool, asked_for

NAMED_TYPES = frozenset(("audio", "video", "image", "message", "text", "application"))
OTHER = "other"
_NO_ICE = (None, "remove", "default")
"""What ng ``ICE`` may say without asking for any."""


class Exchange:
    """The message, the call it belongs to, and what is needed to carry it out; ``now`` is Unix time in seconds."""

    def __init__(self, call: Call, request: Request, description: SessionDescription, endpoints: list[MediaEndpoints],
                 dialogue: Dialogue, is_offer: bool, settings: SessionSettings, sockets: SocketPool,
                 random: RandomSource, now: float) -> None:
        self.call = call
        self.request = request
        self.description = description
        self.endpoints = endpoints
        self.dialogue = dialogue
        self.is_offer = is_offer
        self.settings = settings
        self.sockets = sockets
        self.random = random
        self.now = now
        self.together = False  # some of the receiver's sections have RTP and RTCP on one port

    def negotiate(self) -> None:
        """Bring the media of both parties to what the message says. OutOfPorts."""
        sender, receiver = self.dialogue
        sections = self.description.medias
        medias = own_medias(sections, sender)
        withheld = [media for section, media in zip(sections, medias) if self._withholds(section)]
        others = iter(partners(sections, medias, withheld, self.dialogue))
        handling = self._handling()
        sender.session = self.description
        sender.renewed = self.now
        if self.request.label is not None:
            sender.label = self.request.label
        if "block-dtmf" in self.request.flags:
            block_dtmf(sender, self.request)
        pairs = [Pair(section, media, next(others)) for section, media in zip(sections, medias)
                 if media not in withheld]
        self._bundle(pairs)
        self.together = self.is_offer and len(pairs) > 1 and any([
            pair.receiver.mux_expected and not pair.section.rejected for pair in pairs])
        pending = iter(pairs)
        for section, media, places in zip(sections, medias, self.endpoints):
            if media in withheld:
                self._withhold(section, media)
            else:
                self._section(next(pending), places, handling)
        settle_bundles(sender, receiver)
        for party in (sender, receiver):
            _unconfirm(party)
        self.call.signalled(self.now)

    def _bundle(self, pairs: list[Pair]) -> None:
        """Whose media share sockets from now on: the sender says so itself, the receiver is asked to in offers."""
        sender, receiver = self.dialogue
        words = self.request.bundle
        if words or self.description.groups or any([media.bundle for media in sender.medias]):
            accept_groups(sender, self.description, pairs, words)
        if self.is_offer and (words or any([media.bundle for media in receiver.medias])):
            offer_bundle(receiver, pairs, words)
        elif not self.is_offer:
            rejected = [pair.receiver for pair in pairs if pair.section.rejected and pair.receiver.bundle is not None]
            for media in rejected:
                leave_bundle(receiver, media)
        succeed(sender)
        succeed(receiver)
        if len(pairs) > MAX_GROUPS and any([media.bundle is not None and len(media.bundle.medias) > MAX_GROUPS
                                            for party in self.dialogue for media in party.medias]):
            self.request.note_unsupported(f"more than {MAX_GROUPS} media in a bundle")

    def _withholds(self, section: MediaDescription) -> bool:
        """True if the receiver is not to be offered the section (ng ``sdp-media-remove``)."""
        unwanted = self.request.sdp_media_remove
        return bool(unwanted) and self.is_offer and (section.type if section.type in NAMED_TYPES else OTHER) in unwanted

    def _withhold(self, section: MediaDescription, media: Media) -> None:
        """The sender will be told that its section is rejected; a receiver that had one sees it rejected too."""
        media.type = section.type
        media.set_protocol(section.protocol_text)
        media.mid = section.mid or media.mid
        media.description = section
        media.set_streams(section.port_count, self.now)
        media.reject()
        for peer in [each for each in self.dialogue.receiver.medias if each in media.peers]:
            peer.reject()
            unlink(media, peer)

    def _handling(self) -> Handling:
        return handling_of(self.request, self.settings)

    def _section(self, pair: Pair, places: MediaEndpoints, handling: Handling) -> None:
        section, sender, receiver = pair
        self.call.number(sender)
        self.call.number(receiver)
        agree_profiles(pair, self.request, self.is_offer)
        self._identify(pair)
        self._agree_codecs(pair)
        self._agree_treatment(pair)
        sender.description = section
        sender.twin = section.twin
        sender.handling = handling
        receiver.offered = receiver.offered or self.is_offer
        pairs = section.port_count
        sender.set_streams(pairs, self.now)
        receiver.set_streams(pairs, self.now)
        if self.is_offer and "reset" in self.request.flags:
            for stream in (*sender.streams, *receiver.streams):
                stream.restart()
        if section.rejected or sender.type == NEVER_RELAYED or self._was_rejected(receiver):
            if section.connection is not None or section.session_connection is not None:
                self._receivers_family(receiver, places.rtp.family)
                self._senders_family(sender, places.rtp.family)
            self._remember_interfaces(pair)
            if self.is_offer and self._concerns_ice(pair):  # for when the section comes back
                propose(receiver, receiver.ice is not None, self.request, self.random, self.now)
            self._refuse(pair)
            return
        if self.is_offer:
            for media in (sender, receiver):
                if media.withdrawn:
                    media.reject()  # what came before the refusal of an answer is over
        sender.mixes_extensions = not section.extmaps or section.extmap_allow_mixed
        if sender.encrypted or receiver.encrypted or sender.keys is not None or receiver.keys is not None:
            (offer_keys if self.is_offer else answer_keys)(pair, self.request, key_making(
                self.settings, self.random, self.now))
        elif not self.is_offer:
            sender.agreed = receiver.agreed = True
        self._receivers_family(receiver, places.rtp.family)
        had_ice = sender.ice is not None
        if self._concerns_ice(pair):
            self._agree_ice(pair)
        if not had_ice or not section.has_ice:
            self._senders_family(sender, places.rtp.family)
        direction = self._set_direction(pair, places)
        if self.is_offer:
            offer_mux(receiver, places.mux, self.request.rtcp_mux, together=self.together)
            receiver.mux_expected = receiver.mux_offered
            sender.mux_expected = places.mux and receiver.mux_answer is not False
        else:
            answer_mux(sender, receiver, places.mux)
        self._give_ports(pair, places, direction)
        for index, stream in enumerate(sender.streams):
            stream.fill(places.of_stream(index, pairs), self.now)

    def _refuse(self, pair: Pair) -> None:
        for media in (pair.sender, pair.receiver):
            if self.is_offer:
                media.reject()
            else:
                media.withdraw()

    def _was_rejected(self, receiver: Media) -> bool:
        """True if this is an answer to a section that was offered with port 0."""
        offered = receiver.description
        return not self.is_offer and offered is not None and offered.rejected

    def _identify(self, pair: Pair) -> None:
        """Mid and label (RFC 5888, RFC 4574): the sender's, unless the receiver has names of its own."""
        section, sender, receiver = pair
        if self.is_offer:
            sender.mid = section.mid or sender.mid
            receiver.mid = receiver.mid or sender.mid
            if receiver.mid is None and "generate-mid" in self.request.flags:
                receiver.mid = str(receiver.index)
        sender.label = section.label or sender.label

    def _agree_codecs(self, pair: Pair) -> None:
        """Which codecs and header extensions the receiver is shown, and what both may send then."""
        section, sender, receiver = pair
        words = self.request
        if not self.is_offer:
            accepted = choose_answered(
                section.payload_types, sender.told, words.codecs, any_number="allow-asymmetric-codecs" in words.flags,
                single="single-codec" in words.flags)
            if "no-codec-renegotiation" in words.flags:
                accepted = reordered(receiver.sends, accepted)
            receiver.told = receiver.sends = accepted
            sender.sends = sent_by_both(sender.told, receiver.told)
            answer_extensions(section, sender, receiver, words.extmap_strip)
            return
        sender.sends = section.payload_types
        offer_extensions(section, sender, receiver, words.extmap_strip, words.extmap_mask)
        if "static-codecs" in words.flags and receiver.description is not None and receiver.sends:
            receiver.told = receiver.sends
            return
        chosen = choose_offered(section.payload_types, words.codecs, allow_none="allow-no-codec-media" in words.flags)
        codecs = chosen.codecs
        if "no-codec-renegotiation" in words.flags:
            codecs = reordered(receiver.sends, codecs)
        receiver.told = receiver.sends = codecs
        for spec in chosen.missing:
            words.note_unsupported(f"codec-transcode={spec}")
        for rule in CONVERTING:
            if words.codecs.get(rule):
                words.note_unsupported(f"codec-{rule}")

    def _agree_treatment(self, pair: Pair) -> None:
        """Whether the SDP is handed on as it is, whose RTCP is sent, and whether packets come back or go nowhere."""
        section, sender, receiver = pair
        words = self.request
        wanted = words.passthrough
        if words.ice == "force-relay" or (words.ice == "optional" and section.has_ice):
            wanted = True
        if wanted is not None:
            sender.passthrough = receiver.passthrough = wanted
        if words.generate_rtcp is not None:
            sender.generate_rtcp = receiver.generate_rtcp = words.generate_rtcp
            if words.generate_rtcp:
                self.call.report_at = min(self.call.report_at, self.now + self.settings.rtcp_interval / 1000)
        if words.media_echo is not None:
            sender.echo = words.media_echo in ("backwards", "both")
            receiver.echo = words.media_echo in ("forward", "both")
            sender.blackhole, receiver.blackhole = not sender.echo, not receiver.echo

    def _set_direction(self, pair: Pair, places: MediaEndpoints) -> str:
        """Who may send RTP; the last message decides for both sides. Returns the direction in today's words."""
        section, sender, receiver = pair
        direction = hold(section.direction, section.held_by(places.rtp.address)).direction
        sender.recv = receiver.send = direction in ("sendrecv", "sendonly")
        sender.send = receiver.recv = direction in ("sendrecv", "recvonly")
        return direction

    def _give_ports(self, pair: Pair, places: MediaEndpoints, direction: str) -> None:
        """The receiver's sockets, which it is told now; the sender's are reserved for the answer."""
        section, sender, receiver = pair
        if receiver.carrier is receiver:
            self._receivers_ports(pair, places.rtp, direction)
        if sender.carrier is sender:
            self._senders_ports(pair)

    def _receivers_family(self, receiver: Media, senders: int) -> None:
        """What ICE was used with so far stays, even if it is taken away now: it has both families anyway."""
        if receiver.ice is None:
            receiver.family = self.request.address_family or receiver.family or senders

    def _senders_family(self, sender: Media, family: int) -> None:
        """That of its SDP, unless it does ICE."""
        if sender.ice is None or sender.family is None:
            sender.family = family

    def _receivers_ports(self, pair: Pair, remote: Endpoint, direction: str) -> None:
        section, receiver, flags = pair.section, pair.receiver, self.request.flags
        keep = "port-latching" in flags or direction in ("sendonly", "inactive")
        place = self._place(receiver, self.dialogue.receiver, self._interface(
            self.request.to_interface, self.request.outbound_peer))
        count = 1 if _one_port(receiver, self.is_offer) else 2 * section.port_count
        held = kept(receiver, place.interface, count) if receiver.ice is not None else None
        if held is not None and "no-port-latching" not in flags:
            receiver.mapping = held
            shrink(self.call, receiver, count)
            made_for(receiver, remote)
        else:
            latch(self.call, receiver, self.sockets, place, count, remote,
                  keep=keep and "no-port-latching" not in flags)
        self._spread(receiver, count)
        for stream in receiver.streams:
            stream.public = stream.local is not None

    def _senders_ports(self, pair: Pair) -> None:
        sender = pair.sender
        own = self._place(sender, self.dialogue.sender, self._interface(
            self.request.from_interface, self.request.inbound_peer))
        if self.is_offer or sender.mapping is None:
            reserve(self.call, sender, self.sockets, own, 2 * pair.section.port_count)
        elif _one_port(sender, False):
            shrink(self.call, sender, 1)
        self._spread(sender, 2 * pair.section.port_count)

    def _concerns_ice(self, pair: Pair) -> bool:
        """False for plain calls, which shall not pay for ICE."""
        return (pair.sender.ice is not None or pair.receiver.ice is not None or self.request.ice_lite is not None
                or self.request.ice not in _NO_ICE or pair.section.has_ice)

    def _agree_ice(self, pair: Pair) -> None:
        if self.is_offer:
            offer_ice(pair, self.request, self.random, self.now)
        else:
            answer_ice(pair, self.request)

    def _spread(self, media: Media, count: int) -> None:
        if media.ice is not None:
            spread(self.call, media, self.sockets, count, self.settings.instance_id, self.now)

    def _remember_interfaces(self, pair: Pair) -> None:
        """The names in the message hold for both parties even if this section gets no ports."""
        words = self.request
        self._remember(pair.sender, self.dialogue.sender, words.from_interface, words.inbound_peer)
        self._remember(pair.receiver, self.dialogue.receiver, words.to_interface, words.outbound_peer)

    def _remember(self, media: Media, party: Party, name: str | None, peer: Address | None) -> None:
        """An interface that is asked for serves from the next SDP on."""
        if name is not None or peer is not None:
            self._place(media, party, self._interface(name, peer))

    def _interface(self, name: str | None, peer: Address | None) -> str | None:
        """The interface asked for by name, or as the one that leads to ``peer``."""
        return asked_for(self.request, name, peer, self.sockets)

    def _place(self, media: Media, party: Party, name: str | None) -> Place:
        place = self.sockets.select(name, media.family or 4, media.interface or party.interface)
        media.interface = party.interface = place.interface
        return place


def handling_of(request: Request, settings: SessionSettings) -> Handling:
    """How the packets of the sender are to be treated from now on."""
    return _handling(request.endpoint_learning or settings.endpoint_learning, _HANDLING & request.flags)


_HANDLING = frozenset(("asymmetric", "strict-source", "media-handover", "unidirectional", "nat-wait", "pierce-nat"))


@lru_cache(256)
def _handling(learning: str, flags: frozenset[str]) -> Handling:
    strict = "strict-source" in flags
    return Handling(learning, "asymmetric" in flags, strict, "media-handover" in flags and not strict,
                    "unidirectional" in flags, "nat-wait" in flags, "pierce-nat" in flags)


def _one_port(media: Media, is_offer: bool) -> bool:
    """True if RTCP needs no socket of its own."""
    return media.is_rtp and (media.mux_required if is_offer else media.mux)


def _unconfirm(party: Party) -> None:
    """Signalling starts learning anew, for the party and for whatever gets its packets."""
    for media in party.medias:
        for linked in (media, *media.peers):
            for stream in linked.streams:
                stream.unconfirm()
