# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept from going on, and for whom."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from controlplane.events import PayloadRule
from tests.unit.session.calls import Daemon, established, sdp


def conference() -> Daemon:
    daemon = established()
    daemon.send("subscribe request", from_tag="A", to_tag="S")
    daemon.send("subscribe answer", to_tag="S", sdp=sdp("203.0.113.99", 50000, "a=recvonly"))
    return daemon


def gets(daemon: Daemon) -> str:
    """Who gets whose media, as ``A<B S<A``."""
    return " ".join(f"{tag}<{''.join(daemon.gets(tag))}" for tag in "ABS" if daemon.gets(tag))


@pytest.mark.parametrize("fields, expected", [
    ({}, ""), ({"all": "all"}, ""), ({"from_tag": "A"}, ""),
    ({"from_tag": "A", "flags": "directional"}, "A<B"), ({"label": "alice"}, "A<B"),
    ({"label": "alice", "to_tag": "S"}, "A<B B<A"), ({"label": "alice", "to_label": "bob"}, "A<B S<A"),
    ({"label": "alice", "all": "offer-answer"}, "A<B S<A"),
    ({"label": "alice", "all": "except-offer-answer"}, "A<B B<A"), ({"label": "alice", "all": "flows"}, "A<B")])
def test_blocked_media(fields: dict[str, str], expected: str) -> None:
    daemon = conference()
    daemon.party("A").label, daemon.party("B").label = "alice", "bob"
    assert daemon.send("block media", **fields) == {} and gets(daemon) == expected
    daemon.send("unblock media", **fields)
    assert gets(daemon) == "A<B B<A S<A"


def test_unblocking_the_call_leaves_parties_blocked_unless_all_are_meant() -> None:
    daemon = conference()
    daemon.send("block media", from_tag="A", flags="directional")
    daemon.send("unblock media")
    assert gets(daemon) == "A<B"
    daemon.send("unblock media", all="all")
    assert gets(daemon) == "A<B B<A S<A"


def test_a_renewed_subscription_stays_blocked() -> None:
    daemon = conference()
    daemon.send("block media", from_tag="A", flags="directional", to_tag="S")
    daemon.send("subscribe request", from_tag="A", to_tag="S")
    daemon.send("subscribe answer", to_tag="S", sdp=sdp("203.0.113.99", 50000, "a=recvonly"))
    assert gets(daemon) == "A<B B<A"


def test_silence() -> None:
    daemon = conference()
    daemon.send("silence media", from_tag="A", to_tag="B")
    outputs = {str(output.destination): output.rules for output in daemon.targets[daemon.local("A")].rtp_outputs}
    assert outputs == {"198.51.100.20:42000": (PayloadRule(8, False, b"\xd5"), PayloadRule(0, False, b"\xff")),
                       "203.0.113.99:50000": ()}
    daemon.send("unsilence media", from_tag="A", to_tag="B")
    assert not any(output.rules for output in daemon.targets[daemon.local("A")].rtp_outputs)


def test_dtmf_events() -> None:
    daemon = Daemon()
    events = ("a=rtpmap:101 telephone-event/8000", "a=rtpmap:102 telephone-event/48000")
    daemon.offer(sdp("192.0.2.10", 41000, *events, formats="8 101 102"))
    daemon.answer(sdp("198.51.100.20", 42000, *events, formats="8 101 102"))
    daemon.send("block DTMF", from_tag="A", flags="directional", dtmf_security="drop")
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].rules == (PayloadRule(101, True), PayloadRule(102, True))
    assert daemon.targets[daemon.local("B")].rtp_outputs[0].rules == ()
    daemon.send("block DTMF", from_tag="A", flags="directional", dtmf_security="off")
    daemon.send("block DTMF")
    assert daemon.targets[daemon.local("B")].rtp_outputs[0].rules == (PayloadRule(101, True), PayloadRule(102, True))
    daemon.send("unblock DTMF")
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].rules == ()
    daemon.offer(sdp("192.0.2.10", 41000, *events, formats="8 101"), to_tag="B", flags="block-dtmf")
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].rules == (PayloadRule(101, True),)


@pytest.mark.parametrize("command, fields, reason", [
    ("block media", {"call_id": "no"}, "Unknown call-ID"), ("block media", {"call_id": None}, "No call-id in message"),
    ("block media", {"label": "no"}, "No monologue matching the given label"),
    ("block media", {"from_tag": "A", "flags": "directional", "to_tag": "no"},
     r"Media flow not found \(to-tag not found\)"),
    ("silence media", {"from_tag": "A", "to_label": "no"}, r"Media flow not found \(to-label not found\)"),
    ("silence media", {"from_tag": "B", "to_tag": "S"}, r"Media flow not found \(to-tag not subscribed\)"),
    ("silence media", {"from_tag": "B", "all": "except-offer-answer"}, "No eligible media subscriptions found"),
    ("block DTMF", {"dtmf_security": "silence"}, "unsupported"), ("play media", {}, "unsupported"),
    ("start recording", {}, "unsupported"), ("start forwarding", {"call_id": "no"}, "Unknown call-ID")])
def test_what_cannot_be_done(command: str, fields: dict[str, str], reason: str) -> None:
    with pytest.raises(PeerError, match=f"^{reason}$"):
        conference().send(command, **fields)


def test_forwarding_is_remembered() -> None:
    daemon = established()
    daemon.send("start forwarding", from_tag="A", flags="directional", metadata="m")
    assert daemon.warnings
    reply = daemon.send("query")
    assert reply["recording"] == {"call recording": 0, "forwarding": 0} and reply["metadata"] == "m"
    assert reply["tags"]["A"]["recording"] == {"excluded": 0, "forwarding": 1}
    daemon.send("start forwarding")
    assert daemon.send("query")["recording"]["forwarding"] == 1
    daemon.send("stop forwarding", all="all")
    assert "recording" not in daemon.send("query")


@pytest.mark.parametrize("asked, reported", [(False, ()), (True, (101, 102))])
def test_reported_events(asked: bool, reported: tuple[int, ...]) -> None:
    """Those that either may send; those of a socket for RTCP too, which may be multiplexed."""
    daemon = Daemon(reports_events=asked)
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtpmap:101 telephone-event/8000", formats="8 101"))
    daemon.answer(sdp("192.0.2.20", 42000, "a=rtpmap:102 Telephone-Event/8000", formats="8 102"))
    assert {target.reported for target in daemon.targets.values()} == {reported}
