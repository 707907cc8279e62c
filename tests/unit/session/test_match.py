# SPDX-License-Identifier: GPL-3.0-or-later
"""Forks, late tags, aliases, and who is linked to whom."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from tests.unit.session.calls import Daemon, established, port_of, sdp

A, B1, B2 = sdp(), sdp("198.51.100.21", 42100), sdp("198.51.100.22", 42200)


def test_an_offer_makes_a_party_and_an_untagged_one() -> None:
    daemon = Daemon()
    daemon.offer(A, via_branch="z1")
    caller, callee = daemon.call.parties
    assert (caller.tag, caller.type, caller.branch) == ("A", "FROM_TAG", None)
    assert (callee.tag, callee.type, callee.branch) == (None, "TO_TAG", "z1")
    daemon.answer(B1)
    assert callee.tag == "B"


def test_repeated_offers_use_the_same_party_and_ports() -> None:
    daemon = Daemon()
    assert daemon.offer(A) == daemon.offer(A)
    assert len(daemon.call.parties) == 2 and daemon.sockets.open == 4


def test_fork_by_branch() -> None:
    daemon = Daemon()
    first = daemon.offer(A, via_branch="z1")
    second = daemon.offer(A, via_branch="z2")
    assert port_of(first) != port_of(second)
    assert daemon.offer(A, via_branch="z1") == first
    a = daemon.party("A")
    assert len(a.peers) == 2 and len(daemon.call.parties) == 3
    local = a.medias[0].streams[0].local
    daemon.answer(B2, to_tag="B2", via_branch="z2")
    assert [peer.tag for peer in a.peers] == ["B2"] and a.medias[0].streams[0].local == local
    assert daemon.sends_to(daemon.local("A")) == ["198.51.100.22:42200"]
    assert daemon.sends_to(port_local(daemon, first)) == []
    daemon.answer(B1, to_tag="B1", via_branch="z1")
    assert [party.tag for party in daemon.call.parties] == ["A", "B1", "B2"]
    assert [peer.tag for peer in a.peers] == ["B1"]


def port_local(daemon: Daemon, body: str):  # type: ignore[no-untyped-def]
    return next(local for local in daemon.targets if local.port == port_of(body))


def test_all_branches_may_send_to_the_caller_until_one_answers() -> None:
    daemon = Daemon()
    bodies = [daemon.offer(A, via_branch=branch) for branch in ("z1", "z2")]
    for body in bodies:
        assert daemon.sends_to(port_local(daemon, body)) == ["192.0.2.10:41000"]


def test_offer_with_an_unknown_to_tag_is_a_new_branch() -> None:
    daemon = established()
    daemon.offer(A, to_tag="other")
    assert len(daemon.call.parties) == 3


def test_offer_from_the_callee() -> None:
    daemon = established()
    daemon.offer(sdp("198.51.100.20", 42000), from_tag="B", to_tag="A")
    daemon.answer(A, from_tag="B", to_tag="A")
    assert len(daemon.call.parties) == 2
    assert [party.type for party in daemon.call.parties] == ["FROM_TAG", "TO_TAG"]


def test_known_tags_are_associated_when_needed() -> None:
    daemon = Daemon()
    daemon.offer(A, via_branch="z1")
    daemon.answer(B1, to_tag="B1")
    daemon.offer(A, via_branch="z2")
    daemon.answer(B2, to_tag="B2")
    assert [peer.tag for peer in daemon.party("A").peers] == ["B2"]
    daemon.offer(A, to_tag="B1")
    assert [peer.tag for peer in daemon.party("A").peers] == ["B2", "B1"]


def test_a_second_tag_of_a_branch_becomes_current_and_the_first_an_alias() -> None:
    daemon = Daemon()
    daemon.offer(A)
    daemon.answer(B1, to_tag="B1")
    daemon.answer(B1, to_tag="B2")
    assert daemon.party("B2").aliases == ["B1"] and len(daemon.call.parties) == 2
    assert daemon.call.tags["B1"] is daemon.call.tags["B2"]
    daemon.answer(B1, to_tag="B3", flags="new-branch")
    assert len(daemon.call.parties) == 3


def test_a_final_response_ends_the_renaming() -> None:
    final = {"sip_message_type": "response", "sip_code": 200}
    daemon = Daemon()
    daemon.offer(A)
    daemon.answer(B1, to_tag="B1", **final)
    daemon.answer(B1, to_tag="B2", flags="provisional")
    assert len(daemon.call.parties) == 2
    daemon.answer(B1, to_tag="B3")
    assert len(daemon.call.parties) == 3
    daemon.offer(A, to_tag="B3")
    assert not daemon.party("B3").final


def test_talking_to_oneself() -> None:
    daemon = established()
    for command in (daemon.offer, daemon.answer):
        with pytest.raises(PeerError, match="Invalid dialogue association"):
            command(A, from_tag="A", to_tag="A")
    assert "c1" in daemon.calls.calls


def test_own_branch_is_no_receiver() -> None:
    daemon = Daemon()
    daemon.offer(A, via_branch="z1")
    daemon.answer(B1)
    daemon.offer(B1, from_tag="B", via_branch="z1")
    assert len(daemon.call.parties) == 3
