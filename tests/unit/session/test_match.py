# SPDX-License-Identifier: GPL-3.0-or-later
"""Forks, late tags, aliases, and who is linked to whom."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from controlplane.session.call import MAX_ALIAS_KEYS, MAX_PARTIES, MAX_TAGS
from tests.unit.session.calls import V4, Daemon, established, port_of, sdp, spec

A, B1, B2 = sdp(), sdp("198.51.100.21", 42100), sdp("198.51.100.22", 42200)


def test_an_offer_makes_a_party_and_an_untagged_one() -> None:
    daemon = Daemon()
    daemon.offer(A, via_branch="z1")
    caller, callee = daemon.call.parties
    assert (caller.tag, caller.type, caller.branch) == ("A", "FROM_TAG", None)
    assert (callee.tag, callee.type, callee.branch) == (None, "UNKNOWN", "z1")
    daemon.answer(B1)
    assert (callee.tag, callee.type) == ("B", "TO_TAG")


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


@pytest.mark.parametrize("keys", [{"to_tag": "C"}, {"via_branch": "z2"}])
def test_a_transfer_cuts_off_the_former_partner_when_it_is_answered(keys: dict[str, str]) -> None:
    daemon = established()
    daemon.offer(A, **keys)
    assert daemon.gets("A") == ["", "B"] and daemon.gets("B") == ["A"], "who answers is not sure yet"
    daemon.answer(B2, **{"to_tag": "C", **keys})
    assert (daemon.gets("A"), daemon.gets("B"), daemon.gets("C")) == (["C"], [], ["A"])


@pytest.mark.parametrize("gone", ["A", "B"])
def test_who_answers_somebody_else_hears_the_former_partner_no_more(gone: str) -> None:
    """10.5 lets it hear both until the call is over."""
    daemon = established()
    daemon.offer(B2, from_tag="C", to_tag=gone)
    assert daemon.gets(gone) == sorted({"A", "B", "C"} - {gone})
    daemon.answer(A if gone == "A" else sdp("198.51.100.20", 42000), from_tag="C", to_tag=gone)
    other = "B" if gone == "A" else "A"
    assert (daemon.gets(gone), daemon.gets(other), daemon.gets("C")) == (["C"], [], [gone])
    daemon.offer(A, to_tag="B")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert (daemon.gets("A"), daemon.gets("B"), daemon.gets("C")) == (["B"], ["A"], []), "and back"


def test_offer_with_an_unknown_to_tag_is_a_new_branch() -> None:
    daemon = established()
    daemon.offer(A, to_tag="other")
    assert len(daemon.call.parties) == 3


def test_offer_from_the_callee() -> None:
    daemon = established()
    daemon.offer(sdp("198.51.100.20", 42000), from_tag="B", to_tag="A")
    daemon.answer(A, from_tag="B", to_tag="A")
    assert len(daemon.call.parties) == 2
    assert [party.type for party in daemon.call.parties] == ["TO_TAG", "FROM_TAG"], "as it was said last"


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


OTHER_VERSION = sdp(version=2)
SAME_ADDRESS = sdp("192.0.2.10", 41000, "a=x:1", version=9)
ELSEWHERE = sdp("192.0.2.10", 41002)


@pytest.mark.parametrize("key, body, same", [
    ("sdp", A, True), ("sdp", SAME_ADDRESS, False), ("sdp", OTHER_VERSION, False),
    ("address", SAME_ADDRESS, True), ("address", ELSEWHERE, False), ("off", A, False), (None, A, False),
])
def test_another_from_tag_of_the_same_party(key: str | None, body: str, same: bool) -> None:
    daemon = Daemon()
    first = daemon.offer(A, alias_key=key)
    daemon.answer(B1)
    second = daemon.offer(body, from_tag="A2", alias_key=key)
    assert (port_of(first) == port_of(second)) == same
    assert len(daemon.call.parties) == (2 if same else 4)
    if same:
        assert daemon.party("A").aliases == ["A2"]
        daemon.answer(B1, from_tag="A2")
        assert len(daemon.call.parties) == 2
        assert daemon.send("delete", from_tag="A2", delete_delay=0).get("warning") is None
        assert not daemon.calls.calls


def test_aliased_caller_with_a_new_to_tag() -> None:
    daemon = Daemon()
    daemon.offer(A, alias_key="sdp")
    told = daemon.answer(B1)
    daemon.offer(A, from_tag="A2", to_tag="B2", alias_key="sdp")
    assert len(daemon.call.parties) == 3
    assert daemon.answer(B1, from_tag="A2", to_tag="B2") == told


def test_an_alias_is_not_the_one_that_is_called() -> None:
    daemon = Daemon()
    daemon.offer(A, alias_key="address")
    daemon.answer(B1)
    daemon.offer(A, from_tag="X", to_tag="A", alias_key="address")
    assert daemon.party("A").aliases == [] and daemon.call.tags["X"] is not daemon.party("A")


def test_remembered_keys_are_few() -> None:
    daemon = Daemon()
    for version in range(MAX_ALIAS_KEYS + 10):
        daemon.offer(sdp(version=version), alias_key="sdp")
    assert len(daemon.call.alias_keys) == MAX_ALIAS_KEYS
    daemon.offer(sdp(version=0), from_tag="A2", alias_key="sdp")
    assert daemon.call.tags["A2"] is not daemon.call.tags["A"]


@pytest.mark.parametrize("said, branch, to_tag, receiver", [
    ("unknown", None, None, "new"), ("unknown", "z1", None, "new"), ("unknown", None, "B1", "B1"),
    ("A", None, None, "B1"), ("A", "z1", None, "B1"), ("A", "z9", None, "new"), ("A", None, "unknown", "new"),
    ("A", None, "B1", "B1"), ("A", None, "C", "C"), ("A", "z1", "C", "C"), ("A", None, "A", None),
    ("B1", None, None, "A"), ("B1", None, "A", "A"), ("B1", "z1", None, "new"),
])
def test_whom_an_offer_goes_to(said: str, branch: str | None, to_tag: str | None, receiver: str | None) -> None:
    """A talks to B1, who was called as z1; C and D are in the call too."""
    daemon = Daemon()
    daemon.offer(B2, from_tag="C")
    daemon.answer(B2, from_tag="C", to_tag="D")
    daemon.offer(A, via_branch="z1")
    daemon.answer(B1, to_tag="B1")
    known = list(daemon.call.parties)
    if receiver is None:
        with pytest.raises(PeerError, match="Invalid dialogue association"):
            daemon.offer(A, from_tag=said, via_branch=branch, to_tag=to_tag)
        return
    daemon.offer(A, from_tag=said, via_branch=branch, to_tag=to_tag)
    sender = daemon.call.tags[said]
    fresh = [party for party in daemon.call.parties if party not in known and party is not sender]
    if receiver == "new":
        assert len(fresh) == 1 and fresh[0].tag is None and fresh[0].branch == branch and fresh[0] in sender.peers
    else:
        assert not fresh and daemon.call.tags[receiver] in sender.peers


@pytest.mark.parametrize("before, fields, renamed", [
    ({}, {}, True), ({}, {"flags": "new-branch"}, False),
    ({"sip_message_type": "response", "sip_code": 200}, {}, False),
    ({"sip_message_type": "response", "sip_code": 200}, {"flags": "provisional"}, True),
    ({"sip_message_type": "response", "sip_code": 200}, {"flags": "provisional new-branch"}, False),
    ({"sip_message_type": "response", "sip_code": 183}, {}, True),
    ({"sip_message_type": "request", "sip_code": 200}, {}, True), ({"sip_code": 200}, {}, True),
])
def test_an_answer_under_another_tag(before: dict[str, object], fields: dict[str, object], renamed: bool) -> None:
    daemon = Daemon()
    daemon.offer(A)
    daemon.answer(B1, to_tag="B1", **before)
    daemon.answer(B1, to_tag="B2", **fields)
    assert len(daemon.call.parties) == (2 if renamed else 3)
    assert daemon.party("B2").aliases == (["B1"] if renamed else [])


def test_an_answer_takes_the_untagged_branch_of_its_via_branch_first() -> None:
    daemon = Daemon()
    for branch in ("z1", "z2"):
        daemon.offer(A, via_branch=branch)
    daemon.answer(B2, to_tag="B2", via_branch="z2")
    assert daemon.party("B2").branch == "z2" and daemon.party(None).branch == "z1"


def test_one_call_does_not_grow_without_bound() -> None:
    daemon = Daemon(spec("default", V4, ports=(30000, 39999)))
    with pytest.raises(PeerError, match="Too many parties in the call"):
        for number in range(MAX_PARTIES + 1):
            daemon.offer(A, via_branch=f"z{number}")
    assert len(daemon.call.parties) == MAX_PARTIES
    daemon.offer(A, via_branch="z1")
    daemon.send("delete", delete_delay=0)
    assert not daemon.sockets.open and not daemon.calls.calls


def test_one_party_does_not_get_names_without_bound() -> None:
    daemon = Daemon()
    daemon.offer(A)
    with pytest.raises(PeerError, match="Too many tags in the call"):
        for number in range(MAX_TAGS + 1):
            daemon.answer(B1, to_tag=f"B{number}")
    assert len(daemon.call.tags) == MAX_TAGS and len(daemon.call.parties) == 2
    daemon.answer(B1, to_tag="B1")
