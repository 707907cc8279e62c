# SPDX-License-Identifier: GPL-3.0-or-later
"""ICE with the party of a medium: what is agreed on, what is told, and how the streams follow the agent."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from controlplane import VERSION
from controlplane.addresses import Address, Endpoint, zero_address
from controlplane.events import Datagram, Mismatch, WantedTarget
from controlplane.ice.agent import Agent
from controlplane.ice.candidate import Candidate, priority_of, usable
from controlplane.ice.checklist import MAX_REMOTE
from controlplane.ice.credentials import Credentials
from controlplane.ice.pair import LocalCandidate
from controlplane.ice.pair import Pair as ValidPair
from controlplane.ice.phase import Phase
from controlplane.ng.request import Request
from controlplane.sdp.model import MediaDescription
from controlplane.sdp.outgoing import OutgoingMedia
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import software_id
from controlplane.session.call import Call
from controlplane.session.candidates import foundation
from controlplane.session.latching import companions
from controlplane.session.media import Media, PortMapping
from controlplane.session.party import Party
from controlplane.session.sections import Pair
from controlplane.session.sockets import RandomSource, SocketPool

_NOWHERE = {family: Endpoint(zero_address(family), 9) for family in (4, 6)}
"""No packet comes from there."""
_SOFTWARE = software_id(VERSION)
_FORWARD, _BACKWARD = ("forward", "both"), ("backward", "both")


class Ice:
    """The agent of a medium, and what it is going to know of the party.

    ``mappings`` are our sockets, one set for each local address, in the order in which they are printed; ``followed``
    the valid pairs that the engines have been told of. ``told``: the
    party knows our credentials, so that it can answer our checks. ``seen`` are those of the party, ``candidates`` its
    own; ``complete``: there are no more. ``declined``: it is not to be offered ICE again. ``wake_at`` see paths.py.
    """

    agent: Agent
    mappings: list[PortMapping]
    followed: tuple[ValidPair, ...] = ()
    told: bool = False
    seen: Credentials | None = None
    lite: bool = False
    trickles: bool = False
    complete: bool = True
    declined: bool = False
    candidates: list[Candidate]
    wake_at: float = inf

    def __init__(self, agent: Agent, mappings: list[PortMapping] | None = None) -> None:
        self.agent = agent
        self.mappings = mappings if mappings is not None else []
        self.candidates = []

    @property
    def next_at(self) -> float:
        """When ``on_time`` is due."""
        return self.agent.next_at

    def on_time(self, now: float) -> None:
        """Let the agent go on."""
        self.agent.on_time(now)

    def take_datagrams(self) -> list[Datagram]:
        """What is to be sent now."""
        return self.agent.take_datagrams()

    def hear(self, section: MediaDescription) -> None:
        """What the party's SDP says."""
        self.seen = _credentials(section)
        self.declined = False
        self.lite = section.value("ice-lite") is not None
        self.trickles = section.trickles
        self.complete = not self.trickles or section.value("end-of-candidates") is not None
        self.learn(section.values("candidate"))

    def learn(self, texts: Iterable[str]) -> None:
        """Candidates of the party, from its SDP or trickled."""
        known = set(self.candidates)
        for candidate in usable(texts):
            if candidate not in known and len(self.candidates) < MAX_REMOTE:
                self.candidates.append(candidate)

    def restart(self, now: float) -> None:
        """New credentials for us; the party has to tell its own again."""
        self.agent.restart(now)
        self.told, self.seen = False, None
        self.candidates.clear()


def offer_ice(pair: Pair, request: Request, random: RandomSource, now: float) -> None:
    """Who of the two does ICE with us after this offer (ng ``ICE``, ``ICE-lite``, flag ``ICE-reject``)."""
    section, sender, receiver = pair
    if request.ice_lite is not None:
        sender.ice_lite = request.ice_lite in _BACKWARD
    hear_offer(sender, section, request, random, now)
    anew = receiver.description is None or "reset" in request.flags
    asked = section.has_ice if anew else receiver.ice is not None and not receiver.ice.declined
    propose(receiver, asked, request, random, now)


def hear_offer(media: Media, section: MediaDescription, request: Request, random: RandomSource, now: float) -> None:
    """The party of ``media`` offers ICE, or does not."""
    if not section.has_ice or "ice-reject" in request.flags or media.passthrough:
        _end(media)
        return
    if media.ice is None or media.mapping is None:
        media.ice = _begun(media, False, random)
    elif media.ice.seen is not None and ("reset" in request.flags or media.ice.seen != _credentials(section)):
        _restart(media, False, now)
    media.ice.hear(section)


def propose(media: Media, asked: bool, request: Request, random: RandomSource, now: float) -> None:
    """Offer the party of ``media`` ICE if the request says so or, if it says nothing, if ``asked``."""
    if request.ice_lite is not None:
        media.ice_lite = request.ice_lite in _FORWARD
    if request.ice not in (None, "default"):
        asked = request.ice != "remove"
    if not asked or media.passthrough:
        _end(media)
    elif media.ice is None or media.mapping is None:
        media.ice = _begun(media, True, random)
    else:
        media.ice.declined = False
        if "reset" in request.flags:
            _restart(media, True, now)


def _end(media: Media) -> None:
    """From now on media go to where the SDP says."""
    if media.ice is not None:
        media.ice = None
        for stream in media.streams:
            stream.pathless = False
            stream.restart()


def _begun(media: Media, controlling: bool, random: RandomSource) -> Ice:
    """ICE with a party that did none, or whose section was rejected in between: that one knows us by name."""
    agent = Agent(random, controlling=controlling, lite=media.ice_lite, software=_SOFTWARE)
    if media.ice is None:
        return Ice(agent)
    agent.local = media.ice.agent.local
    return Ice(agent, media.ice.mappings)


def _restart(media: Media, controlling: bool, now: float) -> None:
    """Roles are settled anew as well."""
    assert media.ice is not None
    media.ice.restart(now)
    media.ice.agent.lite = media.ice_lite
    media.ice.agent.controlling = controlling and not media.ice_lite


def _credentials(section: MediaDescription) -> Credentials:
    return Credentials(section.value("ice-ufrag") or "", section.value("ice-pwd") or "")


def answer_ice(pair: Pair, request: Request) -> None:
    """The sender has answered; its answer may end ICE with the receiver as well."""
    section, sender, receiver = pair
    hear_answer(sender, section)
    if sender.ice is not None:
        sender.ice.declined = "ice-reject" in request.flags
    if request.ice == "remove" or receiver.passthrough:
        _end(receiver)


def hear_answer(media: Media, section: MediaDescription) -> None:
    """ICE goes on if it was offered and is accepted. A restart that was not asked for does not count."""
    if not section.has_ice or media.passthrough:
        _end(media)
    elif media.ice is not None and media.ice.seen in (None, _credentials(section)):
        media.ice.hear(section)


def candidates_of(mappings: Sequence[PortMapping], instance_id: str) -> list[LocalCandidate]:
    """Our sockets as host candidates: all addresses for RTP, then for RTCP (RFC 8445 section 5.1.2)."""
    family = mappings[0].place.address.family
    found = []
    for component in (1, 2):
        for index, mapping in enumerate(mappings):
            if component <= len(mapping.sockets):
                place, base = mapping.place, mapping.sockets[component - 1]
                found.append(LocalCandidate(base, Candidate(
                    foundation(instance_id, place.address, family), component, "UDP",
                    priority_of("host", index, component), Endpoint(place.advertised, base.port), "host")))
    return found


def spread(call: Call, media: Media, sockets: SocketPool, count: int, instance_id: str, now: float) -> None:
    """ICE wants sockets on all addresses of the interface, and its agent has them before they are printed.

    New ones mean a restart (RFC 8445 section 9).
    """
    ice = media.ice
    if ice is None or media.mapping is None:
        return
    if media.mapping not in ice.mappings:
        if ice.told:
            ice.restart(now)
        ice.mappings = companions(call, media, sockets, count)
    synchronize(media, instance_id, now)


def kept(media: Media, interface: str, count: int) -> PortMapping | None:
    """The sockets that ICE uses, which stay whatever the other side has changed; None if they will not do."""
    mappings = media.ice.mappings if media.ice is not None else []
    mapping = media.mapping or next(iter(mappings), None)
    if mapping is None or mapping not in mappings or len(mapping.sockets) < count:
        return None
    return mapping if mapping.place.interface == interface else None


def print_ice(section: OutgoingMedia, media: Media, request: Request, is_offer: bool) -> None:
    """Add what the party of ``media`` is told (RFC 8839 section 5): credentials, options, candidates."""
    ice = media.carrier.ice
    if ice is None:
        return
    ice.told = True
    local = ice.agent.local
    section.ice = [f"ice-ufrag:{local.ufrag}", f"ice-pwd:{local.password}"]
    options = [name for name, flag in (("trickle", "trickle-ice"), ("ice2", "ice2")) if flag in request.flags]
    if options:
        section.ice.append("ice-options:" + " ".join(options))
    section.candidates = _candidate_lines(ice, is_offer, request.media_address)
    section.end_of_candidates = "trickle-ice" in request.flags


def _candidate_lines(ice: Ice, is_offer: bool, shown: Address | None) -> list[str]:
    """Our candidates; once a pair is nominated only those in use and, if we decide, the party's of that pair.

    ``shown`` (ng ``media address``) stands for each of our addresses.
    """
    agent = ice.agent
    if agent.phase is not Phase.COMPLETED:
        return [_candidate_line(each.candidate, shown) for each in agent.checklist.locals]
    chosen = [agent.selection[number] for number in sorted(agent.selection)]
    lines = [_candidate_line(pair.local.candidate, shown) for pair in chosen]
    if is_offer and agent.controlling:
        lines.append("remote-candidates:" + " ".join(
            [f"{pair.component} {pair.remote.endpoint.address} {pair.remote.endpoint.port}" for pair in chosen]))
    return lines


def _candidate_line(candidate: Candidate, shown: Address | None) -> str:
    if shown is not None:
        candidate = candidate._replace(endpoint=Endpoint(shown, candidate.endpoint.port))
    return f"candidate:{candidate}"


def is_lite(party: Party) -> bool:
    """True if the first medium in use leaves the checks to the party, of which the session tells (RFC 8839).

    The party is told as soon as it is wanted; the agent changes its ways when ICE is restarted.
    """
    media = next((media for media in party.medias if media.mapping is not None), None)
    return media is not None and media.ice is not None and media.ice_lite


def synchronize(media: Media, instance_id: str, now: float) -> None:
    """Signalling is over: give the agent its sockets, and what the party said once that can answer."""
    ice = media.ice
    if ice is None or media.mapping is None or not ice.mappings:
        return
    agent = ice.agent
    bases = [base for mapping in ice.mappings for base in mapping.sockets]
    if set(bases) != {local.base for local in agent.checklist.locals}:
        agent.set_locals(candidates_of(ice.mappings, instance_id), now)
    components = _components(media, ice)
    if agent.components != components:
        agent.set_components(components, now)
    if ice.told and ice.seen is not None:
        agent.set_remote(ice.seen, now, lite=ice.lite, complete=ice.complete)
        agent.add_remotes(ice.candidates, now)
    follow(media, now)


def _components(media: Media, ice: Ice) -> int:
    """One if RTCP needs none of its own, or if the party has named candidates and none for it."""
    if media.mux or len(ice.mappings[0].sockets) == 1:
        return 1
    named = {candidate.component for candidate in ice.candidates}
    return 1 if ice.complete and named == {1} else 2


def follow(media: Media, now: float) -> bool:
    """Have the streams use the paths that the agent has chosen; True if that changes anything.

    Until there is one they send to where the SDP says, as without ICE; once there is none any more, nowhere.
    """
    ice = media.ice
    if ice is None:
        return False
    changed = ice.followed is not ice.agent.valid
    ice.followed = ice.agent.valid
    selection = ice.agent.selection
    if 1 in selection:
        changed = _use(media, ice, selection[1].local.base) or changed
    failed = ice.agent.phase is Phase.FAILED
    for component, stream in enumerate(media.streams[:2], 1):
        pair = selection.get(component)
        found = pair.remote.endpoint if pair is not None and stream.local == pair.local.base else None
        if stream.learned != found or stream.pathless != failed:
            stream.learned, stream.pathless = found, failed
            stream.endpoint = found or stream.advertised
            stream.created = max(stream.created, now)
            changed = True
        stream.confirmed = True  # nothing but the agent moves it
    return changed


def _use(media: Media, ice: Ice, base: Endpoint) -> bool:
    """Make the sockets with this one those in use."""
    mapping = next((each for each in ice.mappings if base in each.sockets), None)
    if mapping is None or mapping is media.mapping:
        return False
    media.use(mapping)
    media.family = mapping.place.address.family
    for stream in media.streams:
        stream.public = stream.local is not None
    return True


def gate(target: WantedTarget, ice: Ice) -> None:
    """Nothing but STUN and perhaps DTLS comes in, unless from where a check has succeeded (RFC 8445 section 12).

    The party may use any such path, and may use another than we do (section 12.2.1).
    """
    local = target.local
    selected = [pair.remote.endpoint for pair in ice.agent.selection.values() if pair.local.base == local]
    valid = [pair.remote.endpoint for pair in ice.agent.valid if pair.local.base == local]
    sources = tuple(dict.fromkeys(selected + valid)) or (_NOWHERE[local.family],)
    target.expected_source, target.sources = sources[0], sources[1:]
    target.mismatch = Mismatch.DROP
    target.learning = False
    target.best_rank = None
    target.offload = bool(selected) and not any([output.follow for output in target.rtp_outputs])
    target.stun = True


class Fragment(NamedTuple):
    """Candidates of a party, trickled (RFC 8840)."""

    call_id: str
    tag: str
    sections: tuple[MediaDescription, ...]

    @classmethod
    def read(cls, request: Request) -> Fragment:
        """PeerError if the body makes no sense."""
        sections = parse(request.sdp or b"", fragment=True).medias
        return cls(request.call_id or "", request.from_tag or "", tuple(sections))


def trickle(call: Call, fragment: Fragment) -> bool:
    """Take over what a party adds; False if it is not known. Candidates for another generation are ignored."""
    party = call.tags.get(fragment.tag)
    if party is None:
        return False
    for index, section in enumerate(fragment.sections):
        media = next((each for each in party.medias if section.mid is not None and each.mid == section.mid), None)
        if media is None and section.mid is None and index < len(party.medias):
            media = party.medias[index]
        ice = media.carrier.ice if media is not None else None
        if ice is None or not ice.trickles or section.value("ice-ufrag") not in (None, ice.seen and ice.seen.ufrag):
            continue
        ice.learn(section.values("candidate"))
        ice.complete = ice.complete or section.value("end-of-candidates") is not None
    return True
