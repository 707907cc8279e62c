# SPDX-License-Identifier: GPL-3.0-or-later
"""ICE in offers and answers, and calls whose media follow it."""
from __future__ import annotations

import pytest

from controlplane.ice.phase import Phase
from controlplane.session.ice import Ice
from tests.unit.session.calls import V4, V6, Daemon, ep, port_of, sdp, spec
from tests.unit.session.ice_peers import IceNetwork, IceParty, admitted, ice_values

NOWHERE = "0.0.0.0:9"
ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv",
       "a=candidate:1 1 UDP 2130706431 192.0.2.10 41000 typ host")


def a_party(**options) -> IceParty:
    return IceParty("192.0.2.10:41000", seed=1, controlling=True, **options)


def b_party(*bases: str, **options) -> IceParty:
    return IceParty(*(bases or ("198.51.100.20:42000",)), seed=2, controlling=False, **options)


def state(daemon: Daemon, tag: str) -> Ice:
    found = daemon.party(tag).medias[0].ice
    assert found is not None
    return found


# --- what is printed ---

def test_forced_ice_shows_all_our_addresses():
    body = Daemon().offer(sdp(), ice="force")
    values = ice_values(body)
    port = port_of(body)
    assert len(values["ice-ufrag"][0]) == 8 and len(values["ice-pwd"][0]) == 26
    words = [candidate.split() for candidate in values["candidate"]]
    assert [word[1:5] for word in words] == [
        ["1", "UDP", "2130706431", V4], ["1", "UDP", "2130706175", V6],
        ["2", "UDP", "2130706430", V4], ["2", "UDP", "2130706174", V6]]
    assert (words[0][5], words[2][5]) == (str(port), str(port + 1))
    assert words[0][0] == words[2][0] != words[1][0] == words[3][0]
    assert "end-of-candidates" not in body and "ice-options" not in body and "ice-lite" not in body


def test_the_advertised_address_is_shown_and_the_socket_used():
    daemon = Daemon(spec("default", "10.0.0.5", "203.0.113.99"))
    body = daemon.offer(sdp(), ice="force")
    assert "203.0.113.99" in ice_values(body)["candidate"][0] and "10.0.0.5" not in body


@pytest.mark.parametrize("fields, offered", [
    ({}, True), ({"ice": "default"}, True), ({"ice": "remove"}, False), ({"ice": "force"}, True),
    ({"flags": "ice-reject"}, True)])
def test_a_sender_with_ice(fields, offered):
    daemon = Daemon()
    body = daemon.offer(sdp("192.0.2.10", 41000, *ICE), **fields)
    assert ("a=ice-ufrag:" in body) == offered and "abcd" not in body
    answer = daemon.answer(sdp("198.51.100.20", 42000))
    assert ("a=ice-ufrag:" in answer) == ("flags" not in fields)


@pytest.mark.parametrize("fields, offered", [({}, False), ({"ice": "default"}, False), ({"ice": "force"}, True),
                                             ({"ice": "optional"}, True), ({"ice": "remove"}, False)])
def test_a_sender_without_ice(fields, offered):
    daemon = Daemon()
    assert ("a=ice-ufrag:" in daemon.offer(sdp(), **fields)) == offered
    assert "a=ice" not in daemon.answer(sdp("198.51.100.20", 42000, *ICE))


def test_what_the_answerer_declined_stays_declined_until_it_is_forced():
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    assert "a=ice-ufrag:" in daemon.answer(sdp("198.51.100.20", 42000))
    assert "a=ice" not in daemon.offer(sdp("192.0.2.10", 41000, *ICE), to_tag="B")
    assert "a=ice-ufrag:" in daemon.offer(sdp("192.0.2.10", 41000, *ICE), to_tag="B", ice="force")


def test_trickling_is_announced_only_if_asked_for():
    body = Daemon().offer(sdp(), ice="force", flags="trickle-ice ice2")
    assert "a=ice-options:trickle ice2\n" in body and body.endswith("a=end-of-candidates\n")


@pytest.mark.parametrize("value, to_b, to_a", [
    ("forward", True, False), ("backward", False, True), ("both", True, True), ("off", False, False)])
def test_lite(value, to_b, to_a):
    daemon = Daemon()
    body = daemon.offer(sdp("192.0.2.10", 41000, *ICE), ice_lite=value)
    assert ("t=0 0\na=ice-lite\n" in body) == to_b
    assert ("a=ice-lite" in daemon.answer(sdp("198.51.100.20", 42000, *ICE))) == to_a


def test_the_other_sides_new_port_changes_nothing_for_the_receiver():
    daemon = Daemon()
    first = daemon.offer(sdp(), ice="force")
    again = daemon.offer(sdp("192.0.2.10", 41002), ice="force")
    assert again == first
    assert daemon.offer(sdp("192.0.2.10", 41004), ice="force", flags="no-port-latching") != first


def test_a_peers_restart_renews_our_credentials_towards_it_alone():
    daemon = Daemon()
    offer = daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    answer = daemon.answer(sdp("198.51.100.20", 42000, *ICE))
    restarted = sdp("192.0.2.10", 41000, "a=ice-ufrag:efgh", *ICE[1:])
    assert ice_values(daemon.offer(restarted, to_tag="B"))["ice-ufrag"] == ice_values(offer)["ice-ufrag"]
    again = daemon.answer(sdp("198.51.100.20", 42000, *ICE))
    assert ice_values(again)["ice-ufrag"] != ice_values(answer)["ice-ufrag"]
    assert port_of(again) == port_of(answer)


def test_reset_renews_our_credentials_towards_the_receiver():
    daemon = Daemon()
    offer = daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    daemon.answer(sdp("198.51.100.20", 42000, *ICE))
    again = daemon.offer(sdp("192.0.2.10", 41000, *ICE), to_tag="B", flags="reset")
    assert ice_values(again)["ice-ufrag"] != ice_values(offer)["ice-ufrag"]


def test_no_other_interface_is_shown():
    daemon = Daemon(spec("default", V4), spec("other", "203.0.113.6"))
    assert len(ice_values(daemon.offer(sdp(), ice="force"))["candidate"]) == 2


def test_all_sockets_are_closed_in_the_end():
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *ICE))
    assert daemon.sockets.open == 8
    daemon.calls.terminate(daemon.call, daemon.now)
    daemon.apply()
    assert daemon.sockets.open == 0


# --- media ---

def established(one: IceParty | None, other: IceParty | None, **fields) -> tuple[Daemon, IceNetwork]:
    """A call whose parties have told each other everything; None is a party without ICE."""
    daemon = Daemon()
    offered = daemon.offer(one.sdp() if one is not None else sdp(), **fields)
    answered = daemon.answer(other.sdp() if other is not None else sdp("198.51.100.20", 42000))
    for party, body in ((one, answered), (other, offered)):
        if party is not None:
            party.hear(body, daemon.now)
    return daemon, IceNetwork(daemon, *[party for party in (one, other) if party is not None])


def test_both_sides_with_ice():
    one, other = a_party(), b_party()
    daemon, net = established(one, other)
    a, b = daemon.local("A"), daemon.local("B")
    assert admitted(daemon, a) == NOWHERE and daemon.sends_to(a) == ["198.51.100.20:42000"]
    net.run(2)
    assert state(daemon, "A").agent.phase is state(daemon, "B").agent.phase is Phase.COMPLETED
    assert one.agent.phase is other.agent.phase is Phase.COMPLETED
    assert not state(daemon, "A").agent.controlling and state(daemon, "B").agent.controlling
    assert (admitted(daemon, a), admitted(daemon, b)) == ("192.0.2.10:41000", "198.51.100.20:42000")
    assert daemon.sends_to(a) == ["198.51.100.20:42000"] and daemon.sends_to(b) == ["192.0.2.10:41000"]
    assert daemon.targets[a].offload and daemon.targets[b].offload


def test_one_side_without_ice():
    other = b_party()
    daemon, net = established(None, other, ice="force")
    net.run(2)
    a, b = daemon.local("A"), daemon.local("B")
    assert not daemon.targets[a].stun and daemon.targets[a].learning
    assert daemon.sends_to(a) == ["198.51.100.20:42000"]
    assert admitted(daemon, b) == "198.51.100.20:42000"


def test_an_offerer_that_decides():
    one = a_party()
    daemon, net = established(one, None, ice="remove")
    net.run(2)
    assert admitted(daemon, daemon.local("A")) == "192.0.2.10:41000"
    assert one.agent.controlling and not daemon.targets[daemon.local("B")].stun


def test_the_other_family_moves_the_stream_to_another_socket():
    other = b_party("[2001:db8::20]:42000")
    daemon = Daemon()
    offered = daemon.offer(sdp(), ice="force")
    before = daemon.local(None)
    daemon.answer(sdp("198.51.100.20", 42000, *other.lines))
    other.hear(offered, daemon.now)
    IceNetwork(daemon, other).run(2)
    after = daemon.local("B")
    assert (before.family, after.family) == (4, 6)
    assert admitted(daemon, after) == "[2001:db8::20]:42000"
    assert daemon.sends_to(daemon.local("A")) == ["[2001:db8::20]:42000"]
    assert admitted(daemon, before) == NOWHERE and daemon.sends_to(after) == ["192.0.2.10:41000"]
    again = daemon.offer(sdp(), to_tag="B", ice="force")
    assert f"m=audio {after.port} RTP/AVP 8 0\nc=IN IP6 {V6}\n" in again
    assert [line.split()[3:6] for line in ice_values(again)["candidate"]] == [["2130706175", V6, str(after.port)]]
    assert ice_values(again)["remote-candidates"] == ["1 2001:db8::20 42000"]


def test_rtcp_has_a_path_of_its_own():
    other = b_party("198.51.100.20:42000", "198.51.100.20:42777")
    daemon, net = established(None, other, ice="force")
    net.run(2)
    assert daemon.sends_to(daemon.local("A", 1), rtcp=True) == ["198.51.100.20:42777"]
    assert admitted(daemon, daemon.local("B", 1)) == "198.51.100.20:42777"


def test_a_peer_that_moves_takes_its_media_along():
    one, other = a_party(), b_party()
    daemon, net = established(one, other)
    net.run(2)
    moved = IceParty("192.0.2.99:5555", seed=7, controlling=True)
    net.parties = (moved, other)
    daemon.offer(moved.sdp(), to_tag="B")
    a, b = daemon.local("A"), daemon.local("B")
    assert daemon.sends_to(b) == ["192.0.2.10:41000"]
    answered = daemon.answer(other.sdp())
    moved.hear(answered, daemon.now)
    net.run(2)
    assert admitted(daemon, a) == "192.0.2.99:5555" and daemon.sends_to(b) == ["192.0.2.99:5555"]


def test_consent_withdrawn_ends_media():
    other = b_party()
    daemon, net = established(None, other, ice="force")
    net.run(2)
    net.cut = True
    net.run(31)
    assert state(daemon, "B").agent.reason == "the peer does not consent any more"
    assert daemon.sends_to(daemon.local("A")) == [] and admitted(daemon, daemon.local("B")) == NOWHERE
    media, = daemon.send("query")["tags"]["B"]["medias"]
    assert media["ICE"] == {"state": "has failed", "reason": "the peer does not consent any more"}


def test_packets_without_stun_move_nothing():
    one, other = a_party(), b_party()
    daemon, net = established(one, other)
    net.run(2)
    a, b = daemon.local("A"), daemon.local("B")
    daemon.packet(a, "198.51.100.66:666")
    net.run(10)
    assert daemon.sends_to(b) == ["192.0.2.10:41000"]


def test_operators_are_told_how_far_it_is():
    other = b_party()
    daemon, net = established(None, other, ice="force")
    assert daemon.party("B").medias[0].ice_state == "checks candidate pairs"
    net.run(2)
    assert daemon.party("B").medias[0].ice_state == "a pair is nominated"
    media, = daemon.send("query")["tags"]["B"]["medias"]
    assert "ICE controlling" in media["flags"] and "ICE" in media["flags"] and "ICE" not in media
    net.cut = True
    net.run(60)
    media, = daemon.send("query")["tags"]["B"]["medias"]
    assert media["ICE"] == {"state": "has failed", "reason": "the peer does not consent any more"}


# --- trickle ---

def trickled(daemon: Daemon, party: IceParty, *lines: str, call_id: str = "c1") -> dict:
    body = "\n".join(["a=ice-ufrag:" + party.agent.local.ufrag, "m=audio 9 RTP/AVP 0", *lines, ""])
    return daemon.send("offer", sdp=body, from_tag="B", flags="fragment", call_id=call_id)


def test_trickled_candidates_lead_to_a_path():
    other = b_party()
    daemon = Daemon()
    offered = daemon.offer(sdp(), ice="force", flags="trickle-ice")
    silent = [line for line in other.lines if not line.startswith("a=candidate")]
    daemon.answer(sdp("198.51.100.20", 42000, *silent, "a=ice-options:trickle"))
    other.hear(offered, daemon.now)
    net = IceNetwork(daemon, other)
    other.agent.checklist.clear()  # so that only our checks can find it
    net.run(45)
    assert state(daemon, "B").agent.phase is Phase.CHECKING
    assert trickled(daemon, other, *[line for line in other.lines if "candidate" in line], "a=end-of-candidates") == {}
    net.run(2)
    assert admitted(daemon, daemon.local("B")) == "198.51.100.20:42000"
    assert state(daemon, "B").complete


def test_candidates_that_come_too_early_wait_for_their_party():
    other = b_party()
    daemon = Daemon()
    candidates = [line for line in other.lines if "candidate" in line]
    assert trickled(daemon, other, *candidates) == {}
    silent = [line for line in other.lines if not line.startswith("a=candidate")]
    daemon.offer(sdp("198.51.100.20", 42000, *silent, "a=ice-options:trickle"), from_tag="B")
    assert [str(each.endpoint) for each in state(daemon, "B").candidates] == ["198.51.100.20:42000"]
    assert trickled(daemon, other, *candidates, call_id="c2") == {}
    daemon.now += 4
    daemon.send("offer", sdp=sdp("198.51.100.20", 42000, *silent, "a=ice-options:trickle"), from_tag="B", call_id="c2")
    assert daemon.calls.calls["c2"].parties[0].medias[0].ice.candidates == []


def test_candidates_of_another_generation_are_ignored():
    other = b_party()
    daemon = Daemon()
    daemon.offer(sdp("198.51.100.20", 42000, *ICE[:2], "a=ice-options:trickle"), from_tag="B")
    trickled(daemon, other, *[line for line in other.lines if "candidate" in line])
    assert state(daemon, "B").candidates == []


def test_sockets_of_a_bundle_are_those_of_its_head():
    daemon = Daemon()
    body = daemon.offer(sdp() + "m=video 43000 RTP/AVP 97\na=rtpmap:97 H264/90000\n", ice="force", bundle="require",
                        rtcp_mux="require", flags="trickle-ice generate-mid")
    values = ice_values(body)
    assert len(values["ice-ufrag"]) == 2 and len(set(values["ice-ufrag"])) == 1
    assert len(values["candidate"]) == 4 and len(set(values["candidate"])) == 2
    assert ep(f"{V4}:{port_of(body)}") in daemon.targets


# --- one party alone ---

def test_a_subscriber_is_offered_ice_and_gets_media_where_its_checks_come_from():
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    subscriber = IceParty("198.51.100.30:43000", seed=3, controlling=False)
    reply = daemon.send("subscribe request", from_tag="A", to_tag="S", ice="force", flags="to-tag",
                        rtcp_mux="require")
    body = bytes(reply["sdp"]).decode().replace("\r\n", "\n")
    assert len(ice_values(body)["candidate"]) == 2
    daemon.send("subscribe answer", to_tag="S", sdp=subscriber.sdp("a=recvonly"))
    subscriber.hear(body, daemon.now)
    a = daemon.local("A")
    IceNetwork(daemon, subscriber).run(2)
    assert "198.51.100.30:43000" in daemon.sends_to(a)
    assert admitted(daemon, daemon.local("S")) == "198.51.100.30:43000"


@pytest.mark.parametrize("lines, fields, offered", [
    (ICE, {}, True), ((), {}, False), (ICE, {"ice": "remove"}, False), ((), {"ice": "force"}, True)])
def test_a_subscriber_is_offered_what_the_source_has(lines, fields, offered):
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, *lines))
    reply = daemon.send("subscribe request", from_tag="A", **fields)
    assert (b"a=ice-ufrag" in bytes(reply["sdp"])) == offered


def test_a_publisher_with_ice():
    daemon = Daemon()
    publisher = a_party()
    body = daemon.body("publish", from_tag="P", sdp=publisher.sdp("a=sendonly"))
    assert len(ice_values(body)["candidate"]) == 2
    publisher.hear(body, daemon.now)
    IceNetwork(daemon, publisher).run(2)
    assert admitted(daemon, daemon.local("P")) == "192.0.2.10:41000"
    assert "a=ice" not in daemon.body("publish", from_tag="Q", sdp=sdp("192.0.2.11"), ice="force")


def test_a_created_party_is_offered_ice_if_it_is_forced():
    daemon = Daemon()
    assert "a=ice" not in daemon.body("create", from_tag="X")
    body = daemon.body("create", from_tag="Y", ice="force", ice_lite="forward")
    assert "a=ice-ufrag" in body and "t=0 0\na=ice-lite\n" in body
    daemon.send("create answer", from_tag="Y", sdp=sdp("192.0.2.10", 41000))
    assert daemon.party("Y").medias[0].ice is None


def test_ice_is_no_cause_for_warnings(caplog):
    daemon = Daemon()
    reply = daemon.send("offer", sdp=sdp("192.0.2.10", 41000, *ICE), from_tag="A")
    assert "warning" not in reply and not caplog.records and not daemon.warnings


@pytest.mark.parametrize("merged", ["c1", "c2"])
def test_ice_goes_on_when_calls_are_merged(merged):
    publisher = a_party()
    daemon = Daemon()
    body = daemon.body("publish", from_tag="P", sdp=publisher.sdp("a=sendonly"), call_id="c1")
    daemon.body("publish", from_tag="Q", sdp=sdp("192.0.2.11"), call_id="c2")
    other = {"c1": "c2", "c2": "c1"}[merged]
    tags = {"c1": "P", "c2": "Q"}
    daemon.send("connect", call_id=other, from_tag=tags[other], to_tag=tags[merged], to_call_id=merged)
    assert len(daemon.calls.calls) == 1
    publisher.hear(body, daemon.now)
    IceNetwork(daemon, publisher).run(8)
    party = next(party for call in daemon.calls.calls.values() for party in call.parties if party.tag == "P")
    assert admitted(daemon, party.medias[0].streams[0].local) == "192.0.2.10:41000"
    assert party.medias[0].ice.agent.phase is Phase.COMPLETED


def test_a_member_of_a_bundle_that_passes_through_shows_the_sockets_of_the_head():
    daemon = Daemon()
    body = daemon.offer(sdp() + "m=audio 41002 RTP/AVP 8\n" + "\n".join(ICE) + "\n", ice="optional", bundle="require")
    ours = [candidate for candidate in ice_values(body)["candidate"] if V6 in candidate or V4 in candidate]
    assert ours and set(daemon.sockets_of(daemon.call.parties[1])) <= set(daemon.targets)
