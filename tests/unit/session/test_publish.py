# SPDX-License-Identifier: GPL-3.0-or-later
"""Parties without partners: publish, create and its answer, transform."""
from __future__ import annotations

import re

import pytest

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.ng.medias import CodecFormat, RequestedMedia
from controlplane.session.latching import OutOfPorts
from tests.unit.session.calls import Daemon, ep, port_of, sdp, spec


def published(daemon: Daemon, body: str, **fields: object) -> str:
    return daemon.body("publish", sdp=body, **{"from_tag": "P", **fields})


def test_publish() -> None:
    daemon = Daemon()
    body = published(daemon, sdp("192.0.2.10", 41000, "a=sendonly", "a=mid:m", "a=rtpmap:101 telephone-event/8000",
                                 "a=x-note:y", "a=ptime:30", formats="101 0 8"))
    port = daemon.local("P").port
    assert re.fullmatch(
        r"v=0\no=- \d+ \d+ IN IP4 203\.0\.113\.5\ns=rtpengine-[0-9A-Za-z-]+\nt=0 0\n"
        f"m=audio {port} RTP/AVP 101 0\nc=IN IP4 203.0.113.5\na=mid:m\na=rtpmap:101 telephone-event/8000\n"
        f"a=rtpmap:0 PCMU/8000\na=recvonly\na=rtcp:{port + 1}\na=ptime:30\n", body)
    media = daemon.party("P").medias[0]
    assert media.recv and not media.send and media.streams[0].endpoint == ep("192.0.2.10:41000")


def test_published_names_are_made_up_if_need_be() -> None:
    daemon = Daemon()
    reply = daemon.send("publish", call_id=None, sdp=sdp())
    assert re.fullmatch("[0-9a-f]{64}", reply["call-id"]) and re.fullmatch("[0-9a-f]{64}", reply["from-tag"])
    again = daemon.send("publish", call_id=reply["call-id"], from_tag=reply["from-tag"], sdp=sdp())
    assert port_of(again["sdp"].decode()) == port_of(reply["sdp"].decode())


@pytest.mark.parametrize("formats, accept, expected", [
    ("0 8", [], "0"), ("98 0 8", [], "0"), ("98 0 8", ["any"], "98"), ("0 8", ["PCMA"], "8"),
    ("0 8", ["G722", "PCMA"], "8"), ("98 0", ["x-new"], "98"), ("98 0 8", ["all"], "0 8"),
    ("98 0 8", ["all", "any"], "98 0 8"), ("98", [], None)])
def test_published_codecs(formats: str, accept: list[str], expected: str | None) -> None:
    daemon = Daemon()
    body = sdp("192.0.2.10", 41000, "a=rtpmap:98 X-new/8000", formats=formats)
    if expected is None:
        with pytest.raises(PeerError, match="^Failed to create SDP$"):
            published(daemon, body, codecs={"accept": accept})
    else:
        assert f"RTP/AVP {expected}\n" in published(daemon, body, codecs={"accept": accept})


def test_publish_variants() -> None:
    daemon = Daemon()
    body = published(daemon, sdp("192.0.2.10", 41000, "a=rtcp-mux", "a=sendrecv"), flags="bidirectional")
    port = port_of(body)
    assert "a=sendrecv\n" in body and f"a=rtcp:{port}\na=rtcp-mux\n" in body
    assert "m=video 0 RTP/AVP 97\nc=IN IP4 0.0.0.0\n" in published(daemon, sdp() + "m=video 0 RTP/AVP 97\n")
    assert "a=inactive\n" in published(daemon, sdp("192.0.2.10", 41000, "a=recvonly"))
    for broken, reason in ((None, "No SDP body in message"), ("xy", "Failed to parse SDP"),
                           (sdp(port=0), "Failed to create SDP"), ("v=0\n", "Failed to create SDP")):
        with pytest.raises(PeerError, match=f"^{reason}$"):
            daemon.send("publish", sdp=broken, call_id="c9", from_tag="P")


def test_create_and_its_answer() -> None:
    daemon = Daemon()
    reply = daemon.send("create")
    tag, body = reply["from-tag"], reply["sdp"].decode().replace("\r\n", "\n")
    port = port_of(body)
    assert body.endswith(f"m=audio {port} RTP/AVP 0 8\nc=IN IP4 203.0.113.5\na=rtpmap:0 PCMU/8000\n"
                         f"a=rtpmap:8 PCMA/8000\na=sendrecv\na=rtcp:{port + 1}\n")
    assert daemon.send("create answer", from_tag=tag, sdp=sdp("192.0.2.10", 41000, "a=sendonly", formats="8")) == {}
    media = daemon.party(tag).medias[0]
    assert media.streams[0].endpoint == ep("192.0.2.10:41000") and [codec.number for codec in media.sends] == [8]
    assert media.recv and not media.send
    assert daemon.send("create answer", from_tag=tag, sdp="v=0\n") == {}
    daemon.send("create answer", from_tag=tag, sdp=sdp(port=0))
    assert media.mapping is None


def test_created_media() -> None:
    daemon = Daemon()
    medias = [RequestedMedia("video", codecs=("VP8/90000", "H264/90000")),
              RequestedMedia("audio", codecs=("opus", "PCMA", "AMR-WB/16000", ""))]
    body = daemon.body("create", medias=medias, from_tag="P", address_family=6, rtcp_mux="offer require",
                       flags="generate-mid", label="l")
    video, audio = port_of(body), port_of(body, 1)
    assert body.partition("t=0 0\n")[2] == (
        f"m=video {video} RTP/AVP 96 97\nc=IN IP6 2001:db8:7::5\na=mid:1\na=rtpmap:96 VP8/90000\n"
        f"a=rtpmap:97 H264/90000\na=sendrecv\na=rtcp:{video}\na=rtcp-mux\n"
        f"m=audio {audio} RTP/AVP 96 8 97\nc=IN IP6 2001:db8:7::5\na=mid:2\na=rtpmap:96 opus/48000/2\n"
        "a=fmtp:96 useinbandfec=1\na=rtpmap:8 PCMA/8000\na=rtpmap:97 AMR-WB/16000\n"
        f"a=sendrecv\na=rtcp:{audio}\na=rtcp-mux\n")
    assert daemon.party("P").label == "l"
    assert "RTP/AVP 9\n" in daemon.body("create", from_tag="Q", codecs={"offer": ["G722"]})


@pytest.mark.parametrize("fields, reason", [
    ({}, "No SDP body in message"), ({"sdp": "x", "call_id": None}, "No call-id in message"),
    ({"sdp": "x"}, "No from-tag in message"), ({"sdp": "x", "from_tag": "P", "call_id": "no"}, "unknown call-ID"),
    ({"sdp": "x", "from_tag": "Q"}, "from-tag not found"), ({"sdp": "xy", "from_tag": "P"}, "Failed to parse SDP")])
def test_answers_without_a_question(fields: dict[str, object], reason: str) -> None:
    daemon = Daemon()
    daemon.send("create", from_tag="P")
    with pytest.raises(PeerError, match=f"^{reason}$"):
        daemon.send("create answer", **fields)


PCMA, OPUS = CodecFormat("PCMA", 8, 8000), CodecFormat("opus", 96, 48000, 2)


def test_transform_relays_to_a_third_place() -> None:
    daemon = Daemon()
    wanted = [RequestedMedia("audio", None, (), ((PCMA, PCMA),), ep("198.51.100.7:7000")),
              RequestedMedia("audio", "x", (), ((PCMA, PCMA),), ep("[2001:db8::7]:7000"))]
    reply = daemon.send("transform", call_id=None, medias=wanted)
    assert [media["id"] for media in reply["media"]] == ["0", "x"]
    assert [(media["family"], media["address"]) for media in reply["media"]] == [
        ("IP4", "203.0.113.5"), ("IP6", "2001:db8:7::5")]
    local = ep(f"203.0.113.5:{reply['media'][0]['port']}")
    assert daemon.sends_to(local) == ["198.51.100.7:7000"]
    assert daemon.sends_to(local, rtcp=True) == ["198.51.100.7:7001"]
    assert daemon.send("transform") == {"call-id": "c1", "from-tag": "", "media": []}


@pytest.mark.parametrize("fields, reason", [
    ({"medias": [RequestedMedia("audio")]}, "Failed to set up transform"),
    ({"medias": [RequestedMedia("audio", None, (), ((PCMA, OPUS),), ep("198.51.100.7:7000"))]},
     "Failed to set up transform: no codec can be converted"),
    ({"medias": [RequestedMedia("audio")], "instance": "000000000000"}, "Transform loop detected")])
def test_what_transform_cannot_do(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(PeerError, match=f"^{reason}$"):
        Daemon().send("transform", **fields)


def test_without_ports_the_call_ends() -> None:
    daemon = Daemon(spec("default", "203.0.113.5", ports=(30000, 30001)))
    daemon.send("create", from_tag="P")
    with pytest.raises(OutOfPorts):
        daemon.send("create", from_tag="Q")
    assert not daemon.calls.calls and not daemon.sockets.open


def test_an_interface_that_there_is_not_is_told_of() -> None:
    daemon = Daemon()
    daemon.send("create", from_tag="P", interface="x" * 100)
    assert daemon.ignored == [f"interface: '{'x' * 40}' is not configured"]


def test_interfaces_by_name_and_by_route() -> None:
    daemon = Daemon(spec("one", "203.0.113.5"), spec("two", "127.0.0.1"))
    assert "c=IN IP4 127.0.0.1\n" in daemon.body("create", from_tag="P", interface="two")
    assert "c=IN IP4 127.0.0.1\n" in daemon.body("create", from_tag="Q", peer=Address.parse("127.0.0.1"))
    assert "c=IN IP4 127.0.0.1\n" in daemon.offer(sdp(), outbound_peer=Address.parse("127.0.0.1"), call_id="c2")
    assert "c=IN IP4 203.0.113.5\n" in daemon.answer(sdp("198.51.100.20", 42000), call_id="c2")
