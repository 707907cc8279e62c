# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delete ends, when, and what brings it back."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from tests.unit.session.calls import Daemon, established, sdp

WARNING = {"warning": "Call-ID not found or tags didn't match"}
B1, B2 = sdp("198.51.100.21", 42100), sdp("198.51.100.22", 42200)


def test_unknown_call() -> None:
    daemon = Daemon()
    assert daemon.send("delete", from_tag="A") == WARNING
    with pytest.raises(PeerError, match="Call-ID not found"):
        daemon.send("delete", from_tag="A", flags="fatal")
    with pytest.raises(PeerError, match="No call-id in message"):
        daemon.send("delete", call_id=None)


def test_tags_that_do_not_match() -> None:
    daemon = established()
    assert daemon.send("delete", from_tag="X") == WARNING
    assert daemon.send("delete", from_tag="A", to_tag="X", flags="to-tag") == WARNING
    assert daemon.call.deleted_at is None


@pytest.mark.parametrize("fields", [{}, {"from_tag": "A"}, {"from_tag": "B"}, {"from_tag": "A", "to_tag": "X"},
                                    {"from_tag": "X", "to_tag": "B", "flags": "to-tag fast"}])
def test_at_once(fields: dict[str, str]) -> None:
    daemon = established()
    reply = daemon.send("delete", delete_delay=0, **fields)
    assert ("tags" in reply) == ("fast" not in fields.get("flags", ""))
    assert not daemon.calls.calls and not daemon.sockets.open and not daemon.targets
    assert daemon.counter.ended == [("c1", "REGULAR")]


@pytest.mark.parametrize("delay", [0, 5])
@pytest.mark.parametrize("gone", ["A", "B"])
def test_who_only_listens_does_not_keep_the_call(gone: str, delay: int) -> None:
    """As with 10.5: nobody is left to listen to."""
    daemon = established()
    for tag in ("S", "T"):
        daemon.send("subscribe request", from_tag="A", to_tag=tag)
        daemon.send("subscribe answer", to_tag=tag, sdp=sdp("198.51.100.30", 43000, "a=recvonly"))
    daemon.send("delete", from_tag="S", delete_delay=delay)
    daemon.pass_time(delay + 1.0)
    assert daemon.call.deleted_at is None and daemon.gets("T") == ["A"]
    daemon.send("delete", from_tag=gone, delete_delay=delay)
    daemon.pass_time(delay + 1.0)
    assert not daemon.calls.calls and not daemon.sockets.open


def test_a_publisher_takes_its_call_along() -> None:
    daemon = Daemon()
    daemon.send("publish", from_tag="P", sdp=sdp())
    daemon.send("subscribe request", from_tag="P", to_tag="S")
    daemon.send("delete", from_tag="P", delete_delay=0)
    assert not daemon.calls.calls and not daemon.sockets.open


def test_after_a_delay_media_flow_until_then() -> None:
    daemon = established(delete_delay=5)
    daemon.send("delete", from_tag="A")
    assert daemon.send("delete", from_tag="A").get("warning") is None
    daemon.pass_time(4.9)
    assert daemon.sends_to(daemon.local("A")) and daemon.party("A").deletion_at is not None
    daemon.pass_time(0.2)
    assert not daemon.calls.calls and not daemon.targets


def test_a_party_is_over_when_that_is_said() -> None:
    """How long it lasted must not depend on the delay, nor on who ends the rest of it."""
    daemon = established(delete_delay=30)
    party = daemon.party("A")
    daemon.pass_time(10)
    assert party.ended is None and party.duration(daemon.now) == 10
    daemon.send("delete", from_tag="A")
    daemon.pass_time(5)
    assert party.duration(daemon.now) == 10 and daemon.party("B").duration(daemon.now) == 10
    daemon.calls.terminate(daemon.call, daemon.now)
    assert daemon.counter.ended == [("c1", "REGULAR")] and party.duration(daemon.now) == 10


@pytest.mark.parametrize("named", [{}, {"from_tag": "A"}])
def test_only_named_parties_are_marked(named: dict[str, str]) -> None:
    daemon = established(delete_delay=30)
    daemon.send("delete", **named)
    assert [party.deletion_at is not None for party in daemon.call.parties] == [bool(named)] * 2
    daemon.pass_time(29)
    assert daemon.calls.calls
    daemon.pass_time(1)
    assert not daemon.calls.calls


@pytest.mark.parametrize("named", [{}, {"from_tag": "A"}])
def test_an_offer_cancels_the_deletion(named: dict[str, str]) -> None:
    daemon = established(delete_delay=5)
    daemon.send("delete", **named)
    daemon.offer(sdp(), to_tag="B")
    assert all(party.deletion_at is None and party.ended is None for party in daemon.call.parties)
    daemon.pass_time(20)
    assert daemon.calls.calls


def forked() -> Daemon:
    daemon = Daemon()
    daemon.offer(sdp(), via_branch="z1")
    daemon.offer(sdp(), via_branch="z2")
    return daemon


def test_one_branch() -> None:
    daemon = forked()
    daemon.send("delete", from_tag="A", via_branch="z1", delete_delay=0)
    assert len(daemon.call.parties) == 3 and daemon.sockets.open == 4
    daemon.answer(B2, to_tag="B2", via_branch="z2")
    assert daemon.sends_to(daemon.local("A"))
    daemon.send("delete", from_tag="A", delete_delay=0)
    assert not daemon.calls.calls


def test_a_call_whose_other_branch_talks_is_not_over() -> None:
    """Whoever ends that one then has ended the call."""
    daemon = forked()
    daemon.send("delete", from_tag="A", via_branch="z1", delete_delay=0)
    daemon.answer(B2, to_tag="B2", via_branch="z2")
    daemon.calls.terminate(daemon.call, daemon.now)
    assert daemon.counter.ended == [("c1", "FORCED")]


def test_the_caller_takes_all_branches_along() -> None:
    daemon = forked()
    daemon.send("delete", from_tag="A", delete_delay=0)
    assert not daemon.calls.calls and not daemon.sockets.open


def test_a_branch_comes_back_when_offered_again() -> None:
    daemon = forked()
    daemon.send("delete", from_tag="A", via_branch="z1", delete_delay=0)
    daemon.offer(sdp(), via_branch="z1")
    assert daemon.sockets.open == 6 and daemon.call.parties[1].deletion_at is None


def test_to_tag_unknown_but_the_callee_has_none_yet() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.send("delete", from_tag="A", to_tag="late", flags="to-tag", delete_delay=0)
    assert not daemon.calls.calls


def test_the_reply_shows_no_sockets_of_a_branch_that_is_gone() -> None:
    """As recorded in main:260; those that are to be kept a while, or end with the call, have theirs."""
    for fields, has_port in (({"via_branch": "z1", "delete_delay": 0}, False), ({"delete_delay": 0}, True),
                             ({"via_branch": "z1", "delete_delay": 40}, True)):
        tags = forked().send("delete", from_tag="A", **fields)["tags"]
        streams = [stream for media in tags["<untagged 1>"]["medias"] for stream in media["streams"]]
        assert ["local port" in stream for stream in streams] == [has_port] * 2
        assert all("local port" in stream for stream in tags["A"]["medias"][0]["streams"])


def test_deleted_parties_stay_in_the_query() -> None:
    daemon = forked()
    daemon.send("delete", from_tag="A", via_branch="z1", delete_delay=0)
    tags = daemon.send("query")["tags"]
    assert "local port" not in tags["<untagged 1>"]["medias"][0]["streams"][0]
    assert tags["<untagged 1>"]["subscriptions"] == [{"tag": "A", "type": "offer/answer"}]


def test_no_media_timeout_while_a_party_waits_for_its_deletion() -> None:
    daemon = forked()
    daemon.settings.offer_timeout = daemon.settings.timeout = 10
    daemon.send("delete", from_tag="A", via_branch="z1", delete_delay=40)
    daemon.pass_time(39)
    assert daemon.calls.calls
    daemon.pass_time(2)
    assert not daemon.calls.calls


def fork() -> Daemon:
    """A has called B (z1), who has answered, and an untagged one (z2); C and D talk in the same call."""
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.30", 43000), from_tag="C")
    daemon.answer(sdp("192.0.2.40", 44000), from_tag="C", to_tag="D")
    daemon.offer(sdp(), via_branch="z1")
    daemon.answer(B1)
    daemon.offer(sdp(), via_branch="z2")
    return daemon


def names(daemon: Daemon) -> set[str]:
    """Parties that still have sockets: the tag, or the branch of an untagged one."""
    if "c1" not in daemon.calls.calls:
        return set()
    return {party.tag or party.branch or "" for party in daemon.call.parties
            if any(stream.local for media in party.medias for stream in media.streams)}


@pytest.mark.parametrize("left, fields", [
    ("", {}), ("", {"to_tag": "B"}), ("", {"to_tag": "B", "flags": "to-tag"}), ("", {"via_branch": "z2"}),
    ("C D", {"from_tag": "A"}), ("C D", {"from_tag": "A", "to_tag": "B"}), ("C D", {"from_tag": "A", "to_tag": "X"}),
    ("A z2 C D", {"from_tag": "A", "to_tag": "B", "flags": "to-tag"}), ("A z2 C D", {"from_tag": "B"}),
    ("A z2 C D", {"from_tag": "X", "to_tag": "B", "flags": "to-tag"}),
    ("C D", {"from_tag": "B", "to_tag": "A", "flags": "to-tag"}),
    ("A B C D", {"from_tag": "A", "via_branch": "z2"}), ("A z2 C D", {"from_tag": "A", "via_branch": "z1"}),
    ("A B C D", {"from_tag": "X", "via_branch": "z2"}), ("C D", {"from_tag": "A", "via_branch": "z9"}),
    ("A z2 C D", {"from_tag": "A", "via_branch": "z2", "to_tag": "B", "flags": "to-tag"}),
    ("C D", {"from_tag": "A", "to_tag": "X", "flags": "to-tag"}),
    ("A B C D", {"from_tag": "C", "to_tag": "X", "via_branch": "z2", "flags": "to-tag"}),
    (None, {"from_tag": "X"}), (None, {"from_tag": "X", "to_tag": "B"}), (None, {"from_tag": ""}),
    (None, {"from_tag": "X", "via_branch": "z9"}), (None, {"from_tag": "C", "to_tag": "X", "flags": "to-tag"}),
])
def test_who_goes(left: str | None, fields: dict[str, str]) -> None:
    daemon = fork()
    reply = daemon.send("delete", delete_delay=0, **fields)
    if left is None:
        assert reply == WARNING and names(daemon) == {"A", "B", "z2", "C", "D"}
        return
    assert "tags" in reply and names(daemon) == set(left.split())


def test_the_last_pair_takes_the_call_along() -> None:
    daemon = fork()
    daemon.send("delete", from_tag="A", delete_delay=0)
    assert daemon.calls.calls
    daemon.send("delete", from_tag="D", delete_delay=0)
    assert not daemon.calls.calls


def test_the_reply_is_from_before_the_end() -> None:
    daemon = established()
    locals_ = {daemon.local("A").port, daemon.local("B").port}
    tags = daemon.send("delete", delete_delay=0)["tags"]
    assert {tag["medias"][0]["streams"][0]["local port"] for tag in tags.values()} == locals_


def test_a_scheduled_party_comes_back_with_its_partner_but_not_through_others() -> None:
    daemon = fork()
    daemon.send("delete", from_tag="B", delete_delay=10)
    assert daemon.call.deleted_at is None and daemon.party("B").deletion_at is not None
    daemon.offer(sdp("192.0.2.30", 43000), from_tag="C", to_tag="D")
    assert daemon.party("B").deletion_at is not None
    daemon.offer(sdp(), to_tag="B")
    assert daemon.party("B").deletion_at is None
    daemon.pass_time(11)
    assert "B" in names(daemon)


@pytest.mark.parametrize("delay, configured, after", [(None, 30, 30), (5, 30, 5), (0, 30, 0), (None, 0, 0)])
def test_delays(delay: int | None, configured: int, after: int) -> None:
    daemon = established(delete_delay=configured)
    daemon.send("delete", from_tag="A", delete_delay=delay)
    daemon.pass_time(after - 0.5)
    assert ("c1" in daemon.calls.calls) == (after > 0)
    daemon.pass_time(1)
    assert not daemon.calls.calls
