# SPDX-License-Identifier: GPL-3.0-or-later
"""DTLS in offers and answers, and the keys that calls get from handshakes."""
from __future__ import annotations

import pytest

from controlplane.addresses import Endpoint
from controlplane.events import PacketHanded, SrtpKeys
from controlplane.session.dtls import Dtls
from controlplane.srtp.sdes import SdesWishes
from tests.peers.dtls import DtlsPeer
from tests.unit.session.calls import Daemon, ep, sdp
from tests.unit.session.ice_peers import IceNetwork, IceParty
from tests.unit.session.test_keys import KB, cryptos, line

A, B = "192.0.2.10:41000", "198.51.100.20:42000"
SAVP, TLS = "RTP/SAVP", "UDP/TLS/RTP/SAVPF"
ANYTHING = "sha-256 " + ":".join(["AB"] * 32)
MUX = "a=rtcp-mux"


def attributes(body: str, name: str) -> list[str]:
    return [text.partition(":")[2] for text in body.splitlines() if text.startswith(f"a={name}:")]


def caller(peer: DtlsPeer, setup: str = "actpass", *lines: str, protocol: str = SAVP) -> str:
    return sdp("192.0.2.10", 41000, *peer.lines(setup), *lines, protocol=protocol)


def callee(*lines: str, protocol: str = "RTP/AVP") -> str:
    return sdp("198.51.100.20", 42000, *lines, protocol=protocol)


def state(daemon: Daemon, tag: str) -> Dtls:
    found = daemon.party(tag).medias[0].dtls
    assert found is not None
    return found


def converse(daemon: Daemon, peer: DtlsPeer, local: Endpoint, source: str = A,
             begin: list[bytes] | None = None) -> None:
    """Carry packets between the daemon's socket and a peer at ``source`` until neither has more to say."""
    said = list(begin or [])
    while True:
        heard = [packet.data for packet in daemon.last.datagrams
                 if packet.local == local and str(packet.destination) == source]
        daemon.last.datagrams.clear()
        for data in heard:
            said += peer.receive(data)
        if not said:
            return
        for data in said:
            daemon.calls.on_packet(PacketHanded(local, ep(source), daemon.now, data))
        said = []
        daemon.apply()


def suites(keys: SrtpKeys | None) -> bytes | None:
    return keys.key + keys.salt if keys is not None else None


def received(daemon: Daemon, tag: str) -> bytes | None:
    """Key and salt under which the party's packets are taken."""
    return suites(daemon.targets[daemon.local(tag)].decrypt)


def sent(daemon: Daemon, tag: str) -> set[bytes | None]:
    """Key and salt under which the party gets packets."""
    local = daemon.local(tag)
    return {suites(output.encrypt) for target in daemon.targets.values()
            for output in (*target.rtp_outputs, *target.rtcp_outputs) if output.source == local}


# --- what is printed ---

def test_offer_of_ours() -> None:
    daemon = Daemon()
    body = daemon.offer(callee(), transport_protocol=TLS)
    assert attributes(body, "setup") == ["actpass"]
    (fingerprint,), (tls_id,) = attributes(body, "fingerprint"), attributes(body, "tls-id")
    assert fingerprint.startswith("sha-256 ") and len(fingerprint) == 8 + 95
    assert len(tls_id) == 32 and set(tls_id) <= set("0123456789abcdef")
    assert len(cryptos(body)) == 12
    lines = body.splitlines()
    assert lines.index("a=setup:actpass") > max(n for n, text in enumerate(lines) if text.startswith("a=crypto"))


@pytest.mark.parametrize("fields, dtls, sdes", [
    ({"dtls": {"off"}}, False, True), ({"flags": "no-tls-id"}, True, True),
    ({"dtls_fingerprint": "SHA-1"}, True, True)])
def test_offers_as_they_are_wanted(fields: dict, dtls: bool, sdes: bool) -> None:
    body = Daemon().offer(callee(), transport_protocol=SAVP, **fields)
    assert bool(attributes(body, "fingerprint")) == dtls and bool(cryptos(body)) == sdes
    assert bool(attributes(body, "tls-id")) == (dtls and "flags" not in fields)
    if "dtls_fingerprint" in fields:
        assert attributes(body, "fingerprint")[0].startswith("sha-1 ")


@pytest.mark.parametrize("setup, fields, settings, answered", [
    ("actpass", {}, {}, "active"), ("actpass", {"dtls": {"passive"}}, {}, "passive"),
    ("actpass", {}, {"dtls_passive": True}, "passive"), ("active", {}, {}, "passive"),
    ("passive", {"dtls": {"passive"}}, {}, "active")])
def test_who_begins(setup: str, fields: dict, settings: dict, answered: str) -> None:
    daemon = Daemon(**settings)
    body = daemon.offer(caller(DtlsPeer(active=True), setup), transport_protocol="RTP/AVP", **fields)
    assert not attributes(body, "setup") and not attributes(body, "fingerprint")
    assert attributes(daemon.answer(callee()), "setup") == [answered]


def test_the_hash_of_the_offerer_is_used() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=setup:actpass", "a=fingerprint:SHA-1 " + ":".join(["AB"] * 20),
                     protocol=SAVP), transport_protocol="RTP/AVP")
    assert attributes(daemon.answer(callee()), "fingerprint")[0].startswith("sha-1 ")


@pytest.mark.parametrize("offering, answering, dtls", [
    ({}, {}, True), ({"dtls": {"off"}}, {}, True), ({}, {"dtls": {"off"}}, False),
    ({"sdes": SdesWishes(frozenset(("prefer",)))}, {}, False)])
def test_an_offerer_with_both(offering: dict, answering: dict, dtls: bool) -> None:
    """DTLS is switched off for the party that gets the message: seen with 10.5."""
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=True), "actpass", line(1)), transport_protocol="RTP/AVP", **offering)
    body = daemon.answer(callee(), **answering)
    assert bool(attributes(body, "fingerprint")) == dtls and bool(cryptos(body)) != dtls


@pytest.mark.parametrize("section", [("a=setup:holdconn", "a=fingerprint:" + ANYTHING), ("a=setup:actpass",),
                                     ("a=setup:actpass", "a=fingerprint:sha-256 AB:CD"),
                                     ("a=fingerprint:" + ANYTHING,)])
def test_dtls_that_cannot_be_used(section: tuple[str, ...]) -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *section, line(1), protocol=SAVP), transport_protocol="RTP/AVP")
    body = daemon.answer(callee())
    assert not attributes(body, "fingerprint") and len(cryptos(body)) == 1


def test_publishers_and_subscribers_may_use_it() -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=True)
    body = daemon.body("publish", sdp=caller(peer, protocol=TLS), from_tag="P")
    assert attributes(body, "setup") == ["active"]
    body = bytes(daemon.send("subscribe request", from_tag="P", to_tag="S")["sdp"]).decode()
    assert attributes(body, "setup") == ["actpass"]


# --- keys ---

@pytest.mark.parametrize("setup, active", [("actpass", False), ("passive", False), ("active", True)])
def test_offerer(setup: str, active: bool) -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=active)
    daemon.offer(caller(peer, setup, MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    converse(daemon, peer, daemon.local("A"))
    body = daemon.answer(callee())
    converse(daemon, peer, daemon.local("A"), begin=peer.receive() if active else None)
    assert peer.done and peer.peer_fingerprint == attributes(body, "fingerprint")[0]
    assert (received(daemon, "A"), sent(daemon, "A")) == (peer.keys[0], {peer.keys[1]})
    assert received(daemon, "B") is None and sent(daemon, "B") == {None}
    medias = daemon.send("query")["tags"]["A"]["medias"]
    assert daemon.party("A").medias[0].dtls_state == "established" and "DTLS-SRTP" in medias[0]["flags"]
    assert "DTLS" not in medias[0], "nothing went wrong"
    assert "DTLS fingerprint verified" in medias[0]["streams"][0]["flags"]


@pytest.mark.parametrize("setup, active", [("active", True), ("passive", False)])
def test_answerer(setup: str, active: bool) -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=active)
    body = daemon.offer(sdp(), transport_protocol=TLS, rtcp_mux="offer")
    # comes before its answer
    hello = peer.receive() if active else []
    converse(daemon, peer, daemon.local(None), B, hello)
    daemon.answer(sdp("198.51.100.20", 42000, *peer.lines(setup), MUX, protocol=TLS))
    converse(daemon, peer, daemon.local("B"), B)
    assert peer.done and peer.peer_fingerprint == attributes(body, "fingerprint")[0]
    assert (received(daemon, "B"), sent(daemon, "B")) == (peer.keys[0], {peer.keys[1]})


def test_rtcp_on_a_port_of_its_own_has_its_own_handshake() -> None:
    daemon = Daemon()
    rtp, rtcp = DtlsPeer(active=False), DtlsPeer(active=False)
    daemon.offer(sdp("192.0.2.10", 41000, *rtp.lines("passive"), f"a=fingerprint:{rtcp.fingerprint()}", protocol=SAVP),
                 transport_protocol="RTP/AVP")
    first = list(daemon.last.datagrams)
    daemon.answer(callee())
    daemon.last.datagrams[:] = first
    converse(daemon, rtp, daemon.local("A"))
    daemon.last.datagrams.extend(first)
    converse(daemon, rtcp, daemon.local("A", 1), "192.0.2.10:41001")
    assert daemon.targets[daemon.local("A")].decrypt != daemon.targets[daemon.local("A", 1)].decrypt
    assert received(daemon, "A") == rtp.keys[0]
    assert suites(daemon.targets[daemon.local("A", 1)].decrypt) == rtcp.keys[0]


def test_in_a_bundle_only_the_head_shakes_hands() -> None:
    daemon, peer = Daemon(), DtlsPeer(active=False)
    both = "".join(f"m={kind} {port} RTP/SAVP {number}\na=mid:{kind}\na=setup:passive\n{peer.lines('')[1]}\n"
                   for kind, port, number in (("audio", 41000, 0), ("video", 41002, 34)))
    head = "v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\na=group:BUNDLE audio video\n"
    daemon.offer(head + both, transport_protocol="RTP/AVP", bundle="accept")
    assert {str(packet.destination) for packet in daemon.last.datagrams} == {"192.0.2.10:41000", "192.0.2.10:41001"}


def shown(daemon: Daemon, tag: str) -> tuple[set[str], list[dict]]:
    """What a query says of a party's medium: its flags, and its streams."""
    media = daemon.send("query")["tags"][tag]["medias"][0]
    return set(media["flags"]), media["streams"]


def test_what_a_query_shows_before_the_answer() -> None:
    daemon = Daemon()
    daemon.offer(callee(), transport_protocol=TLS, rtcp_mux="offer", sdes=SdesWishes(frozenset({"off"})))
    flags, streams = shown(daemon, "<untagged 1>")
    assert {"DTLS-SRTP", "DTLS role active", "DTLS role passive", "rtcp-mux"} <= flags and "SDES" not in flags
    assert [set(stream["flags"]) for stream in streams] == [{"RTP", "RTCP"}, {"RTCP", "fallback RTCP"}]


def test_what_a_query_shows_after_the_handshake() -> None:
    """Where the party is, media have to confirm; the port of RTCP is closed, but has been there."""
    daemon, peer = Daemon(), DtlsPeer(active=True)
    daemon.offer(caller(peer, "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="accept demux")
    daemon.answer(callee())
    converse(daemon, peer, daemon.local("A"), begin=peer.receive())
    flags, (rtp, rtcp) = shown(daemon, "A")
    assert peer.done and {"DTLS role passive", "rtcp-mux"} <= flags and "DTLS role active" not in flags
    assert set(rtp["flags"]) == {"RTP", "RTCP", "filled", "DTLS fingerprint verified"}
    assert (rtcp["local port"], rtcp["local address"]) == (0, rtp["local address"]) and rtp["local port"] > 0


def test_nothing_goes_in_clear_before_there_are_keys() -> None:
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=True), "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    target = daemon.targets[daemon.local("A")]
    assert target.discard and target.dtls and not target.rtp_outputs
    assert sent(daemon, "A") == set()


def test_an_answerer_may_choose_sdes() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), transport_protocol=SAVP)
    daemon.answer(callee(line(2), protocol=SAVP))
    assert daemon.party("B").medias[0].dtls is None
    assert daemon.targets[daemon.local("B")].decrypt == KB.keys
    assert not daemon.targets[daemon.local("B")].dtls


def test_another_certificate_gets_no_keys(caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon()
    peer, other = DtlsPeer(active=True), DtlsPeer(active=True)
    daemon.offer(caller(peer, "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    converse(daemon, other, daemon.local("A"), begin=other.receive())
    assert received(daemon, "A") is None
    told = daemon.send("query")["tags"]["A"]["medias"][0]["DTLS"]
    assert told["state"] == "shakes hands" and "fingerprint" in told["reason"]
    assert caplog.text.count("DTLS of section 1 shakes hands: the peer's certificate is not") == 1
    converse(daemon, peer, daemon.local("A"), "192.0.2.10:7777", begin=peer.receive())
    assert received(daemon, "A") == peer.keys[0]
    assert "192.0.2.10:7777" in daemon.sends_to(daemon.local("B")), "media follow the validated peer"


def established(daemon: Daemon) -> DtlsPeer:
    peer = DtlsPeer(active=False)
    daemon.offer(caller(peer, "actpass", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    converse(daemon, peer, daemon.local("A"))
    daemon.answer(callee())
    assert received(daemon, "A") == peer.keys[0]
    return peer


def test_another_offer_changes_nothing() -> None:
    daemon = Daemon()
    peer = established(daemon)
    tls_id = state(daemon, "A").tls_id
    daemon.offer(caller(peer, "actpass", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux", to_tag="B")
    assert attributes(daemon.answer(callee()), "tls-id") == [tls_id]
    assert not daemon.last.datagrams and received(daemon, "A") == peer.keys[0]


def test_new_certificate_means_a_new_handshake_and_the_keys_last_until_then() -> None:
    daemon = Daemon()
    peer = established(daemon)
    other = DtlsPeer(active=False)
    daemon.offer(caller(other, "actpass", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux", to_tag="B")
    waiting = list(daemon.last.datagrams)
    daemon.answer(callee())
    assert waiting and received(daemon, "A") == peer.keys[0]
    daemon.last.datagrams.extend(waiting)
    converse(daemon, other, daemon.local("A"))
    assert (received(daemon, "A"), sent(daemon, "A")) == (other.keys[0], {other.keys[1]})


def test_another_tls_id_means_a_new_handshake() -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=False)
    daemon.offer(caller(peer, "actpass", MUX, "a=tls-id:one"), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    before = state(daemon, "A").tls_id
    daemon.offer(caller(peer, "actpass", MUX, "a=tls-id:two"), transport_protocol="RTP/AVP", rtcp_mux="demux",
                 to_tag="B")
    assert state(daemon, "A").tls_id != before and daemon.last.datagrams


def test_with_ice_only_from_where_ice_has_found_the_party() -> None:
    daemon = Daemon()
    ice, peer = IceParty("192.0.2.10:41000", seed=1, controlling=True), DtlsPeer(active=True)
    body = sdp("192.0.2.10", 41000, *ice.lines, *peer.lines("active"), protocol=TLS)
    daemon.offer(body, transport_protocol="RTP/AVP", ice="remove")
    answer = daemon.answer(callee())
    hello = peer.receive()
    converse(daemon, peer, daemon.local("A"), begin=hello)
    assert not daemon.last.datagrams, "no check has succeeded"
    ice.hear(answer, daemon.now)
    IceNetwork(daemon, ice).run(2.0)
    assert received(daemon, "A") is None
    foreign = DtlsPeer(active=True)
    converse(daemon, foreign, daemon.local("A"), "203.0.113.66:666", begin=foreign.receive())
    assert not foreign.done
    converse(daemon, peer, daemon.local("A"), begin=hello)
    assert received(daemon, "A") == peer.keys[0]


def test_we_begin_once_ice_has_a_path() -> None:
    daemon = Daemon()
    ice, peer = IceParty("192.0.2.10:41000", seed=1, controlling=True), DtlsPeer(active=False)
    daemon.offer(sdp("192.0.2.10", 41000, *ice.lines, *peer.lines("passive"), protocol=TLS),
                 transport_protocol="RTP/AVP", ice="remove")
    answer = daemon.answer(callee())
    assert not [packet for packet in daemon.last.datagrams if packet.data[:1] == b"\x16"]
    ice.hear(answer, daemon.now)
    network = IceNetwork(daemon, ice)
    network.run(2.0)
    hellos = [data for data in network.delivered if data[:1] == b"\x16"]
    assert hellos
    said = peer.receive(hellos[0])
    converse(daemon, peer, daemon.local("A"), begin=said)
    assert received(daemon, "A") == peer.keys[0]


@pytest.mark.parametrize("setup, active", [("actpass", False), ("active", True)])
@pytest.mark.parametrize("seconds", [5, 20, 60])
def test_a_phone_that_rings_before_it_listens(setup: str, active: bool, seconds: int) -> None:
    daemon = Daemon()
    peer = DtlsPeer(active=active)
    daemon.offer(caller(peer, setup, MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    for _ in range(seconds):
        daemon.now += 1
        daemon.calls.on_path_deadline(daemon.now)
        daemon.apply()
    daemon.answer(callee())
    converse(daemon, peer, daemon.local("A"), begin=peer.receive() if active else None)
    assert received(daemon, "A") == peer.keys[0]


def test_giving_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=False), "passive", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    for _ in range(100):
        daemon.now += 1
        daemon.calls.on_path_deadline(daemon.now)
    assert caplog.text.count("DTLS of section 1 failed: no handshake within 30 seconds") == 1


def test_forged_alerts_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=True), "active", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    for number in range(200):
        alert = b"\x15\xfe\xfd" + bytes(8) + b"\0\2\2" + bytes([number])
        daemon.calls.on_packet(PacketHanded(daemon.local("A"), ep(A), daemon.now, alert))
    assert caplog.text.count("DTLS of section 1") == 1


def test_what_ends_with_the_call() -> None:
    daemon = Daemon()
    daemon.offer(caller(DtlsPeer(active=False), "passive", MUX), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    local = daemon.local("A")
    daemon.send("delete", delete_delay=0)
    daemon.calls.on_packet(PacketHanded(local, ep(A), daemon.now, DtlsPeer(active=True).receive()[0]))
    daemon.calls.on_path_deadline(daemon.now + 100)
    assert not daemon.apply().datagrams and daemon.calls.next_path_at == float("inf")
