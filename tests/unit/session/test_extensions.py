# SPDX-License-Identifier: GPL-3.0-or-later
"""Header extensions in SDP and in packets, and our sockets among somebody else's ICE candidates."""
from __future__ import annotations

import pytest

from controlplane.addresses import Address
from controlplane.events import Extensions
from controlplane.session.candidates import foundation, is_relayed, own_candidates
from controlplane.session.media import PortMapping
from controlplane.session.sockets import Place
from tests.unit.session.calls import Daemon, ep, established, sdp

OFFERED = ("a=extmap:1 foo", "a=extmap:2 bar", "a=extmap:15 no", "a=extmap:3/sendonly blah", "a=extmap:20 quux")


def extmaps(body: str) -> list[str]:
    return [line.removeprefix("a=extmap:") for line in body.splitlines() if line.startswith("a=extmap:")]


def test_extensions_are_handed_on() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp("192.0.2.10", 41000, *OFFERED))
    assert extmaps(body) == ["1 foo", "2 bar", "3 blah", "20 quux"] and "a=extmap-allow-mixed\n" in body
    assert extmaps(daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:2 bar"))) == ["2 bar"]
    output = daemon.targets[daemon.local("A")].rtp_outputs[0]
    assert output.extensions == Extensions((2,))


def test_stripped_ones_are_gone_for_both() -> None:
    daemon = Daemon()
    assert extmaps(daemon.offer(sdp("192.0.2.10", 41000, *OFFERED), extmap_strip={"blah"})) == [
        "1 foo", "2 bar", "20 quux"]
    answer = daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:1 foo", "a=extmap:2 bar"), extmap_strip={"foo"})
    assert extmaps(answer) == ["2 bar"]
    for tag in ("A", "B"):
        assert daemon.targets[daemon.local(tag)].rtp_outputs[0].extensions == Extensions((2,))


def test_masked_ones_are_accepted_from_the_offerer_alone() -> None:
    daemon = Daemon()
    assert extmaps(daemon.offer(sdp("192.0.2.10", 41000, *OFFERED), extmap_mask={"blah"})) == [
        "1 foo", "2 bar", "20 quux"]
    assert extmaps(daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:1 foo"))) == ["3 blah", "1 foo"]
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].extensions == Extensions((1,))


def test_all_extensions() -> None:
    daemon = Daemon()
    assert "extmap" not in daemon.offer(sdp("192.0.2.10", 41000, *OFFERED), extmap_strip={"all"})
    assert "a=extmap:" not in daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:1 foo"), extmap_strip={"all"})
    assert established().targets[established().local("A")].rtp_outputs[0].extensions is None


SOCKETS = (ep("203.0.113.5:30000"), ep("203.0.113.5:30001"))


@pytest.mark.parametrize("received, kind, priority", [
    ([], "host", 2130706431),
    (["1 1 UDP 2130706431 192.0.2.1 5 typ host"], "host", 2097152255),
    (["1 1 UDP 2130706175 192.0.2.1 5 typ host"], "host", 2130706431),
    (["1 1 UDP 2130705919 192.0.2.1 5 typ host", "2 1 UDP 2130706431 192.0.2.1 6 typ host"], "host", 2130706175),
    (["1 2 UDP 2130706430 192.0.2.1 5 typ host", "1 1 UDP 1694498815 192.0.2.1 5 typ srflx", "junk"], "host",
     2130706431),
    ([], "relay", 16777215),
])
def test_own_candidates_rank_last(received: list[str], kind: str, priority: int) -> None:
    place = Place("default", Address.parse("203.0.113.5"), Address.parse("203.0.113.9"))
    rtp, rtcp = own_candidates([PortMapping(place, SOCKETS)], received, kind, "a")
    name = foundation("a", place.address, 4)
    related = " raddr 203.0.113.9 rport 30000" if kind == "relay" else ""
    assert rtp == f"candidate:{name} 1 UDP {priority} 203.0.113.9 30000 typ {kind}{related}"
    assert rtcp.startswith(f"candidate:{name} 2 UDP {priority - 1} 203.0.113.9 30001 typ {kind}")


def test_own_candidates_of_further_addresses_rank_below_the_first_in_32_bits() -> None:
    places = [Place("default", Address.parse(text), Address.parse(text)) for text in ("203.0.113.5", "2001:db8:7::5")]
    sockets = [PortMapping(place, (ep(f"[::1]:{port}"), ep(f"[::1]:{port + 1}")))
               for place, port in zip(places, (30000, 30100))]
    lines = own_candidates(sockets, ["1 1 UDP 2130706431 192.0.2.1 5 typ host"], "host", "a")
    assert [line.split()[1:6] for line in lines] == [
        ["1", "UDP", "2097152255", "203.0.113.5", "30000"], ["1", "UDP", "4294967295", "2001:db8:7::5", "30100"],
        ["2", "UDP", "2097152254", "203.0.113.5", "30001"], ["2", "UDP", "4294967294", "2001:db8:7::5", "30101"]]


def test_candidates_as_attributes() -> None:
    assert is_relayed("candidate:1 1 UDP 1 192.0.2.1 5 typ relay raddr 192.0.2.1 rport 5")
    assert not is_relayed("candidate:1 1 UDP 1 192.0.2.1 5 typ host") and not is_relayed("candidate:relay")
    names = {foundation(instance, Address.parse(address), family) for instance in "ab"
             for address in ("192.0.2.1", "::1") for family in (4, 6)}
    assert len(names) == 8 and {len(name) for name in names} == {16}


ICE = ("a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv",
       "a=candidate:1 1 UDP 2130706431 192.0.2.10 41000 typ host")


@pytest.mark.parametrize("ice, kind", [("optional", "host"), ("force-relay", "relay")])
def test_bodies_that_pass_through_show_the_peer_and_us(ice: str, kind: str) -> None:
    daemon = Daemon()
    body = daemon.offer(sdp("192.0.2.10", 41000, "a=mid:x", *ICE), ice=ice)
    assert "m=audio 41000 RTP/AVP 8 0\nc=IN IP4 192.0.2.10\na=mid:x\n" in body
    local = daemon.local(None)
    assert f" {local.address} {local.port} typ {kind}" in body and body.count("a=candidate:") == 5
    assert not daemon.targets[local].is_rtp and daemon.sends_to(local) == ["192.0.2.10:41000"]


def test_pass_through_is_kept_until_told_otherwise() -> None:
    daemon = Daemon()
    assert "m=audio 41000 " in daemon.offer(sdp(), passthrough=True)
    assert "m=audio 42000 " in daemon.answer(sdp("198.51.100.20", 42000))
    assert "m=audio 41000 " in daemon.offer(sdp(), to_tag="B")
    assert "m=audio 3" in daemon.offer(sdp(), to_tag="B", passthrough=False)


def test_other_groups_are_repeated_with_forced_relay() -> None:
    body = Daemon().offer(sdp().replace("t=0 0\n", "t=0 0\na=group:LS 1 2\na=x\n"), ice="force-relay")
    assert "t=0 0\na=group:LS 1 2\na=x\n" in body


def test_a_rejected_section_does_not_tell_whether_extensions_may_be_mixed() -> None:
    """As recorded in main:61: what the party has said of them before counts on."""
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=extmap:1 urn:x"))
    daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:1 urn:x"))
    asked = sdp("198.51.100.20", 42000, "a=extmap:1 urn:x") + "m=audio 42002 RTP/AVP 8\n"
    for port, mixed in ((0, False), (41000, True)):
        daemon.offer(asked, from_tag="B", to_tag="A")
        daemon.answer(sdp("192.0.2.10", port) + "m=audio 41002 RTP/AVP 8\n", from_tag="B", to_tag="A")
        assert ("a=extmap-allow-mixed\n" in daemon.offer(asked, from_tag="B", to_tag="A")) == mixed
