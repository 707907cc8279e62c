# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told who asks what happened to a call, while it lasts and when it is over."""
from __future__ import annotations

import re

import pytest

from controlplane.chronicle import REASONS, events
from controlplane.session import past, timeouts, trail
from controlplane.session.adoption import stand_by, take_over
from tests.peers.dtls import DtlsPeer
from tests.unit.session.calls import Daemon, ep, established, sdp, spec
from tests.unit.session.test_dtls import callee, converse
from tests.unit.session.test_dtls import caller as dtls_caller
from tests.unit.session.test_ice import a_party
from tests.unit.session.test_ice import established as with_ice
from tests.unit.session.test_keys import caller, line

A, B, ELSEWHERE = "192.0.2.10:41000", "198.51.100.20:42000", "203.0.113.77:9"


def told(daemon: Daemon, call_id: str = "c1") -> list[str]:
    """The lines without the time of day, which is the host's own."""
    calls = daemon.calls
    lines = events(calls.find(call_id), calls.past.find(call_id, daemon.now), daemon.now)
    return [re.sub(r"^  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +", "", text) for text in lines or ()]


def test_an_ordinary_call_in_the_order_of_what_happened() -> None:
    daemon = established()
    a, b = daemon.local("A"), daemon.local("B")
    daemon.packet(a, A, after=0.5)
    daemon.packet(b, B)
    daemon.send("delete", delete_delay=0)
    assert told(daemon)[:-4] == [
        "Call c1 from 127.0.0.1:5000, ended after 0.5 s: REGULAR, deleted as asked for",
        "+0.000  offer from 127.0.0.1:5000, from-tag 'A'",
        f"+0.000  opened {b}, {b._replace(port=b.port + 1)}",
        f"+0.000  opened {a}, {a._replace(port=a.port + 1)}",
        "+0.000  answer from 127.0.0.1:5000, from-tag 'A', to-tag 'B'",
        f"+0.500  packets to {a} come from {A}, for good",
        f"+0.500  packets to {b} come from {B}, for good",
        "+0.500  delete from 127.0.0.1:5000",
        "+0.500  ended: REGULAR"]
    assert told(daemon)[-4:] == [
        f"  {name} of '{tag}', {local} with {there}: received 0 packets (0 in the accelerator); sent 0 (0)"
        for tag, local, there in (("A", a, ep(A)), ("B", b, ep(B)))
        for name, local, there in (("RTP", local, there), ("RTCP", local._replace(port=local.port + 1),
                                                           there._replace(port=there.port + 1)))]


def test_a_party_found_elsewhere_and_one_that_moves() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="media-handover")
    daemon.answer(sdp("198.51.100.20", 42000), flags="media-handover")
    a = daemon.local("A")
    daemon.packet(a, ELSEWHERE, after=1.0)
    assert told(daemon)[-1] == (f"+1.000  packets to {a} come from {ELSEWHERE}: its party gets packets there, "
                                f"and no longer at {A}, so far")
    daemon.packet(a, ELSEWHERE, after=3.0)
    assert told(daemon)[-1] == f"+4.000  packets to {a} come from {ELSEWHERE}, for good"


def test_an_asymmetric_party() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), flags="asymmetric")
    daemon.answer(sdp("198.51.100.20", 42000), flags="asymmetric")
    daemon.packet(daemon.local("B"), ELSEWHERE)
    assert told(daemon)[-1].endswith(f"come from {ELSEWHERE}: its party still gets packets at {B}, so far")


def test_a_time_out_is_announced_and_explained() -> None:
    daemon = established()
    daemon.packet(daemon.local("A"), A)
    daemon.pass_time(40.0)
    assert told(daemon)[-1] == "+33.000  no packets for 33.0 s; ends in 27.0 s if none come"
    daemon.answer(sdp("198.51.100.20", 42000))
    daemon.pass_time(10.0)
    assert told(daemon)[-1] == "+43.000  there are packets again, or signalling"
    daemon.pass_time(60.0)
    assert told(daemon)[0] == ("Call c1 from 127.0.0.1:5000, ended after 100.0 s: TIMEOUT, no packets came for as long "
                               "as the option timeout allows")
    assert len([text for text in told(daemon) if "no packets for" in text]) == 2


def test_the_end_of_a_final_timeout_is_no_lack_of_packets() -> None:
    daemon = established(final_timeout=20)
    daemon.pass_time(19.0)
    assert "no packets for" not in "\n".join(told(daemon))
    daemon.pass_time(2.0)
    assert "FINAL_TIMEOUT, it lasted as long as final-timeout allows" in told(daemon)[0]


def test_every_reason_has_words() -> None:
    known = {value for name, value in vars(timeouts).items() if name.isupper() and value == name}
    assert set(REASONS) == known and len(known) == 7


def test_no_ports() -> None:
    daemon = Daemon(spec("default", "203.0.113.5", ports=(30000, 30001)))
    with pytest.raises(Exception, match="Ran out of ports"):
        daemon.offer(sdp())
    assert "UNKNOWN, there were no ports for it" in told(daemon)[0]


def test_suites_are_named_and_keys_are_not() -> None:
    daemon = Daemon()
    daemon.offer(caller(line(1)), transport_protocol="RTP/AVP")
    daemon.answer(sdp("198.51.100.20", 42000))
    lines = told(daemon)
    assert lines[-1] == "+0.000  SRTP of medium 1 of 'A': with AES_CM_128_HMAC_SHA1_80"
    assert "inline" not in "".join(lines) and line(1).split("inline:")[1][:16] not in "".join(lines)
    daemon.offer(sdp(), to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert told(daemon)[-1] == "+0.000  SRTP of medium 1 of 'A': none any more"


def test_a_handshake() -> None:
    daemon, peer = Daemon(), DtlsPeer(active=True)
    daemon.offer(dtls_caller(peer, "active", "a=rtcp-mux"), transport_protocol="RTP/AVP", rtcp_mux="demux")
    daemon.answer(callee())
    local = daemon.local("A")
    converse(daemon, peer, local, begin=peer.receive())
    lines = told(daemon)
    assert any(text.startswith("+0.000  SRTP of medium 1 of 'A': with A") for text in lines)
    assert "+0.000  DTLS of medium 1 of 'A': established" in lines
    assert lines[-1] == f"+0.000  medium 1 of 'A' goes between {local} and {A}"


def test_a_handshake_that_fails() -> None:
    daemon = Daemon()
    daemon.offer(dtls_caller(DtlsPeer(active=False), "passive", "a=rtcp-mux"), transport_protocol="RTP/AVP",
                 rtcp_mux="demux")
    daemon.answer(callee())
    daemon.pass_time(45.0)
    assert any("DTLS of medium 1 of 'A': failed: no handshake within 30 seconds" in text for text in told(daemon))


def test_ice_finds_its_way_and_loses_it() -> None:
    daemon, network = with_ice(a_party(), None, ice="remove")
    network.run(2)
    lines = told(daemon)
    assert any(text.endswith("ICE of medium 1 of 'A': a pair is nominated") for text in lines)
    assert any(text.endswith(f"medium 1 of 'A' goes between {daemon.local('A')} and {A}") for text in lines)
    entries = len(daemon.call.trail.entries)
    network.run(20)
    assert len(daemon.call.trail.entries) == entries, "consent that is given again and again is nothing new"
    network.cut = True
    network.run(31)
    assert told(daemon)[-1].endswith("ICE of medium 1 of 'A': has failed: the peer does not consent any more")


def test_what_comes_too_late() -> None:
    daemon = established()
    daemon.send("delete", delete_delay=0)
    daemon.now += 2
    daemon.send("delete")
    assert told(daemon)[-5] == "+2.000  delete from 127.0.0.1:5000"
    assert told(daemon, "never") == []


def test_parties_ports_and_owners_that_change() -> None:
    daemon = established()
    take_over(daemon.call, daemon.now)
    stand_by(daemon.call, daemon.now)
    assert told(daemon)[-2:] == ["+0.000  ours from now on", "+0.000  another process's from now on"]
    daemon = established()
    gone = daemon.sockets_of(daemon.party("A"))
    daemon.offer(sdp("192.0.2.30", 44000), from_tag="C", to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000), from_tag="C", to_tag="B")
    daemon.send("delete", from_tag="A", delete_delay=1)
    daemon.pass_time(2.0)
    assert told(daemon)[-2:] == ["+1.000  party 'A' has ended", "+1.000  closed " + ", ".join(map(str, gone))]


def test_merged_calls_have_one_past_under_both_names() -> None:
    daemon = established()
    daemon.now += 1
    daemon.send("offer", call_id="c2", from_tag="C", sdp=sdp("192.0.2.30", 44000))
    daemon.send("connect", call_id="c1", from_tag="A", to_tag="C", to_call_id="c2")
    assert "+1.000  offer from 127.0.0.1:5000, from-tag 'C'" in told(daemon, "c2")
    daemon.send("delete", call_id="c1", from_tag=None, all="all", delete_delay=0)
    daemon.send("delete", call_id="c2", from_tag=None, all="all", delete_delay=0)
    assert "Call c1 = c2 from" in told(daemon, "c2")[0] and told(daemon, "c2") == told(daemon, "c1")


def test_unknown_names_are_not_sought_among_all() -> None:
    daemon = Daemon()
    for number in range(past.MOST):
        daemon.offer(sdp(), call_id=f"c{number}")
        daemon.send("delete", call_id=f"c{number}", delete_delay=0)
    looked_at = []

    class Name(str):
        """Notes what it is compared with."""

        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            looked_at.append(other)
            return str.__eq__(self, other)

    assert daemon.calls.past.find(Name("nobody"), daemon.now) is None
    assert daemon.calls.past.find(Name("c7"), daemon.now) is not None
    assert len(looked_at) < 5


def test_names_that_forge_lines() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), from_tag="x\n  2026 ended: REGULAR")
    assert told(daemon)[1].endswith(r"from-tag 'x\x0a  2026 ended: REGULAR'")


def test_the_beginning_stays_and_the_middle_is_forgotten() -> None:
    daemon = established()
    for number in range(1000):
        daemon.packet(daemon.local("A"), f"203.0.113.77:{1000 + number}", after=0.001)
        daemon.call.trail.note(daemon.now, trail.LEARNED, (ep(A), ep(A), ep(A), ep(A), False))
    lines = told(daemon)
    assert len(lines) <= trail.MOST + 2 and len(daemon.call.trail.entries) <= trail.MOST
    assert "offer from" in lines[1] and lines[1 + trail.KEPT] == (
        f"  ... {daemon.call.trail.forgotten} entries are forgotten ...")
    assert lines[-1].startswith("+1.000") and daemon.call.trail.forgotten > 900


def test_the_past_is_bounded_by_number_and_age() -> None:
    daemon = Daemon()
    for number in range(past.MOST + 10):
        daemon.offer(sdp(), call_id=f"c{number}")
        daemon.send("delete", call_id=f"c{number}", delete_delay=0)
    assert len(daemon.calls.past) == past.MOST
    assert not told(daemon, "c9") and told(daemon, "c10")
    daemon.offer(sdp(), call_id="fails")
    daemon.calls.terminate(daemon.calls.calls["fails"], daemon.now)
    for number in range(past.MOST):
        daemon.offer(sdp(), call_id=f"again{number}")
        daemon.send("delete", call_id=f"again{number}", delete_delay=0)
    assert "FORCED" in told(daemon, "fails")[0], "calls that end as they should push out no others"
    daemon.now += past.LONGEST + 1
    assert not told(daemon, "fails")
    daemon.offer(sdp())
    daemon.send("delete", delete_delay=0)
    assert len(daemon.calls.past) == 2
    daemon.offer(sdp(), call_id="x" * 10_000)
    daemon.send("delete", call_id="x" * 10_000, delete_delay=0)
    assert len(daemon.calls.past) == 2


def test_a_call_under_the_same_name_comes_first() -> None:
    daemon = established()
    daemon.send("delete", delete_delay=0)
    daemon.offer(sdp())
    assert told(daemon)[0] == "Call c1 from 127.0.0.1:5000, 0.0 s old" and len(told(daemon)) == 4
