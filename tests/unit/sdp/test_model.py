# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Address, Endpoint
from controlplane.sdp.errors import IncompleteSdp
from controlplane.sdp.model import Group
from controlplane.sdp.parse import parse

ICE = ("ice-ufrag:u", "ice-pwd:p")


def body(*lines):
    return parse(("v=0\n" + "\n".join(lines) + "\n").encode())


def media(*attributes, line="audio 5000 RTP/AVP 0", connection="IN IP4 192.0.2.1", session=()):
    return body(*("a=" + text for text in session), f"m={line}", f"c={connection}",
                *("a=" + text for text in attributes)).medias[0]


def test_implicit_rtcp_port():
    found = media().endpoints()
    assert (str(found.rtp), str(found.rtcp), found.mux) == ("192.0.2.1:5000", "192.0.2.1:5001", False)
    assert media("rtcp-mux").endpoints().mux
    assert media(line="audio 65535 RTP/AVP 0").endpoints().rtcp.port == 0
    assert media(line="audio 0 RTP/AVP 0").endpoints().rtcp.port == 0


@pytest.mark.parametrize("rtcp, expected", [
    ("7000", "192.0.2.1:7000"),
    ("7000 IN IP4 192.0.2.9", "192.0.2.9:7000"),
    ("7000 IN IP4 0.0.0.0", "192.0.2.1:7000"),
    ("7000 IN IP6 2001:db8::9", "[2001:db8::9]:7000"),
])
def test_explicit_rtcp(rtcp, expected):
    assert str(media("rtcp:" + rtcp).endpoints().rtcp) == expected


def test_explicit_rtcp_does_not_count_for_several_ports():
    assert media("rtcp:7000", line="audio 5000/2 RTP/AVP 0").endpoints().rtcp.port == 5001


def test_equal_ports_mean_mux_except_for_the_trickle_dummy():
    assert media("rtcp:5000").endpoints().mux
    assert not media("rtcp:5000 IN IP4 192.0.2.9").endpoints().mux
    assert not media("rtcp:9 IN IP4 0.0.0.0", line="audio 9 RTP/AVP 0", connection="IN IP4 0.0.0.0").endpoints().mux


def test_address_precedence():
    source = Address.parse("198.51.100.1")
    explicit = Address.parse("192.0.2.9")
    found = body("c=IN IP4 192.0.2.1", "m=audio 1 RTP/AVP 0", "m=audio 1 RTP/AVP 0", "c=IN IP4 192.0.2.2")
    first, second = found.medias
    assert [str(first.address()), str(second.address())] == ["192.0.2.1", "192.0.2.2"]
    assert first.address(explicit=explicit) == explicit
    assert first.address(explicit=Address.parse("0.0.0.0")) == Address.parse("192.0.2.1")
    assert first.address(source, explicit) == source


def test_missing_address():
    found = body("m=audio 5000 RTP/AVP 0")
    with pytest.raises(IncompleteSdp) as caught:
        found.endpoints()
    assert str(caught.value) == "Incomplete SDP specification"
    source = Address.parse("198.51.100.1")
    assert found.endpoints(source)[0].rtp == Endpoint(source, 5000)
    assert body("m=audio 0 RTP/AVP 0").endpoints()[0].rtp == Endpoint(Address.parse("0.0.0.0"), 0)


def test_source_address_is_used_up_to_the_first_section_with_ice():
    found = body("c=IN IP4 192.0.2.1", "m=audio 1 RTP/AVP 0", "m=audio 3 RTP/AVP 0", *("a=" + text for text in ICE),
                 "a=rtcp:4 IN IP4 192.0.2.3", "m=audio 5 RTP/AVP 0")
    endpoints = found.endpoints(Address.parse("198.51.100.1"))
    assert [str(each.rtp) for each in endpoints] == ["198.51.100.1:1", "192.0.2.1:3", "192.0.2.1:5"]
    assert str(endpoints[1].rtcp) == "192.0.2.3:4"


@pytest.mark.parametrize("attributes, line, connection, trickles, held", [
    ((), "audio 9 RTP/AVP 0", "IN IP4 0.0.0.0", False, True),
    ((), "audio 9 RTP/AVP 0", "IN IP6 ::", False, True),
    ((), "audio 5000 RTP/AVP 0", "IN IP4 192.0.2.1", False, False),
    (ICE, "audio 9 RTP/AVP 0", "IN IP4 0.0.0.0", True, False),
    (ICE, "audio 10 RTP/AVP 0", "IN IP4 0.0.0.0", False, True),
    ((*ICE, "ice-options:ice2"), "audio 9 RTP/AVP 0", "IN IP4 0.0.0.0", False, True),
    ((*ICE, "ice-options:ice2 trickle"), "audio 10 RTP/AVP 0", "IN IP4 0.0.0.0", True, False),
])
def test_trickle_and_hold(attributes, line, connection, trickles, held):
    found = media(*attributes, line=line, connection=connection)
    assert found.trickles == trickles
    assert found.held_by(found.address()) == held


def test_values_fall_back_to_the_session_where_they_may():
    session = ("setup:actpass", "fingerprint:sha-1 AA", "crypto:1 X", "extmap-allow-mixed", *ICE)
    found = media("setup:active", "crypto:2 Y", "crypto:3 Z", session=session)
    assert found.value("setup") == "active"
    assert found.value("fingerprint") == "sha-1 AA"
    assert found.values("fingerprint") == ["sha-1 AA"]
    assert found.values("crypto") == ["2 Y", "3 Z"]
    assert found.has_ice and found.extmap_allow_mixed
    found = media(session=session)
    assert (found.value("crypto"), found.values("crypto")) == (None, [])
    assert not media("ice-ufrag:u").has_ice


def test_groups():
    found = body("a=group:BUNDLE 1 2", "a=group:", "a=group:LS a", "m=audio 0 RTP/AVP 0")
    assert found.groups == [Group("BUNDLE", ("1", "2")), Group("LS", ("a",))]


def test_generic_attributes_keep_their_order_behind_feedback_for_all_formats():
    found = media("x:1", "rtcp-mux", "msid:a b", "ssrc:1 cname:x", "T38FaxVersion:0", "framerate:25", "rtcp-fb:* nack",
                  "rtcp-rsize", "bundle-only", "T38Unknown:1", "x:1")
    assert found.generic == ["rtcp-fb:* nack", "x:1", "msid:a b", "ssrc:1 cname:x", "framerate:25", "rtcp-rsize",
                             "bundle-only", "T38Unknown:1", "x:1"]
