# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sequence of messages, packets and time: only PeerError, no leaks, and targets that make sense."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.addresses import Endpoint
from controlplane.errors import PeerError
from controlplane.events import PacketHanded, SourceSeen
from controlplane.ice import stun
from controlplane.ng.medias import MeshEntry, RequestedMedia
from controlplane.sdp.manipulate import Edits
from controlplane.session.piercing import PIERCING
from controlplane.srtp.sdes import NO_WISHES, SdesWishes
from tests.unit.session.calls import V4, V6, Daemon, ep, spec

TAGS = st.sampled_from(["A", "B", "C", None])
ADDRESSES = st.sampled_from(["192.0.2.10", "198.51.100.20", "0.0.0.0", "2001:db8::20", "::"])
PORTS = st.sampled_from([0, 9, 41000, 41002, 42000, 65535])

CRYPTO = [f"a=crypto:{tag} {name} inline:{key * 40}{tail}" for tag, name, key, tail in (
    (1, "AES_CM_128_HMAC_SHA1_80", "A", ""), (2, "AES_CM_128_HMAC_SHA1_32", "B", "|1:4"),
    (1, "AES_CM_128_HMAC_SHA1_80", "C", " UNENCRYPTED_SRTCP"), (7, "NULL_HMAC_SHA1_80", "D", " X"))]


ICE = [(f"a=ice-ufrag:{ufrag}", "a=ice-pwd:abcdefghijklmnopqrstuv", *more) for ufrag in ("abcd", "efgh") for more in (
    (), ("a=ice-lite",), ("a=ice-options:trickle",), ("a=candidate:1 1 UDP 2130706431 192.0.2.10 41000 typ host",),
    ("a=candidate:1 1 UDP 5 192.0.2.10 41000 typ srflx", "a=candidate:1 2 UDP 4 2001:db8::20 41001 typ host"))]


@st.composite
def bodies(draw: st.DrawFn) -> str:
    address = draw(ADDRESSES)
    family = "IP6" if ":" in address else "IP4"
    lines = ["v=0", f"o=- 1 {draw(st.integers(0, 3))} IN {family} {address}", "s=-", f"c=IN {family} {address}",
             "t=0 0"]
    for _ in range(draw(st.integers(0, 3))):
        kind, profile = draw(st.sampled_from([
            ("audio", "RTP/AVP 8 0"), ("video", "RTP/AVPF 97"), ("image", "udptl t38"), ("message", "TCP/MSRP *"),
            ("audio", "RTP/SAVP 8"), ("text", "RTP/AVP 98"), ("application", "UDP/DTLS/SCTP 5000")]))
        count = draw(st.sampled_from(["", "", "", "/2"]))
        lines.append(f"m={kind} {draw(PORTS)}{count} {profile}")
        lines += draw(st.lists(st.sampled_from([
            "a=rtcp-mux", "a=sendonly", "a=recvonly", "a=inactive", "a=mid:1", "a=mid:2", "a=rtcp:41000", "a=label:1",
            "a=rtcp:5 IN IP6 ::1", "a=ptime:20", CRYPTO[0]]), max_size=3))
        lines += draw(st.sampled_from([(), (), *ICE]))
    return "\n".join([*lines, ""])


EDITS = {"none": Edits(added=["x"]), "audio": Edits({"rtpmap"}, {"rtcp": "y"})}
MESSAGES = st.fixed_dictionaries({
    "from_tag": TAGS, "to_tag": TAGS, "via_branch": st.sampled_from([None, "z1", "z2"]),
    "flags": st.lists(st.sampled_from([
        "strict-source", "media-handover", "asymmetric", "unidirectional", "port-latching", "no-port-latching",
        "generate-mid", "to-tag", "fatal", "fast", "sip-source-address", "new-branch",
        "reset", "nat-wait", "pierce-nat", "single-codec", "static-codecs",
        "allow-no-codec-media", "ice-reject", "trickle-ice", "fragment"]), max_size=3).map(" ".join),
    "rtcp_mux": st.sampled_from(["", "offer", "offer require", "demux", "accept", "reject"]),
    "ice": st.sampled_from([None, None, "force", "optional", "remove", "default", "force-relay"]),
    "ice_lite": st.sampled_from([None, None, None, "off", "forward", "backward", "both"]),
    "replace": st.sampled_from(["", "origin", "origin-full", "sdp-version"]),
    "address_family": st.sampled_from([None, None, 4, 6]),
    "transport_protocol": st.sampled_from([
        None, None, None, "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "accept", "udptl"]),
    "osrtp": st.sampled_from([set(), set(), {"offer"}, {"accept"}, {"offer-legacy"}, {"accept-legacy"}]),
    "sdes": st.sampled_from([NO_WISHES, NO_WISHES, SdesWishes(frozenset({"off"})), SdesWishes(frozenset({"nonew"})),
                             SdesWishes(frozenset({"static"}), preferred=("AES_CM_128_HMAC_SHA1_32",)),
                             SdesWishes(only=frozenset({"AES_CM_128_HMAC_SHA1_80"}))]),
    "alias_key": st.sampled_from([None, None, "off", "sdp", "address"]),
    "sdp_media_remove": st.sampled_from([set(), set(), {"audio"}, {"video"}, {"audio", "other"}]),
    "sdp_attr": st.sampled_from([{}, EDITS]), "media_echo": st.sampled_from([None, None, "both", "forward"]),
    "passthrough": st.sampled_from([None, None, True, False]),
    "bundle": st.sampled_from(["", "", "accept", "offer", "require", "strict", "reject"]),
    "codecs": st.sampled_from([{}, {"strip": ["all"], "offer": ["PCMU"]}, {"mask": ["PCMA"], "transcode": ["x"]}]),
    "endpoint_learning": st.sampled_from([None, "off", "immediate", "delayed", "heuristic"]),
    "to_interface": st.sampled_from([None, None, "second", "external"]),
    "drop_traffic": st.sampled_from([None, None, None, "start", "stop"])})

OTHERS = st.tuples(st.sampled_from([
    "publish", "create", "create answer", "subscribe request", "subscribe request", "subscribe answer", "unsubscribe",
    "connect", "mesh", "transform", "block media", "unblock media", "block DTMF", "silence media"]),
    st.fixed_dictionaries({
        "call_id": st.sampled_from(["c1", "c1", "c2", None]), "from_tag": TAGS, "to_tag": TAGS,
        "to_call_id": st.sampled_from([None, None, "c1", "c2"]), "all": st.sampled_from([None, None, "all", "flows"]),
        "calls": st.sampled_from([(), ("c1",), ("c2", "c1")]),
        "from_tags": st.lists(st.sampled_from("ABC"), max_size=2),
        "mesh": st.lists(st.builds(MeshEntry, st.sampled_from(["A", "B", "C"]), st.just(("B", "C"))), max_size=2),
        "medias": st.lists(st.builds(RequestedMedia, st.sampled_from(["audio", "video"]), destination=st.sampled_from(
            [None, ep("192.0.2.77:7000")])), max_size=2),
        "flags": st.lists(st.sampled_from([
            "directional", "bidirectional", "siprec", "mirror-rtcp", "egress", "inactive", "allow-transcoding",
            "unsubscribe", "generate-mid", "nat-wait", "pierce-nat"]), max_size=3).map(" ".join),
        "ice": st.sampled_from([None, None, "force", "remove"]),
        "rtcp_mux": st.sampled_from(["", "offer", "offer require"])}), bodies())
SIGNALS = st.tuples(st.sampled_from(["offer", "offer", "answer", "answer"]), MESSAGES, bodies())
DELETES = st.tuples(st.just("delete"), MESSAGES, st.sampled_from([None, 0, 2]))
PACKETS = st.tuples(st.just("packet"), st.integers(0, 50),
                    st.sampled_from(["192.0.2.10:41000", "192.0.2.9:5", "[2001:db8::20]:42000"]))
CHECKS = st.tuples(st.just("check"), st.integers(0, 50),
                   st.sampled_from(["192.0.2.10:41000", "192.0.2.9:5", "[2001:db8::20]:42000"]))
PAUSES = st.tuples(st.just("pause"), st.sampled_from([0.1, 1.0, 3.5, 70.0]), st.none())
STEPS = st.lists(st.one_of(SIGNALS, SIGNALS, OTHERS, OTHERS, DELETES, PACKETS, CHECKS, CHECKS, PAUSES), max_size=14)


def check(daemon: Daemon) -> None:
    opened = {local for call in daemon.calls.calls.values() for media in call.medias
              for mapping in media.mappings for local in mapping.sockets}
    assert len(opened) == daemon.sockets.open
    assert set(daemon.targets) <= opened
    for local, target in daemon.targets.items():
        assert target.local == local
        for output in (*target.rtp_outputs, *target.rtcp_outputs):
            assert output.source in opened
            assert output.destination.port and not output.destination.address.is_zero
            assert output.destination.family == output.source.family
    for call in daemon.calls.calls.values():
        assert {local for media in call.medias if any(stream.public for stream in media.streams)
                for mapping in media.mappings for local in mapping.sockets} <= set(daemon.targets)
        for party in call.parties:
            assert all(party in peer.peers for peer in party.peers)
            for media in party.medias:
                assert all(media in peer.peers for peer in media.peers)
                assert all(link in link.sink.sources and link.source is media for link in media.sinks)
                assert all(link in link.source.sinks and link.sink is media for link in media.sources)
                assert len({id(link.sink) for link in media.sinks}) == len(media.sinks)
                for peer in party.peers:
                    assert sum(other in media.peers for other in peer.medias) <= 1


def checked(daemon: Daemon, number: int, source: Endpoint) -> None:
    """A peer that knows the password checks one of our sockets, and answers what we ask there."""
    locals_ = sorted(local for local, target in daemon.targets.items() if target.stun and local.family == source.family)
    if not locals_:
        return
    local = locals_[number % len(locals_)]
    _, media = daemon.calls._paths._owners[local]
    assert media.ice is not None
    agent = media.ice.agent
    request = stun.build(stun.Kind.REQUEST, bytes(12), [
        stun.text(stun.Type.USERNAME, f"{agent.local.ufrag}:x"), (stun.Type.USE_CANDIDATE, b"")], agent.local.password)
    daemon.calls.on_packet(PacketHanded(local, source, daemon.now, request))
    daemon.pass_time(0.05)
    for packet in daemon.sent:
        message = stun.parse(packet.data) if packet.data != PIERCING else None
        if (message is not None and message.kind is stun.Kind.REQUEST and agent.remote is not None
                and (packet.local, packet.destination) == (local, source)):
            daemon.calls.on_packet(PacketHanded(local, source, daemon.now, stun.build(
                stun.Kind.SUCCESS, message.transaction, [stun.mapped_address(local, message.transaction)],
                agent.remote.password)))
    daemon.apply()
    daemon.sent.clear()


def check_keys(daemon: Daemon) -> None:
    """What comes from and goes to a medium is encrypted if it has keys, and else never."""
    medias = {stream.local: (media, stream) for call in daemon.calls.calls.values() for media in call.medias
              for stream in media.streams if media.carrier is media and stream.local is not None}
    for local, target in daemon.targets.items():
        if local in medias:
            media, stream = medias[local]
            keys = media.keys.received_under(stream.component) if media.keys is not None else None
            assert target.discard or target.decrypt == keys
            assert media.keys is None or keys is not None or not (target.rtp_outputs or target.rtcp_outputs)
        for output in (*target.rtp_outputs, *target.rtcp_outputs):
            media, stream = medias[output.source]
            assert (output.encrypt is None) == (media.keys is None)
            assert media.keys is None or output.encrypt == media.keys.sent_under(stream.component)


def perform(daemon: Daemon, step: tuple) -> None:  # type: ignore[type-arg]
    kind, first, second = step
    if kind == "pause":
        daemon.pass_time(first)
    elif kind == "check":
        checked(daemon, first, ep(second))
    elif kind == "packet":
        locals_ = sorted(daemon.targets)
        if locals_:
            daemon.calls.on_source(SourceSeen(locals_[first % len(locals_)], ep(second), daemon.now))
            daemon.apply()
    else:
        fields = dict(first)
        if kind == "delete":
            fields["delete_delay"] = second
        elif kind in ("publish", "create answer", "subscribe answer"):
            fields["sdp"] = second
        elif kind in ("offer", "answer"):
            fields["sdp"] = second
        try:
            daemon.send(kind, **fields)
        except PeerError:
            pass


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_any_sequence(steps: list) -> None:  # type: ignore[type-arg]
    daemon = Daemon(spec("default", V4, ports=(30000, 30031)), spec("default", V6, ports=(30000, 30031)),
                    spec("second", "203.0.113.6", ports=(30000, 30007)))
    for step in steps:
        perform(daemon, step)
        check(daemon)
        check_keys(daemon)
    for call in list(daemon.calls.calls.values()):
        for call_id in (call.call_id, *call.aliases):  # each ends its own parties
            daemon.send("delete", call_id=call_id, delete_delay=0)
    assert not daemon.targets and not daemon.sockets.open and not daemon.calls.calls
    assert not daemon.calls._owners and not daemon.calls._installed and not daemon.calls._counting
    assert not daemon.calls._paths._owners
    assert all(usage.free == usage.total for usage in daemon.sockets.usage())
    daemon.offer("v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\nm=audio 41000 RTP/AVP 8\n")
