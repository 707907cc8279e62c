# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies that go in on one side and come out on the other."""
import pytest

from controlplane.addresses import Address
from controlplane.sdp.model import Origin
from controlplane.sdp.origin import OriginRules, OriginState, choose_origin, settle
from controlplane.sdp.parse import parse
from controlplane.sdp.rewrite import Hold, copied_media, hold, outgoing_media, outgoing_session, reverse, software_id
from controlplane.sdp.write import write

LOCAL = Address.parse("203.0.113.5")
OURS = Origin("-", "1", 1, "IN", "IP4", "203.0.113.5")
OFFER = """v=0
o=alice 77 1 IN IP4 192.0.2.10
s=demo
c=IN IP4 192.0.2.10
t=0 0
a=tool:acme
m=audio 41000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=x-note:keep
a=ptime:20
m=video 0 RTP/AVP 97
a=rtpmap:97 H264/90000
"""


def relayed(description, ports, state=None, rules=OriginRules(address=True)):
    state = state or OriginState()
    out = outgoing_session(description, choose_origin(state, description.origin, rules, LOCAL, 1))
    for sender, port in zip(description.medias, ports):
        media = outgoing_media(sender, port, LOCAL)
        media.rtcp_port = port + 1
        out.medias.append(media)
    return out, settle(state, out, rules).decode()


def test_plain_relay_of_an_offer():
    _, body = relayed(parse(OFFER.encode()), (32900, 0))
    assert body == """v=0
o=alice 77 1 IN IP4 203.0.113.5
s=demo
t=0 0
a=tool:acme
m=audio 32900 RTP/AVP 8 101
c=IN IP4 203.0.113.5
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=x-note:keep
a=sendrecv
a=rtcp:32901
a=ptime:20
m=video 0 RTP/AVP 97
c=IN IP4 0.0.0.0
""".replace("\n", "\r\n")


def test_plain_relay_of_an_answer():
    answer = parse(b"v=0\no=bob 5 5 IN IP4 192.0.2.20\ns=-\nt=0 0\nm=audio 5000 RTP/AVP 8 101\nc=IN IP4 192.0.2.20\n"
                   b"a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\nm=video 0 RTP/AVP 0\n")
    out, _ = relayed(answer, (33178, 0))
    out.medias[0].ptime = 20  # what the offerer itself said
    out.medias[1].formats = ("97",)  # what the offerer had offered
    assert write(out).decode().partition("t=0 0\r\n")[2] == """m=audio 33178 RTP/AVP 8 101
c=IN IP4 203.0.113.5
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=rtcp:33179
a=ptime:20
m=video 0 RTP/AVP 97
c=IN IP4 0.0.0.0
""".replace("\n", "\r\n")


def test_own_version_over_four_offers():
    state, rules = OriginState(), OriginRules(version=True)
    seen = []
    for version, port in ((1, 32900), (2, 32900), (7, 32902), (8, 32902)):
        body = OFFER.replace("alice 77 1", f"alice 77 {version}").encode()
        seen.append(relayed(parse(body), (port, 0), state, rules)[0].origin.version)
    assert seen == [1, 1, 2, 2]


@pytest.mark.parametrize("direction, told", [
    ("sendrecv", "sendonly"), ("sendonly", "sendonly"), ("recvonly", "inactive"), ("inactive", "inactive"),
])
def test_hold(direction, told):
    assert hold(direction, False) == Hold(direction, False)
    assert hold(direction, True) == Hold(told, True)
    assert hold(direction, True, replace_zero=True) == Hold(told, False)


def test_held_section():
    sender, = parse(b"v=0\nc=IN IP4 0.0.0.0\nm=audio 5000 RTP/AVP 0\n").medias
    media = outgoing_media(sender, 32900, LOCAL)
    assert (media.direction, str(media.address), media.port) == ("sendonly", "0.0.0.0", 32900)
    media = outgoing_media(sender, 32900, LOCAL, replace_zero=True)
    assert (media.direction, media.address) == ("sendonly", LOCAL)
    media = outgoing_media(sender, 32900, Address.parse("2001:db8::1"))
    assert str(media.address) == "::"


def test_reverse():
    assert [reverse(each) for each in ("sendonly", "recvonly", "sendrecv", "inactive")] == [
        "recvonly", "sendonly", "sendrecv", "inactive"]


@pytest.mark.parametrize("attributes, session, generic", [
    (b"a=sendonly\na=x\n", b"", ["x", "sendonly"]),
    (b"a=x\n", b"a=inactive\n", ["x", "inactive"]),
    (b"a=x\n", b"", ["x"]),
])
def test_original_direction(attributes, session, generic):
    sender, = parse(b"v=0\nc=IN IP4 192.0.2.1\n" + session + b"m=audio 5000 RTP/AVP 0\n" + attributes).medias
    media = outgoing_media(sender, 32900, LOCAL, original_sendrecv=True)
    assert (media.direction, media.generic) == (None, generic)


def test_dropped_attributes():
    found = parse(b"v=0\nc=IN IP4 192.0.2.1\na=moh:x\na=y\nm=audio 5000 RTP/AVP 0\na=moh\na=moh-not\n")
    assert outgoing_session(found, OURS, drop={"moh"}).generic == ["y"]
    assert outgoing_media(found.medias[0], 1, LOCAL, drop={"moh"}).generic == ["moh-not"]


def test_session_defaults():
    found = parse(b"v=0\n")
    out = outgoing_session(found, OURS)
    assert (out.name, out.timing) == ("", "0 0")
    assert outgoing_session(found, OURS, name="kept").name == "kept"


def test_copied_section_keeps_every_attribute():
    sender, = parse(b"v=0\nc=IN IP4 192.0.2.1\nm=image 5000 UDPTL t38\na=T38FaxVersion:0\na=x\na=sendrecv\n").medias
    media = copied_media(sender, 32900, LOCAL)
    assert media.copied == ["T38FaxVersion:0", "x", "sendrecv"]
    assert (media.protocol, media.formats, media.port) == ("udptl", ("t38",), 32900)


@pytest.mark.parametrize("line, printed", [
    ("audio 0 RTP/AVP", "audio 0 RTP/AVP 0"),
    ("audio 5 RTP/AVP", "audio 5 RTP/AVP 0"),
    ("audio 0 RTP/AVP 97 x", "audio 0 RTP/AVP 97 x"),
    ("audio 5 rtp/avp 097 8 8", "audio 5 RTP/AVP 97 8 8"),
    ("application 0 *", "application 0 * "),
    ("Application 5 Foo/Bar a  b", "Application 5 Foo/Bar a b"),
])
def test_media_lines(line, printed):
    found = parse(f"v=0\nc=IN IP4 192.0.2.1\nm={line}\n".encode())
    out = outgoing_session(found, choose_origin(OriginState(), None, OriginRules(), LOCAL, 1))
    for make in (outgoing_media, copied_media):
        out.medias = [make(found.medias[0], found.medias[0].port, LOCAL)]
        assert f"\r\nm={printed}\r\n" in write(out).decode()


def test_software_id():
    assert software_id("1.2~rc3+git.é") == "rtpengine-1-2-rc3-git--"
