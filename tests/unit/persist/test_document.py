# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls written and restored: nothing is forgotten, old documents are read, and the parties notice nothing."""
from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from controlplane.errors import PeerError
from controlplane.events import Counters, KeyIndex, PacketHanded, SsrcStats, StreamStats
from controlplane.ice import stun
from controlplane.ice.phase import Phase
from controlplane.persist import document, media, paths, values
from controlplane.persist.document import read_call, write_call
from controlplane.persist.encoding import BENCODE, from_bytes, to_bytes
from controlplane.sdp.model import MediaDescription, SessionDescription
from controlplane.session.call import Call
from controlplane.session.dtls import Dtls
from controlplane.session.ice import Ice
from controlplane.session.media import Bundle, Link, Media
from controlplane.session.party import Party
from controlplane.session.stream import Stream
from controlplane.srtp.sdes import Sdes
from tests.peers.dtls import DtlsPeer
from tests.unit.persist.daemons import around, heir, restored, written
from tests.unit.session.calls import Daemon, ep, established, port_of, sdp, spec
from tests.unit.session.ice_peers import IceNetwork, IceParty, admitted
from tests.unit.session.test_bundles import AV, body
from tests.unit.session.test_dtls import caller, callee, converse, received, sent, state
from tests.unit.session.test_keys import line
from tests.unit.targets import changed

GOLDEN = Path(__file__).with_name("golden")
A, B = "192.0.2.10:41000", "198.51.100.20:42000"


def names(fields: tuple[document.Field, ...]) -> set[str]:
    return {field.name for field in fields}


KEPT: list[tuple[type, set[str], set[str]]] = [
    (Call, names(document.CALL + document.CALL_MORE) | {"parties", "tags", "alias_keys", "report_at"},
     {"relearn_at", "wake_at", "released", "foreign", "hosted_db", "stored_at", "trail", "missed"}),
    (Party, names(document.PARTY) | {"created", "branch", "medias", "peers", "session"}, set()),
    (Media, names(media.FIELDS + media.HEAD) | {
        "protocol", "streams", "sinks", "sources", "mappings", "mapping", "description", "bundle", "ice", "dtls",
        "keys"}, {"is_rtp", "is_avpf", "is_srtp", "hearing", "noted", "parked"}),
    (Stream, names(media.STREAM_HEAD + media.STREAM) | {"local"}, {"counted"}),
    (Link, names(document.LINK) | {"source", "sink"}, set()),
    (Bundle, names(document.BUNDLE) | {"medias"}, set()),
    (Ice, names(paths.ICE) | {"agent", "mappings"}, {"followed", "wake_at"}),
    (Dtls, names(paths.DTLS) | {"identity", "tls_id", "associations"}, {"wake_at", "logged"}),
    (Sdes, names(values.SDES_FIELDS), set()),
    (MediaDescription, names(values.SECTION_HEAD + values.SECTION_FIELDS) | {"protocol"}, {"lent"}),
    (SessionDescription, names(values.SESSION) | {"medias"}, set()),
]


def attributes(cls: type) -> set[str]:
    """The attributes that the body of a class declares, and those that it has besides from its parameters."""
    tree = ast.parse(Path(inspect.getfile(cls)).read_text())
    found = next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    declared = [node.target for node in found.body if isinstance(node, ast.AnnAssign)]
    made = [node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    taken = {target.attr for init in made for node in init.body if isinstance(node, ast.Assign)
             and isinstance(node.value, ast.Name) for target in node.targets if isinstance(target, ast.Attribute)}
    return {target.id for target in declared if isinstance(target, ast.Name)} | taken


@pytest.mark.parametrize("cls, kept, left", KEPT, ids=[cls.__name__ for cls, _, _ in KEPT])
def test_nothing_is_forgotten(cls: type, kept: set[str], left: set[str]) -> None:
    """Whoever adds an attribute decides whether it is carried on."""
    assert not kept & left
    assert attributes(cls) - kept - left == set() and kept <= attributes(cls)


# --- documents that stay readable ---

def counted() -> Daemon:
    """A plain call whose callee was found elsewhere, with counters."""
    daemon = established(endpoint_learning="heuristic")
    daemon.packet(daemon.local("A"), A)
    daemon.packet(daemon.local("B"), "198.51.100.99:7000", 4.0)
    source = SsrcStats(7, 250, 43000, 1, 0, 2, 65790, 12.25, 8, 160 * 250, daemon.now)
    daemon.calls.update_stats({daemon.local("A"): StreamStats(
        Counters(10, 1720, 0, daemon.now), Counters(240, 41280, 0, daemon.now), Counters(3, 516), sources=(source,),
        offloaded=True)}, daemon.now)
    return daemon


def encrypted() -> Daemon:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, line(1), "a=label:x", protocol="RTP/SAVP"), transport_protocol="RTP/AVP",
                 replace="origin-full", alias_key="sdp", label="caller", flags="strict-source")
    daemon.answer(callee(), metadata="m%41\udcff")
    daemon.send("block DTMF", from_tag="A")
    daemon.send("subscribe request", from_tag="A", to_tag="S", dtls={"off"})
    return daemon


def bundled() -> Daemon:
    daemon = Daemon()
    daemon.offer(body((41000, 41000), "a v", AV, 3), bundle="accept", via_branch="z1")
    return daemon


def checked() -> Daemon:
    """ICE with the caller, which has been nominated."""
    daemon = Daemon()
    meet(daemon, IceParty(A, seed=1, controlling=True))
    return daemon


def meet(daemon: Daemon, party: IceParty) -> IceNetwork:
    network = IceNetwork(daemon, party)
    daemon.offer(party.sdp(), rtcp_mux="demux")
    party.hear(daemon.answer(sdp("198.51.100.20", 42000)), daemon.now)
    network.run(3.0)
    return network


SCENARIOS: dict[str, Callable[[], Daemon]] = {
    "counted": counted, "encrypted": encrypted, "bundled": bundled, "checked": checked}
INDICES = (KeyIndex(False, b"k" * 30, 0xDEADBEEF, (3 << 16) + 77, 12), KeyIndex(True, b"s" * 28, 1, 5))


def document_of(name: str) -> dict[str, object]:
    daemon = SCENARIOS[name]()
    return write_call(daemon.call, INDICES if name == "encrypted" else ())


@pytest.mark.parametrize("name", SCENARIOS)
def test_documents_of_former_releases_are_read(name: str) -> None:
    """What is written changes only together with ``VERSION``, or by members that may be missing."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    assert json.loads(to_bytes(document_of(name))) == golden
    found = read_call(golden, around(Daemon()))
    assert write_call(found.call, found.indices) == golden
    assert from_bytes(to_bytes(golden, BENCODE)) == golden


# --- going on ---

def test_packets_go_where_they_went() -> None:
    daemon = counted()
    other = heir(daemon)
    assert {local: changed(target, learning=False) for local, target in other.targets.items()} == {
        local: changed(target, learning=False) for local, target in daemon.targets.items()}
    assert other.sends_to(other.local("A")) == ["198.51.100.99:7000"]
    stats = other.party("A").medias[0].streams[0].stats
    assert (stats.kernel_in.packets, stats.sources[0].packets) == (240, 250)
    other.calls.update_stats({other.local("A"): StreamStats(Counters(5, 860, 0, other.now))}, other.now)
    stats = other.party("A").medias[0].streams[0].stats
    assert (stats.user_in.packets, stats.kernel_in.packets) == (15, 240), "counting goes on"


def test_signalling_goes_on() -> None:
    daemon = encrypted()
    other = heir(daemon)
    again = sdp("192.0.2.10", 41000, line(1), "a=label:x", protocol="RTP/SAVP", version=2)
    fields = {"transport_protocol": "RTP/AVP", "replace": "origin-full"}
    assert other.offer(again, to_tag="B", **fields) == daemon.offer(again, to_tag="B", **fields)
    other.send("delete", delete_delay=0)
    assert not other.sockets.open and not other.targets


def test_events_go_where_they_went() -> None:
    daemon = established()
    assert heir(daemon).call.dtmf_log is None
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtpmap:101 telephone-event/8000", formats="8 101"), to_tag="B",
                 dtmf_log_dest=ep("192.0.2.77:9000"))
    other = heir(daemon)
    assert other.call.dtmf_log == ep("192.0.2.77:9000")
    for each in (daemon, other):
        assert each.targets[each.local("A")].reported == (101,)


def test_a_restored_call_has_its_timeout() -> None:
    daemon = established(timeout=60)
    data = written(daemon)
    other = Daemon(timeout=60)
    other.now = daemon.now + 1000.0
    restored(data, other)
    other.pass_time(59.0)
    assert other.calls.calls
    other.pass_time(2.0)
    assert not other.calls.calls


def test_a_port_that_is_taken() -> None:
    daemon = established()
    other = heir(daemon)
    with pytest.raises(PeerError, match="is not to be had"):
        restored(written(daemon).replace(b'"c1"', b'"c2"'), other)
    open_ones = other.sockets.open
    assert open_ones == daemon.sockets.open and "c2" not in other.calls.calls


def test_ports_of_restored_calls_are_not_given_to_others() -> None:
    daemon = Daemon(spec("default", "203.0.113.5", ports=(30000, 30007)))
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    other = heir(daemon)
    assert [(usage.used, usage.free) for usage in other.sockets.usage()] == [(4, 4)]
    ports = {port_of(other.offer(sdp(), call_id="c2")), port_of(other.answer(sdp(), call_id="c2"))}
    assert not ports & {local.port for local in daemon.targets}
    for call_id in ("c1", "c2"):
        other.send("delete", call_id=call_id, delete_delay=0)
    assert [(usage.used, usage.free) for usage in other.sockets.usage()] == [(0, 8)]


def test_another_node_has_another_address_for_an_interface() -> None:
    daemon = established()
    other = Daemon(spec("default", "203.0.113.77"))
    other.now = daemon.now
    restored(written(daemon), other)
    local = other.local("A")
    assert (str(local.address), local.port) == ("203.0.113.77", daemon.local("A").port)
    assert other.targets[local].rtp_outputs[0].source == other.local("B")


@pytest.mark.parametrize("damage", [
    {"ver": 2}, {"ver": "1"}, {"parties": {}}, {"tags": {"A": 7}}, {"created": "now"}, {"alias_keys": [["x", "y", 0]]},
    {"bundles": [{"medias": []}]}, {"srtp": [{"sent": 2}]}])
def test_documents_that_make_no_sense(damage: dict[str, object]) -> None:
    other = Daemon()
    with pytest.raises(PeerError):
        read_call(json.loads(written(established())) | damage, around(other))
    assert not other.sockets.open


def test_ice_goes_on_with_the_path_it_had() -> None:
    daemon = Daemon()
    party = IceParty(A, seed=1, controlling=True)
    meet(daemon, party)
    other = heir(daemon, timeout=1000)
    local = other.local("A")
    assert admitted(other, local) == A and other.sends_to(other.local("B")) == [A]
    network = IceNetwork(other, party)
    network.run(120.0)
    agent = other.party("A").medias[0].ice.agent
    assert agent.phase is Phase.COMPLETED and party.agent.phase is Phase.COMPLETED, "each has the other's consent"
    assert party.agent.selection[1].remote.endpoint == local
    network.cut = True
    network.run(40.0)
    assert agent.phase is Phase.FAILED, "and loses it if the other is gone"


def test_who_checked_before_the_answer_is_remembered() -> None:
    daemon = Daemon()
    daemon.offer(sdp() + "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n")
    ice = daemon.call.parties[1].medias[0].ice
    assert ice is not None and ice.agent.remote is None
    local, source = daemon.local(None), ep("192.0.2.10:41000")
    daemon.calls.on_packet(PacketHanded(local, source, daemon.now, stun.build(stun.Kind.REQUEST, bytes(12), [
        stun.text(stun.Type.USERNAME, f"{ice.agent.local.ufrag}:x")], ice.agent.local.password)))
    assert list(ice.agent.sources) == [(local, source)]
    again = heir(daemon).call.parties[1].medias[0].ice
    assert again is not None and list(again.agent.sources) == [(local, source)]


def test_failed_ice_stays_failed() -> None:
    daemon = Daemon()
    network = meet(daemon, IceParty(A, seed=1, controlling=True))
    network.cut = True
    network.run(40.0)
    agent = heir(daemon).party("A").medias[0].ice.agent
    assert (agent.phase, agent.reason) == (Phase.FAILED, "the peer does not consent any more")


@pytest.mark.parametrize("setup, active", [("passive", False), ("active", True)])
def test_dtls_goes_on_with_its_keys_and_certificate(setup: str, active: bool) -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=active)
    daemon.offer(caller(peer, setup, "a=rtcp-mux"), transport_protocol="RTP/AVP", rtcp_mux="demux")
    converse(daemon, peer, daemon.local("A"))
    daemon.answer(callee(protocol="RTP/AVP"))
    converse(daemon, peer, daemon.local("A"), begin=peer.receive() if active else None)
    assert peer.done
    other = heir(daemon)
    assert (received(other, "A"), sent(other, "A")) == (peer.keys[0], {peer.keys[1]})
    assert state(other, "A").identity.certificate == state(daemon, "A").identity.certificate
    assert other.party("A").medias[0].dtls_state == "established"
    other.pass_time(50.0)
    assert not other.sent, "nothing is begun anew"
    again = caller(peer, setup, "a=rtcp-mux")
    other.offer(again, to_tag="B", transport_protocol="RTP/AVP", rtcp_mux="demux")
    answer = other.answer(callee(protocol="RTP/AVP"))
    assert peer.peer_fingerprint in answer and (received(other, "A"), sent(other, "A")) == (
        peer.keys[0], {peer.keys[1]})


def test_a_handshake_that_was_under_way_is_made_by_the_heir() -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=False)
    daemon.offer(caller(peer, "passive", "a=rtcp-mux"), transport_protocol="RTP/AVP", rtcp_mux="demux")
    other = heir(daemon)
    converse(other, peer, other.local("A"))
    other.answer(callee(protocol="RTP/AVP"))
    assert peer.done and received(other, "A") == peer.keys[0]
