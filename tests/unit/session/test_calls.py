# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments, limits, lists and queries."""
from __future__ import annotations

import pytest

from controlplane.errors import PeerError
from controlplane.events import Counters, SsrcStats, StreamStats
from controlplane.ng.reply import LoadLimitReached
from controlplane.session.latching import MAX_MAPPINGS
from controlplane.session.profiles import MAX_SECTIONS
from tests.unit.session.calls import START, V4, Daemon, established, sdp, spec


@pytest.mark.parametrize("command, fields, reason", [
    ("offer", {"call_id": None}, "No SDP body in message"),
    ("offer", {"sdp": sdp(), "call_id": None}, "No call-id in message"),
    ("offer", {"sdp": sdp()}, "No from-tag in message"),
    ("answer", {"from_tag": "A"}, "No SDP body in message"),
    ("answer", {"sdp": sdp(), "from_tag": "A"}, "No to-tag in message"),
    ("answer", {"sdp": sdp(), "from_tag": "A", "to_tag": "B"}, "Unknown call-id"),
    ("query", {"call_id": None}, "No call-id in message"),
    ("query", {}, "Unknown call-id"),
    ("list", {"limit": -1}, "invalid limit, must be >= 0"),
])
def test_arguments(command: str, fields: dict[str, object], reason: str) -> None:
    daemon = Daemon()
    with pytest.raises(PeerError, match=f"^{reason}$"):
        daemon.send(command, **fields)
    assert not daemon.calls.calls


def test_a_failed_offer_leaves_its_call() -> None:
    daemon = Daemon()
    for body, reason in (("nonsense", "Failed to parse SDP"), ("", "Error rewriting SDP"),
                         ("v=0\nm=audio 5 RTP/AVP 0\n", "Incomplete SDP specification")):
        with pytest.raises(PeerError, match=reason):
            daemon.offer(body)
        assert "c1" in daemon.calls.calls
    daemon.offer(sdp())


def test_session_limit() -> None:
    daemon = established(max_sessions=1)
    with pytest.raises(LoadLimitReached, match="Parallel session limit reached"):
        daemon.offer(sdp(), call_id="c2")
    assert daemon.counter.rejected == 1
    daemon.offer(sdp(), to_tag="B")
    daemon.settings.max_sessions = -1
    daemon.offer(sdp(), call_id="c2")


def test_other_limits() -> None:
    daemon = Daemon()
    daemon.calls.overload = lambda: "CPU usage limit exceeded"
    with pytest.raises(LoadLimitReached, match="CPU usage limit exceeded"):
        daemon.offer(sdp())
    assert daemon.counter.rejected == 0


def test_list() -> None:
    daemon = Daemon()
    for number in range(40):
        daemon.offer(sdp(), call_id=f"c{number}")
    assert len(daemon.send("list")["calls"]) == 32
    assert daemon.send("list", limit=2) == {"calls": ["c0", "c1"]}
    assert daemon.send("list", limit=0) == {"calls": []}


def test_type_of_service() -> None:
    daemon = Daemon(tos=184)
    daemon.offer(sdp())
    assert daemon.call.tos == 184
    daemon.offer(sdp(), tos=32)
    daemon.answer(sdp("198.51.100.20", 42000), tos=99)
    daemon.offer(sdp(), to_tag="B", tos=-1)
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].tos == 32


def test_dropped_traffic() -> None:
    daemon = established()
    daemon.offer(sdp(), to_tag="B", drop_traffic="start")
    target = daemon.targets[daemon.local("A")]
    assert target.discard and not target.rtp_outputs
    daemon.offer(sdp(), to_tag="B", drop_traffic="stop")
    assert daemon.sends_to(daemon.local("A"))


def test_terminate() -> None:
    daemon = established()
    daemon.calls.terminate(daemon.call, daemon.now)
    daemon.apply()
    assert daemon.counter.ended == [("c1", "FORCED")] and not daemon.targets and not daemon.sockets.open


def test_a_call_without_a_name_is_a_call_like_others() -> None:
    daemon = Daemon()
    for call_id in ("", "c1", "c2"):
        daemon.offer(sdp(), call_id=call_id)
    assert list(daemon.calls.calls) == ["", "c1", "c2"]
    with pytest.raises(PeerError, match="Unknown call-id"):
        daemon.send("query", call_id="c3")


def test_query() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtpmap:8 PCMA/8000"), label="alice", via_branch="z1", metadata="m")
    daemon.answer(sdp("198.51.100.20", 42000))
    local = daemon.local("A")
    source = SsrcStats(7, 10, 1720, 0, 0, 0, 65550, 1.0, 8, 160, START + 1)
    daemon.calls.update_stats({local: StreamStats(user_in=Counters(10, 1720, 1, START + 1),
                                                  user_out=Counters(3, 516, 0, START), sources=(source,))}, START + 1)
    assert daemon.send("query")["last redis update"] == 0
    daemon.call.stored_at = START + 2.5
    reply = daemon.send("query")
    assert reply["last redis update"] == int(START) + 2
    assert list(reply) == ["created", "created_us", "created_ts", "last signal", "last redis update", "metadata",
                           "SSRC", "tags", "totals"]
    assert reply["created"] == int(START) and reply["created_ts"] == int(START) * 1_000_000
    assert reply["totals"] == {"RTP": {"packets": 10, "bytes": 1720, "errors": 1},
                               "RTCP": {"packets": 0, "bytes": 0, "errors": 0}}
    assert reply["SSRC"] == {"7": {"bytes": 1720, "packets": 10, "last RTP timestamp": 160, "last RTP seq": 65550}}
    alice = reply["tags"]["A"]
    assert alice["label"] == "alice" and alice["subscriptions"] == [{"tag": "B", "type": "offer/answer"}]
    assert reply["tags"]["B"]["via-branch"] == "z1"
    media = alice["medias"][0]
    assert (media["index"], media["type"], media["protocol"], media["codec"]) == (1, "audio", "RTP/AVP", "PCMA/8000")
    assert media["flags"] == ["initialized", "send", "recv"]
    rtp, rtcp = media["streams"]
    assert rtp["local port"] == local.port and rtp["family"] == "IPv4"
    assert rtp["endpoint"] == {"family": "IPv4", "address": "192.0.2.10", "port": 41000} == rtp["advertised endpoint"]
    assert rtp["stats"] == {"packets": 10, "bytes": 1720, "errors": 1} and rtp["stats_out"]["packets"] == 3
    assert rtp["flags"] == ["RTP", "filled"] and rtcp["flags"] == ["RTCP", "filled"]
    assert rtp["last packet"] == int(START + 1)


def test_query_of_one_party() -> None:
    daemon = established()
    assert list(daemon.send("query", from_tag="A")["tags"]) == ["A", "B"]
    assert daemon.send("query", from_tag="X")["tags"] == {}


def test_targets_never_outlive_their_sockets() -> None:
    daemon = established()
    daemon.send("delete", delete_delay=0)
    assert not daemon.targets
    daemon.offer(sdp(), call_id="c2")
    assert all(local in {each for call in daemon.calls.calls.values() for each in daemon.calls.sockets_of(call)}
               for local in daemon.targets)


def test_nothing_is_left_of_a_thousand_calls() -> None:
    daemon = Daemon()
    for number in range(1000):
        call_id = f"c{number}"
        daemon.offer(sdp("192.0.2.10", 41000, "a=rtcp-mux"), call_id=call_id, alias_key="sdp", via_branch="z1")
        daemon.answer(sdp("198.51.100.20", 42000), call_id=call_id)
        if number % 3 == 1:
            daemon.offer(sdp(port=41002), call_id=call_id, to_tag="B")
        if number % 3 == 2:
            daemon.calls.terminate(daemon.calls.calls[call_id], daemon.now)
            daemon.apply()
        else:
            daemon.send("delete", call_id=call_id, from_tag="A", delete_delay=number % 2 * 5)
        daemon.pass_time(0.1)
    daemon.pass_time(60)
    calls = daemon.calls
    assert not (calls.calls or calls._owners or calls._installed or calls._agenda or calls.take_changes())
    assert calls.deadline() is None
    assert not daemon.targets and not daemon.sockets.open
    assert all(usage.free == usage.total for usage in daemon.sockets.usage())


def test_the_agenda_does_not_grow_with_messages() -> None:
    daemon = established()
    for _ in range(500):
        daemon.offer(sdp(), to_tag="B")
        daemon.answer(sdp("198.51.100.20", 42000))
        daemon.pass_time(0.01)
    assert len(daemon.calls._agenda) < 10


def test_call_ids_and_tags_may_be_long() -> None:
    daemon = Daemon()
    names = {"call_id": "x" * 60_000, "from_tag": "y" * 1000}
    daemon.offer(sdp(), **names)
    daemon.answer(sdp("198.51.100.20", 42000), to_tag="z" * 1000, **names)
    assert list(daemon.send("query", call_id=names["call_id"])["tags"]) == ["y" * 1000, "z" * 1000]
    daemon.send("delete", delete_delay=0, **names)
    assert not daemon.calls.calls


def test_a_message_that_cannot_be_used_leaves_no_parties() -> None:
    daemon = Daemon()
    for number in range(5):
        with pytest.raises(PeerError, match="Incomplete SDP specification"):
            daemon.offer("v=0\nm=audio 5 RTP/AVP 0\n", from_tag=f"A{number}")
    assert not daemon.call.parties and not daemon.call.tags


def test_too_many_sections() -> None:
    daemon = Daemon(spec("default", V4, ports=(30000, 39999)))
    daemon.offer(sdp() + "m=audio 5000 RTP/AVP 0\n" * (MAX_SECTIONS - 1))
    with pytest.raises(PeerError, match="Failed to parse SDP"):
        daemon.offer(sdp() + "m=audio 5000 RTP/AVP 0\n" * MAX_SECTIONS)
    assert all(len(party.medias) == MAX_SECTIONS for party in daemon.call.parties)


def test_sections_that_change_their_names_do_not_add_up() -> None:
    daemon = Daemon()
    for number in range(50):
        daemon.offer(sdp("192.0.2.10", 41000, f"a=mid:{number}") + f"m=video 5000 RTP/AVP 97\na=mid:v{number}\n")
    assert [len(party.medias) for party in daemon.call.parties] == [2, 2]


def test_a_peer_that_moves_often_does_not_get_all_ports() -> None:
    daemon = established()
    for port in range(20000, 20200, 2):
        daemon.offer(sdp(port=port), to_tag="B")
    assert daemon.sockets.open <= 2 * 2 * (MAX_MAPPINGS + 1)
