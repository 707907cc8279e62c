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


def test_after_a_delay_media_flow_until_then() -> None:
    daemon = established(delete_delay=5)
    daemon.send("delete", from_tag="A")
    assert daemon.send("delete", from_tag="A").get("warning") is None
    daemon.pass_time(4.9)
    assert daemon.sends_to(daemon.local("A")) and daemon.party("A").deletion_at is not None
    daemon.pass_time(0.2)
    assert not daemon.calls.calls and not daemon.targets


def test_an_offer_cancels_the_deletion() -> None:
    daemon = established(delete_delay=5)
    daemon.send("delete")
    daemon.offer(sdp(), to_tag="B")
    assert daemon.party("A").deletion_at is None
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
