# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from controlplane.addresses import Address
from controlplane.sdp import protocols
from controlplane.sdp.errors import IncompleteSdp, SdpError
from controlplane.sdp.model import Origin
from controlplane.sdp.parse import parse

FULL = b"""v=0
o=alice 77 18446744073709551615 IN IP4 192.0.2.10
s=demo
i=about
u=http://example.com/
e=one@example.com
e=two@example.com
p=+1
c=IN IP4 192.0.2.10
b=AS:100
b=CT:200
b=X-foo:3
t=1 2
r=7d 1h 0 25h
z=0 1h
k=clear:secret
a=tool:acme
a=recvonly
m=audio 41000 rtp/avp 8 101
i=the title
c=IN IP6 2001:db8::1
b=TIAS:64000
b=RR:0
b=CT:5
a=sendonly
m=video 5000/2 FOO/BAR x y
"""


def test_every_line_type():
    found = parse(FULL)
    assert found.origin == Origin("alice", "77", 18446744073709551615, "IN", "IP4", "192.0.2.10")
    assert (found.name, found.info, found.uri, found.timing) == ("demo", "about", "http://example.com/", "1 2")
    assert (found.emails, found.phones) == (["one@example.com", "two@example.com"], ["+1"])
    assert found.connection == Address.parse("192.0.2.10")
    assert found.bandwidths == {"AS": 100, "CT": 200}
    assert found.generic == ["tool:acme"]
    audio, video = found.medias
    assert (audio.type, audio.port, audio.port_count, audio.protocol) == ("audio", 41000, 1, protocols.RTP_AVP)
    assert (audio.protocol_text, audio.formats, audio.title) == ("RTP/AVP", ("8", "101"), "the title")
    assert audio.connection == Address.parse("2001:db8::1")
    assert audio.bandwidths == {"TIAS": 64000, "RR": 0}
    assert (audio.direction, audio.received_direction) == ("recvonly", "sendonly")
    assert (video.port_count, video.protocol, video.protocol_text, video.formats) == (2, None, "FOO/BAR", ("x", "y"))
    assert video.payload_types == ()
    assert video.session_connection == found.connection
    assert video.direction == "recvonly"


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\nv=0\n", b"v=0", b"v=0\nx", b"v=0\r\n\r\nm=audio 1 RTP/AVP 0\r\n"])
def test_bodies_without_sections(body):
    assert parse(body).medias == []


@pytest.mark.parametrize("body", [
    b"s=x\n",
    b"v=1\n",
    b"v=00\n",
    b"v=\n",
    b"v=0 \n",
    b"v=0\nV=0\n",
    b"v=0\nq=0\n",
    b"v=0\n\xffx\n",
    b"v=0\nx\n",
    b"v=0\ro=- 1 1 IN IP4 192.0.2.1\rs=-\rt=0 0\r",
    b"v=0\no=- 1 1 IN IP4\n",
    b"v=0\no=- 1 1 IN IP4 h\no=- 1 1 IN IP4 h\n",
    b"v=0\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\n",
    b"v=0\nm=audio 1 RTP/AVP 0\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\n",
    b"v=0\nc=IN IP4 host.example\n",
    b"v=0\nm=\n",
    b"v=0\nm=audio\n",
    b"v=0\nm=audio 1\n",
    b"v=0\nm=audio -1 RTP/AVP 0\n",
    b"v=0\nm=audio 65536 RTP/AVP 0\n",
    b"v=0\nm=audio x RTP/AVP 0\n",
    b"v=0\nm=audio " + b"9" * 5000 + b" RTP/AVP 0\n",
    b"v=0\nm=audio 1/0 RTP/AVP 0\n",
    b"v=0\nm=audio 1/11 RTP/AVP 0\n",
    b"v=0\nm=audio 1/ RTP/AVP 0\n",
    b"v=0\nm=audio 1/x RTP/AVP 0\n",
    *(b"v=0\nm=audio 1 RTP/AVP 0\n" + letter + b"=1 2 3 IN IP4 x\n" for letter in (b"s", b"t", b"u", b"e", b"p", b"o")),
])
def test_bodies_that_cannot_be_parsed(body):
    with pytest.raises(SdpError) as caught:
        parse(body)
    assert str(caught.value) == "Failed to parse SDP"
    assert caught.value.detail


@pytest.mark.parametrize("formats", [b"x", b"128", b"-1", b"0 8 PCMU", b"99999999999999999999", b"0x8", "٣".encode()])
def test_format_that_is_no_payload_type(formats):
    body = b"v=0\nm=audio 1 RTP/AVP " + formats + b"\n"
    with pytest.raises(IncompleteSdp) as caught:
        parse(body)
    assert str(caught.value) == "Incomplete SDP specification"
    assert parse(body.replace(b"audio 1", b"audio 0")).medias[0].payload_types == ()
    assert parse(body.replace(b"RTP/AVP", b"udptl")).medias[0].payload_types == ()


@pytest.mark.parametrize("text, version", [
    ("7", 7), ("007", 7), ("7x", 7), ("", 0), ("x", 0), ("-1", 0), ("18446744073709551616", 18446744073709551615),
    ("9" * 5000, 18446744073709551615), ("0" * 50 + "5", 5),
])
def test_origin_version(text, version):
    body = f"v=0\no=- 1 {text or 'y'} IN IP4 host.example trailing\n".encode()
    assert parse(body).origin == Origin("-", "1", version, "IN", "IP4", "host.example")


def test_missing_lines_and_repeated_names():
    found = parse(b"v=0\nm=audio 1 RTP/AVP 0\n")
    assert (found.origin, found.name, found.timing, found.connection) == (None, None, None, None)
    found = parse(b"v=0\ns=a\ns=b\nt=0 0\nt=1 1\n")
    assert (found.name, found.timing) == ("b", "1 1")


def test_section_without_formats():
    media, = parse(b"v=0\nm=audio 1 RTP/AVP\n").medias
    assert (media.formats, media.payload_types) == ((), ())


@pytest.mark.parametrize("count", [1, 10])
def test_port_counts(count):
    assert parse(f"v=0\nm=audio 1/{count} RTP/AVP 0\n".encode()).medias[0].port_count == count


@pytest.mark.parametrize("line", [b"b=AS:", b"b=AS:-1", b"b=AS:x", b"b=as:1", b"b=", b"b=AS:" + b"9" * 30])
def test_unusable_bandwidth_is_dropped(line):
    assert parse(b"v=0\n" + line + b"\n").bandwidths == {}


def test_further_sessions_continue_the_numbering():
    found = parse(b"v=0\ns=one\na=rtpengine:0123\nc=IN IP4 192.0.2.1\na=inactive\nm=audio 1 RTP/AVP 0\n"
                  b"v=0\no=- 1 1 IN IP4 h\ns=two\na=rtpengine:0123\nc=IN IP4 192.0.2.2\nm=video 2 RTP/AVP 97\n")
    assert (found.name, found.origin) == ("one", None)
    assert [media.type for media in found.medias] == ["audio", "video"]
    assert [str(media.address()) for media in found.medias] == ["192.0.2.1", "192.0.2.2"]
    assert [media.direction for media in found.medias] == ["inactive", "sendrecv"]
    assert found.in_every_session("rtpengine:0123")
    assert not found.in_every_session("rtpengine:4567")
    assert not parse(b"v=0\na=x\nv=0\n").in_every_session("x")
    assert not parse(b"").in_every_session("x")


def test_fragment_starts_with_any_line():
    body = (b"a=ice-ufrag:x\r\na=ice-pwd:y\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\n"
            b"a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n")
    media, = parse(body, fragment=True).medias
    assert (media.mid, media.value("ice-ufrag"), media.has_ice) == ("1", "x", True)
    with pytest.raises(SdpError):
        parse(body)
    with pytest.raises(SdpError):
        parse(b"q=1\n", fragment=True)


def test_empty_line_when_strict():
    assert parse(b"v=0\ns=x\n\nm=audio 1 RTP/AVP 0\n").medias == []
    with pytest.raises(SdpError):
        parse(b"v=0\ns=x\n\nm=audio 1 RTP/AVP 0\n", strict=True)


def test_nul_and_foreign_bytes_survive():
    found = parse(b"v=0\ns=a\0b\xff\na=x:\0\xfe\n")
    texts = [text.encode("utf-8", "surrogateescape") for text in (found.name, *found.generic)]
    assert texts == [b"a\0b\xff", b"x:\0\xfe"]


def test_attribute_without_name():
    assert parse(b"v=0\na=\na=:\n").generic == ["", ":"]


def test_ten_thousand_sections():
    found = parse(b"v=0\nc=IN IP4 192.0.2.1\n" + b"m=a 1 b\n" * 10000)
    assert len(found.medias) == len(found.endpoints()) == 10000


def test_ten_thousand_lines():
    assert len(parse(b"v=0\n" + b"a=foo:bar\n" * 10000).generic) == 10000
