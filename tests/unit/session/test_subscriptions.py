# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else gets a party's media: subscriptions, connections, meshes."""
from __future__ import annotations

import re

import pytest

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.ng.medias import MeshEntry
from tests.unit.session.calls import Daemon, established, port_of, sdp

LISTENER = sdp("203.0.113.99", 50000, "a=recvonly")


def subscribed(daemon: Daemon, **fields: object) -> dict[str, object]:
    return daemon.send("subscribe request", **{"to_tag": "S", "from_tag": "A", **fields})


def both(daemon: Daemon, answer: str = LISTENER, **fields: object) -> dict[str, object]:
    reply = subscribed(daemon, **fields)
    daemon.send("subscribe answer", to_tag="S", sdp=answer)
    return reply


def test_a_subscriber_gets_copies() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=x-note:y", "a=ptime:20").replace("t=0 0\n", "t=0 0\na=tool:z\n"))
    daemon.answer(sdp("198.51.100.20", 42000, formats="8"))
    reply = subscribed(daemon)
    body = reply["sdp"].decode().replace("\r\n", "\n")  # type: ignore[attr-defined]
    port = port_of(body)
    assert body == (f"v=0\no=u 77 1 IN IP4 192.0.2.10\ns=-\nt=0 0\na=tool:z\nm=audio {port} RTP/AVP 8\n"
                    f"c=IN IP4 203.0.113.5\na=rtpmap:8 PCMA/8000\na=x-note:y\na=sendonly\na=rtcp:{port + 1}\n"
                    "a=ptime:20\n")
    assert (reply["from-tag"], reply["from-tags"], reply["to-tag"]) == ("A", ["A"], "S")
    assert daemon.gets("B") == ["A"]
    daemon.send("subscribe answer", to_tag="S", sdp=LISTENER)
    assert daemon.gets("S") == ["A"] and daemon.gets("B") == ["A"] and daemon.gets("A") == ["B"]
    query = daemon.send("query")["tags"]
    assert query["S"]["subscriptions"] == [{"tag": "A", "type": "pub/sub"}]
    assert {"tag": "S", "type": "pub/sub"} in query["A"]["subscribers"]
    assert set(daemon.send("query", from_tag="S")["tags"]) == {"S", "A"}


def test_names_are_made_up() -> None:
    assert re.fullmatch("[0-9a-f]{64}", str(subscribed(established(), to_tag=None)["to-tag"]))
    assert subscribed(established(), flag_string=True)["to-tag"] != "S"
    assert subscribed(established(), flag_string=True, flags="to-tag")["to-tag"] == "S"


def test_several_sources() -> None:
    daemon = established()
    reply = both(daemon, LISTENER + "m=audio 50002 RTP/AVP 8 0\n", from_tag=None, all="all", flags="siprec",
                 set_label="rec")
    assert reply["from-tags"] == ["A", "B"] and "from-tag" not in reply
    assert reply["media-labels"] == {
        "0": {"tag": "A", "index": 1, "type": "audio", "mode": "sendrecv"},
        "1": {"tag": "B", "index": 1, "type": "audio", "mode": "sendrecv"}}
    assert [entry["tag"] for entry in reply["tag-medias"]] == ["A", "B"]  # type: ignore[attr-defined]
    assert b"a=label:0\r\n" in reply["sdp"] and b"a=label:1\r\n" in reply["sdp"]  # type: ignore[operator]
    assert daemon.gets("S") == ["A"] and daemon.gets("S", 1) == ["B"]
    assert daemon.party("S").label == "rec"
    ports = [port_of(reply["sdp"].decode(), section) for section in (0, 1)]  # type: ignore[attr-defined]
    again = both(daemon, LISTENER + "m=audio 50002 RTP/AVP 8 0\n", from_tag=None, from_tags=["B", "A", "nobody"])
    assert [port_of(again["sdp"].decode(), section) for section in (0, 1)] == ports  # type: ignore[attr-defined]
    assert again["from-tags"] == ["A", "B"]


@pytest.mark.parametrize("fields, expected", [
    ({"label": "alice", "from_tag": None}, ["A"]), ({"address": Address.parse("198.51.100.20")}, ["B"]),
    ({"from_tag": "B", "from_tags": ["A"]}, ["B", "A"])])
def test_selections(fields: dict[str, object], expected: list[str]) -> None:
    daemon = Daemon()
    daemon.offer(sdp(), label="alice")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert subscribed(daemon, **fields)["from-tags"] == expected


@pytest.mark.parametrize("flags, direction, back", [
    ("", "sendonly", []), ("inactive", "inactive", []), ("bidirectional", "sendrecv", ["B", "S"]),
    ("egress", "sendonly", [])])
def test_directions(flags: str, direction: str, back: list[str]) -> None:
    daemon = established()
    reply = both(daemon, sdp("203.0.113.99", 50000), flags=flags)
    assert f"a={direction}\r\n".encode() in reply["sdp"]  # type: ignore[operator]
    assert daemon.gets("A") == (back or ["B"])


def test_rtcp_comes_back_if_mirrored() -> None:
    daemon = established()
    both(daemon, flags="mirror-rtcp")
    local = daemon.local("S")
    assert not daemon.sends_to(local) and daemon.sends_to(local, rtcp=True) == ["192.0.2.10:41001"]


def test_hold_and_end() -> None:
    daemon = established()
    both(daemon)
    local = daemon.local("S")
    daemon.send("subscribe answer", to_tag="S", sdp=LISTENER.replace("recvonly", "inactive"))
    assert not daemon.gets("S")
    daemon.send("subscribe answer", to_tag="S", sdp=LISTENER)
    assert daemon.gets("S") == ["A"]
    daemon.send("unsubscribe", to_tag="S", from_tag="A")
    assert local not in daemon.targets and daemon.gets("B") == ["A"]
    assert both(daemon)["to-tag"] == "S" and daemon.gets("S") == ["A"]


def test_one_of_several_sources_is_left() -> None:
    daemon = established()
    daemon.send("connect", to_tag="S", from_tag="A", flags="directional")
    both(daemon, LISTENER + "m=audio 50002 RTP/AVP 8 0\n", from_tag=None, all="all")
    daemon.send("unsubscribe", to_tag="S", from_tag="A", flags="directional")
    assert not daemon.gets("S") and daemon.gets("S", 1) == ["B"]
    with pytest.raises(PeerError, match="^From-tag not found$"):
        daemon.send("unsubscribe", to_tag="S", from_tag="no", flags="directional")


def test_codecs_must_be_accepted() -> None:
    daemon = established()
    subscribed(daemon)
    for body, flags in ((sdp("203.0.113.99", 50000, formats="8"), ""), (sdp("203.0.113.99", 50000, formats="0"), "")):
        with pytest.raises(PeerError, match="^Failed to process subscription answer$"):
            daemon.send("subscribe answer", to_tag="S", sdp=body, flags=flags)
    daemon.send("subscribe answer", to_tag="S", sdp=sdp("203.0.113.99", 50000, formats="8"), flags="allow-transcoding")
    reply = subscribed(daemon, codecs={"strip": ["PCMU"]})
    assert b"RTP/AVP 8\r\n" in reply["sdp"]  # type: ignore[operator]
    daemon.send("subscribe answer", to_tag="S", sdp=sdp("203.0.113.99", 0))
    assert not daemon.gets("S")


@pytest.mark.parametrize("command, fields, reason", [
    ("subscribe request", {"call_id": "no"}, r"Unknown call-ID\(s\)"),
    ("subscribe request", {}, r"No medias found \(no monologues matched\)"),
    ("subscribe request", {"from_tag": "no"}, "From-tag given, but no such tag exists"),
    ("subscribe request", {"label": "no"}, "No monologue matching the given label"),
    ("subscribe request", {"address": Address.parse("192.0.2.99")}, "Failed to match address to any tag"),
    ("subscribe request", {"from_tags": ["no"]}, r"No medias found \(no monologues matched\)"),
    ("subscribe request", {"from_tag": "A", "to_tag": "A"}, r"No medias found \(no monologues matched\)"),
    ("subscribe answer", {"call_id": "no"}, "Unknown call-ID"), ("subscribe answer", {}, "No to-tag in message"),
    ("subscribe answer", {"to_tag": "no"}, "To-tag not found"),
    ("subscribe answer", {"to_tag": "A"}, "No SDP body in message"),
    ("unsubscribe", {"call_id": None}, "No call-id in message"), ("unsubscribe", {"to_tag": "no"}, "To-tag not found"),
    ("connect", {"from_tag": "A"}, "No to-tag in message"),
    ("connect", {"from_tag": "A", "to_tag": "B", "to_call_id": "no"}, r"Unknown call-ID\(s\)"),
    ("connect", {"to_tag": "B"}, r"No medias found \(no monologues matched\)"),
    ("mesh", {}, r"Unknown call ID\(s\)"), ("mesh", {"calls": ("c1", "no")}, r"Unknown call ID\(s\)"),
    ("mesh", {"calls": ("c1",), "mesh": [MeshEntry(None, ())]}, "Empty/missing from-tag"),
    ("mesh", {"calls": ("c1",), "mesh": [MeshEntry("no", ())]}, "Given from-tag not found"),
    ("mesh", {"calls": ("c1",), "mesh": [MeshEntry("A", ("no",))]}, "Given to-tag not found")])
def test_what_does_not_exist(command: str, fields: dict[str, object], reason: str) -> None:
    with pytest.raises(PeerError, match=f"^{reason}$"):
        established().send(command, **fields)


def two_calls() -> Daemon:
    daemon = established()
    daemon.offer(sdp("192.0.2.30", 43000), from_tag="C", call_id="c2")
    daemon.answer(sdp("198.51.100.40", 44000), from_tag="C", to_tag="D", call_id="c2")
    return daemon


def test_connect_makes_new_partners_across_calls() -> None:
    daemon = two_calls()
    daemon.send("connect", from_tag="A", to_tag="C", to_call_id="c2")
    assert list(daemon.calls.calls) == ["c1"] and daemon.calls.find("c2") is daemon.call
    assert [daemon.gets(tag) for tag in "ABCD"] == [["C"], [], ["A"], []]
    assert daemon.send("query", call_id="c2")["tags"]["A"]["subscriptions"] == [{"tag": "C", "type": "offer/answer"}]
    daemon.offer(sdp("192.0.2.10", 41000), to_tag="C", call_id="c2")
    assert len(daemon.call.parties) == 4


def test_each_call_id_deletes_what_came_with_it() -> None:
    daemon = two_calls()
    daemon.send("connect", from_tag="A", to_tag="C", to_call_id="c2")
    daemon.send("delete", call_id="c2", delete_delay=0)
    assert "c1" in daemon.calls.calls and daemon.party("C").medias[0].mapping is None
    daemon.send("delete", call_id="c1", delete_delay=0)
    assert not daemon.calls.calls and not daemon.calls.merged and not daemon.sockets.open


def test_connections_besides() -> None:
    daemon = two_calls()
    daemon.send("connect", from_tag="A", to_tag="D", to_call_id="c2", flags="directional")
    assert [daemon.gets(tag) for tag in "ABCD"] == [["B"], ["A"], ["D"], ["A", "C"]]
    daemon.send("connect", all="all", to_tag="B", flags="directional bidirectional")
    assert [daemon.gets(tag) for tag in "ABCD"] == [["B"], ["A", "C", "D"], ["B", "D"], ["A", "B", "C"]]
    daemon.send("unsubscribe", from_tag="C", to_tag="B", flags="directional bidirectional")
    assert [daemon.gets(tag) for tag in "ABCD"] == [["B"], ["A", "D"], ["D"], ["A", "B", "C"]]


def test_tags_may_not_collide() -> None:
    daemon = established()
    daemon.offer(sdp(), call_id="c2")
    for command, fields, reason in (
            ("connect", {"from_tag": "A", "to_tag": "B", "to_call_id": "c2"}, "Failed to merge two calls into one"),
            ("mesh", {"calls": ("c1", "c2")}, "Failed to merge calls")):
        with pytest.raises(PeerError, match=f"^{reason} \\(tag collision\\)$"):
            daemon.send(command, **fields)
    assert set(daemon.calls.calls) == {"c1", "c2"}


def test_media_are_matched_by_type() -> None:
    daemon = Daemon()
    daemon.offer(sdp() + "m=video 41010 RTP/AVP 97\n")
    daemon.offer(sdp("192.0.2.30", 43010, kind="video", formats="97") + "m=audio 43000 RTP/AVP 8\n", from_tag="C")
    daemon.send("connect", from_tag="A", to_tag="C")
    assert daemon.sends_to(daemon.local("A", media=0)) == ["192.0.2.30:43000"]
    assert daemon.sends_to(daemon.local("A", media=1)) == ["192.0.2.30:43010"]


def test_mesh() -> None:
    daemon = two_calls()
    entries = [MeshEntry("A", ("C", "A")), MeshEntry("B", ("D",)), MeshEntry("C", ())]
    daemon.send("mesh", calls=("c1", "c2"), mesh=entries)
    assert [daemon.gets(tag) for tag in "ABCD"] == [["B"], ["A"], ["A", "D"], ["B", "C"]]
    daemon.send("mesh", calls=("c2",), mesh=entries, flags="unsubscribe bidirectional")
    assert [daemon.gets(tag) for tag in "ABCD"] == [["C"], ["D"], ["A"], ["B"]]
