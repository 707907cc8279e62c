# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Address
from controlplane.sdp.evaluate import MAX_FEEDBACK, MAX_REPEATS, payload_type
from controlplane.sdp.model import Extmap, PayloadType, RtcpAttribute
from controlplane.sdp.parse import parse


def section(*attributes, line="audio 5000 RTP/AVP 0", session=()):
    head = ["v=0", "c=IN IP4 192.0.2.1", *("a=" + text for text in session), "m=" + line]
    return parse("\n".join(head + ["a=" + text for text in attributes]).encode()).medias[0]


def test_payload_types_follow_the_formats():
    media = section("fmtp:101 0-15", "rtpmap:101 telephone-event/8000", "rtpmap:96 OPUS/48000/2", "rtcp-fb:96 nack",
                    "rtcp-fb:96 nack pli", "rtcp-fb:* ccm fir", "rtpmap:0 pcmu/8000/1",
                    line="audio 5000 RTP/AVP 96 101 0 8 97 101")
    event = PayloadType(101, "telephone-event", 8000, fmtp="0-15")
    assert media.payload_types == (
        PayloadType(96, "OPUS", 48000, 2, rtcp_fb=("nack", "nack pli")), event, PayloadType(0, "pcmu", 8000),
        PayloadType(8, "PCMA", 8000), PayloadType(97, "", 0), event)
    assert media.generic == ["rtcp-fb:* ccm fir"]


@pytest.mark.parametrize("mapping, expected", [
    ("PCMU/8000", ("PCMU", 8000, 1)),
    ("PCMU/8000 ", ("PCMU", 8000, 1)),
    ("L16/44100/2", ("L16", 44100, 2)),
    ("L16/44100/0", ("L16", 44100, 1)),
    ("L16/44100/x", ("L16", 44100, 1)),
    ("L16/44100/2/y", ("L16", 44100, 2)),
    ("PCMU", ("", 0, 1)),
    ("PCMU/", ("", 0, 1)),
    ("PCMU/0", ("", 0, 1)),
    ("PCMU/-8000", ("", 0, 1)),
    ("/8000", ("", 0, 1)),
    ("PCMU/" + "9" * 4000, ("", 0, 1)),
    ("x" * 5000 + "/8000", ("x" * 5000, 8000, 1)),
    ("/" * 5000, ("", 0, 1)),
])
def test_rtpmap(mapping, expected):
    found, = section("rtpmap:96 " + mapping, line="audio 5000 RTP/AVP 96").payload_types
    assert (found.encoding, found.clock_rate, found.channels) == expected


def test_unusable_rtpmap_leaves_what_was_known():
    assert section("rtpmap:0 x").payload_types[0].encoding == "PCMU"
    assert section("rtpmap:0 foo/8000", "rtpmap:0 x").payload_types[0].encoding == "foo"
    assert section("rtpmap:0 foo/8000", "rtpmap:0 bar/8000").payload_types[0].encoding == "bar"
    assert section("rtpmap:x foo/8000", "rtpmap:", "rtpmap").payload_types[0].encoding == "PCMU"


@pytest.mark.parametrize("line", ["fmtp:0", "fmtp:0 ", "fmtp:x a", "fmtp:", "rtcp-fb:0", "rtcp-fb:x nack", "rtcp-fb:"])
def test_unusable_codec_attribute(line):
    media = section(line)
    assert media.payload_types == (PayloadType(0, "PCMU", 8000),)
    assert media.generic == []


def test_repeated_payload_types_are_kept_within_bounds():
    media = section(line="audio 5000 RTP/AVP 8 8")
    assert [found.number for found in media.payload_types] == [8, 8]
    media = section(*["rtcp-fb:8 nack"] * 1000, line="audio 5000 RTP/AVP" + " 8" * 1000)
    assert len(media.payload_types) == MAX_REPEATS
    assert len(media.payload_types[0].rtcp_fb) == MAX_FEEDBACK


def test_equal_payload_types_are_shared():
    assert payload_type(0) is section().payload_types[0]
    long = "x" * 1000
    assert payload_type(96, "H264/90000", long) is not payload_type(96, "H264/90000", long)
    assert payload_type(96, "H264/90000", long) == payload_type(96, "H264/90000", long)


@pytest.mark.parametrize("value, expected", [
    ("5001", RtcpAttribute(5001, None)),
    ("5001 ", RtcpAttribute(5001, None)),
    ("5001 IN IP4 192.0.2.7", RtcpAttribute(5001, Address.parse("192.0.2.7"))),
    ("5001 IN IP6 2001:db8::7", RtcpAttribute(5001, Address.parse("2001:db8::7"))),
    ("0", None), ("65536", None), ("-1", None), ("x", None), ("", None), ("5001 junk", None),
    ("5001 IN IP4 host.example", None), ("5001 IN IP4", None), ("9" * 5000, None),
])
def test_rtcp(value, expected):
    assert section("rtcp:" + value).rtcp == expected


@pytest.mark.parametrize("name", ["ptime", "maxptime"])
@pytest.mark.parametrize("value, expected", [
    ("20", 20), ("20 ", 20), ("0", None), ("-20", None), ("x", None), ("", None), ("9" * 5000, None), ("65536", None),
])
def test_packet_times(name, value, expected):
    assert getattr(section(f"{name}:{value}"), name) == expected


@pytest.mark.parametrize("value, expected", [
    ("1 urn:x", (Extmap(1, "urn:x"),)),
    ("14 urn:x", (Extmap(14, "urn:x"),)),
    ("255 urn:x a b", (Extmap(255, "urn:x", "a b"),)),
    ("5/sendonly urn:x", (Extmap(5, "urn:x"),)),
    ("0 urn:x", ()), ("15 urn:x", ()), ("256 urn:x", ()), ("4096 urn:x", ()), ("x urn:x", ()), ("1", ()), ("1 ", ()),
    ("", ()),
])
def test_extmap(value, expected):
    assert section("extmap:" + value).extmaps == expected


def test_extmaps_of_the_session_count_if_the_section_has_none():
    session = ("extmap:1 urn:a", "extmap:15 urn:b", "extmap:2 urn:c")
    assert section(session=session).extmaps == (Extmap(1, "urn:a"), Extmap(2, "urn:c"))
    assert section("extmap:3 urn:d", session=session).extmaps == (Extmap(3, "urn:d"),)


@pytest.mark.parametrize("attributes, session, expected", [
    ((), (), "sendrecv"),
    (("sendonly",), (), "sendonly"),
    ((), ("inactive",), "inactive"),
    (("sendrecv",), ("recvonly",), "recvonly"),
    (("inactive",), ("sendonly",), "sendonly"),
    (("sendonly",), ("inactive", "sendrecv"), "sendonly"),
    (("sendrecv", "inactive", "sendonly", "recvonly"), (), "recvonly"),
    (("sendrecv", "inactive", "sendonly"), (), "sendonly"),
    (("sendrecv", "inactive"), (), "inactive"),
    (("SendOnly",), (), "sendrecv"),
])
def test_direction(attributes, session, expected):
    assert section(*attributes, session=session).direction == expected


def test_plain_texts():
    media = section("mid:a b", "label:7", "rtcp-mux")
    assert (media.mid, media.label, media.rtcp_mux) == ("a b", "7", True)
    media = section("mid:", "label", session=("mid:1", "label:2", "rtcp-mux", "ptime:20", "rtcp:7"))
    assert (media.mid, media.label, media.rtcp_mux, media.ptime, media.rtcp) == (None, None, False, None, None)
