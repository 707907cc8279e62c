# SPDX-License-Identifier: GPL-3.0-or-later
from controlplane.addresses import Address
from controlplane.sdp.manipulate import Edits
from controlplane.sdp.model import Extmap, Origin, PayloadType
from controlplane.sdp.outgoing import OutgoingMedia, OutgoingSession
from controlplane.sdp.write import codec_texts, write

LOCAL = Address.parse("203.0.113.5")
LOCAL6 = Address.parse("2001:db8:7::5")
ORIGIN = Origin("-", "1", 2, "IN", "IP4", "203.0.113.5")


def media_of(type="audio", port=5, protocol="RTP/AVP", address=LOCAL, **fields):
    media = OutgoingMedia(type, port, protocol, address)
    for name, value in fields.items():
        getattr(media, name)
        setattr(media, name, value)
    return media


def session_of(*medias, **fields):
    session = OutgoingSession(ORIGIN)
    session.medias += medias
    for name, value in fields.items():
        setattr(session, name, value)
    return session


def printed(*medias, **fields):
    body = write(session_of(*medias, **fields))
    assert body.endswith(b"\r\n")
    return body.decode("utf-8", "surrogateescape").split("\r\n")[:-1]


def section(media):
    return printed(media)[4:]


def test_session_lines_in_order():
    assert printed(
        name="s", info="i", uri="u", emails=["e1", "e2"], phones=["p"], timing="1 2",
        bandwidths={"TIAS": 5, "CT": 4, "RS": 3, "RR": 0, "AS": 1}, leading=["ice-lite"], generic=["g"], added=["z"],
    ) == ["v=0", "o=- 1 2 IN IP4 203.0.113.5", "s=s", "i=i", "u=u", "e=e1", "e=e2", "p=p", "b=AS:1", "b=RR:0",
          "b=RS:3", "b=CT:4", "b=TIAS:5", "t=1 2", "a=ice-lite", "a=g", "a=z"]


def test_empty_session():
    assert printed() == ["v=0", "o=- 1 2 IN IP4 203.0.113.5", "s=", "t=0 0"]


def everything(**changes):
    fields = dict(
        type="audio", port=32900, protocol="RTP/SAVPF", address=LOCAL, formats=("96", "0"), title="t",
        bandwidths={"TIAS": 2, "AS": 1}, mid="m", label="l", bundle_only=True,
        payload_types=(PayloadType(96, "opus", 48000, 2, "minptime=10", ("nack", "nack pli")),
                       PayloadType(0, "PCMU", 8000)),
        extmap_allow_mixed=True, extmaps=(Extmap(1, "urn:a"), Extmap(2, "urn:b", "c d")), generic=["g:1", "g:2"],
        direction="sendonly", rtcp_port=32901, rtcp_address=LOCAL6, rtcp_mux=True, crypto=["crypto:1 X"],
        dtls=["setup:actpass"], ptime=20, maxptime=40, ice=["ice-ufrag:u"], candidates=["candidate:1"],
        end_of_candidates=True, added=["z"])
    return media_of(**(fields | changes))


def test_section_lines_in_order():
    assert section(everything()) == [
        "m=audio 32900 RTP/SAVPF 96 0", "i=t", "c=IN IP4 203.0.113.5", "b=AS:1", "b=TIAS:2", "a=mid:m", "a=label:l",
        "a=bundle-only", "a=rtpmap:96 opus/48000/2", "a=fmtp:96 minptime=10", "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli", "a=rtpmap:0 PCMU/8000", "a=extmap-allow-mixed",
        "a=extmap:1 urn:a", "a=extmap:2 urn:b c d", "a=g:1", "a=g:2",
        "a=sendonly", "a=rtcp:32901 IN IP6 2001:db8:7::5", "a=rtcp-mux", "a=crypto:1 X", "a=setup:actpass",
        "a=ptime:20", "a=maxptime:40", "a=ice-ufrag:u", "a=candidate:1", "a=end-of-candidates", "a=z"]


def test_rejected_section_stops_early():
    expected = ["m=audio 0 RTP/SAVPF 96 0", "i=t", "c=IN IP4 0.0.0.0", "b=AS:1", "b=TIAS:2", "a=mid:m", "a=label:l",
                "a=bundle-only"]
    assert section(everything(rejected=True)) == expected
    assert section(everything(rejected=True, copied=["x"])) == expected
    assert section(everything(rejected=True, address=LOCAL6))[2] == "c=IN IP6 ::"


def test_bare_section_is_one_line():
    assert section(everything(bare=True)) == ["m=audio 0 RTP/SAVPF 96 0"]


def test_copied_section():
    media = everything(copied=["sendrecv", "end-of-candidates", "mid:1"], end_of_candidates=False)
    assert section(media) == [
        "m=audio 32900 RTP/SAVPF 96 0", "i=t", "c=IN IP4 203.0.113.5", "b=AS:1", "b=TIAS:2", "a=sendrecv", "a=mid:1",
        "a=candidate:1", "a=end-of-candidates", "a=z"]


def test_smallest_section():
    media = media_of(address=LOCAL6, direction=None)
    assert section(media) == ["m=audio 5 RTP/AVP 0", "c=IN IP6 2001:db8:7::5"]
    media.extmap_allow_mixed = True
    assert len(section(media)) == 2, "allow-mixed says nothing without header extensions"


def test_unknown_payload_type():
    assert codec_texts(PayloadType(96, "", 0)) == ["rtpmap:96 /0"]


def test_a_section_without_its_keys_is_the_same_otherwise():
    encrypted = everything()
    plain = encrypted.in_clear("RTP/AVPF")
    assert section(plain) == [line.replace("RTP/SAVPF", "RTP/AVPF") for line in section(encrypted)
                              if line not in ("a=crypto:1 X", "a=setup:actpass")]
    assert encrypted.crypto == ["crypto:1 X"] and encrypted.protocol == "RTP/SAVPF"


def test_foreign_bytes_are_printed_as_they_came():
    text = b"x:\xff\xc3\xa9\0".decode("utf-8", "surrogateescape")
    media = media_of(generic=[text])
    assert b"\r\na=x:\xff\xc3\xa9\0\r\n" in write(session_of(media))


def test_edits_apply_to_their_section():
    video = media_of("Video", 7, generic=["g:1"], direction=None)
    audio = media_of(generic=["g:1"], direction="sendrecv", added=["y"])
    body = write(session_of(video, audio, generic=["g:1"]), {
        "none": Edits({"g"}, added=["first"]), "audio": Edits({"sendrecv"}, {"g:1": "h"}, ["last", "last"])}).decode()
    assert body.split("\r\n")[4:-1] == [
        "a=first", "m=Video 7 RTP/AVP 0", "c=IN IP4 203.0.113.5", "a=g:1", "m=audio 5 RTP/AVP 0",
        "c=IN IP4 203.0.113.5", "a=h", "a=y", "a=last", "a=last"]
