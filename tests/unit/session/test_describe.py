# SPDX-License-Identifier: GPL-3.0-or-later
"""What the receiver is told: whole bodies, then the parts that flags change."""
from __future__ import annotations

import pytest

from controlplane.ng.reply import RequestFailed
from controlplane.sdp.manipulate import Edits
from tests.unit.session.calls import V4, Daemon, port_of, sdp

ALICE = """v=0
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
BOB = """v=0
o=bob 5 9 IN IP4 198.51.100.20
s=-
c=IN IP4 198.51.100.20
t=0 0
m=audio 42000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
m=video 0 RTP/AVP 97
"""


def test_plain_offer_with_an_unknown_attribute_and_a_rejected_section() -> None:
    body = Daemon().offer(ALICE, replace="origin")
    port = port_of(body)
    assert port % 2 == 0
    assert body == f"""v=0
o=alice 77 1 IN IP4 203.0.113.5
s=demo
t=0 0
a=tool:acme
m=audio {port} RTP/AVP 8 101
c=IN IP4 203.0.113.5
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=x-note:keep
a=sendrecv
a=rtcp:{port + 1}
a=ptime:20
m=video 0 RTP/AVP 97
c=IN IP4 0.0.0.0
"""


def test_answer_gets_the_offerers_own_packet_time() -> None:
    daemon = Daemon()
    daemon.offer(ALICE)
    body = daemon.answer(BOB)
    port = port_of(body)
    assert body == f"""v=0
o=bob 5 9 IN IP4 198.51.100.20
s=-
t=0 0
m=audio {port} RTP/AVP 8 101
c=IN IP4 203.0.113.5
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=rtcp:{port + 1}
a=ptime:20
m=video 0 RTP/AVP 97
c=IN IP4 0.0.0.0
"""


def test_answer_drops_codecs_that_were_not_offered() -> None:
    daemon = Daemon()
    daemon.offer(sdp(formats="8 0"))
    assert "RTP/AVP 0\n" in daemon.answer(sdp("198.51.100.20", 42000, formats="9 0"))
    assert "RTP/AVP 9\n" in daemon.answer(sdp("198.51.100.20", 42000, formats="9"))


def test_answer_matches_codecs_by_number_or_by_name_alone() -> None:
    events = ["a=rtpmap:101 telephone-event/8000"], ["a=rtpmap:97 telephone-event/8000"]
    for flags, formats in (("", "8"), ("allow-asymmetric-codecs", "8 97")):
        daemon = Daemon()
        daemon.offer(sdp("192.0.2.10", 41000, *events[0], formats="8 101"))
        assert f"RTP/AVP {formats}\n" in daemon.answer(sdp("198.51.100.20", 42000, *events[1], formats="8 97"),
                                                       flags=flags)


def test_answer_may_call_g729_by_its_other_name() -> None:
    daemon = Daemon()
    daemon.offer(sdp(formats="8 18"))
    body = daemon.answer(sdp("198.51.100.20", 42000, "a=rtpmap:18 G729a/8000", formats="8 18"))
    assert "a=rtpmap:18 G729a/8000\n" in body


def test_mixed_header_extensions() -> None:
    daemon = Daemon()
    assert "a=extmap-allow-mixed\na=extmap:1 urn:x\n" in daemon.offer(sdp("192.0.2.10", 41000, "a=extmap:1 urn:x"))
    assert "allow-mixed" not in daemon.answer(sdp("198.51.100.20", 42000, "a=extmap:1 urn:x"))
    assert "allow-mixed" not in daemon.offer(sdp())


def test_formats_of_a_rejected_section() -> None:
    for profile, formats in (("RTP/AVP", "0"), ("RTP/AVPF", "97")):
        daemon = Daemon()
        daemon.offer(sdp("192.0.2.10", 41000, "m=video 41002 RTP/AVP 97"))
        body = daemon.answer(sdp("198.51.100.20", 42000, f"m=video 0 {profile} 0"))
        assert f"m=video 0 RTP/AVP {formats}\n" in body


def test_answer_with_too_few_sections() -> None:
    daemon = Daemon()
    video = ["m=video 41002 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=mid:v", "a=label:7", "a=x-note:keep"]
    daemon.offer(sdp("192.0.2.10", 41000, "a=mid:a", *video))
    body = daemon.answer(sdp("198.51.100.20", 42000))
    port = port_of(body, 1)
    assert port
    assert body.endswith(f"m=video {port} RTP/AVP 97\nc=IN IP4 0.0.0.0\na=mid:v\na=rtpmap:97 H264/90000\n"
                         f"a=sendrecv\na=rtcp:{port + 1}\n")


def test_a_reoffer_with_fewer_sections_prints_the_others_again() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "m=video 41002 RTP/AVP 97", "a=rtpmap:97 H264/90000"))
    before = daemon.answer(sdp("198.51.100.20", 42000, "m=video 42002 RTP/AVP 97", "a=rtpmap:97 H264/90000"))
    assert "m=video" in before
    assert "m=video" in daemon.offer(sdp(), to_tag="B")


def test_versions_of_our_own() -> None:
    daemon = Daemon()

    def version(number: int, port: int) -> int:
        body = daemon.offer(sdp("192.0.2.10", port, version=number), replace="sdp-version")
        return int(body.splitlines()[1].split()[2])

    assert [version(1, 41000), version(2, 41000), version(7, 41010), version(8, 41010)] == [1, 1, 2, 2]


def test_session_name_is_kept_if_asked() -> None:
    daemon = Daemon()
    daemon.offer(ALICE)
    assert "s=demo" in daemon.offer(sdp(), replace="session-name")
    assert "s=-\n" in daemon.offer(sdp())


def test_media_address_replaces_ours_but_not_in_the_origin() -> None:
    from controlplane.addresses import Address
    body = Daemon().offer(sdp(), media_address=Address.parse("100.64.0.1"), replace="origin",
                          flags="full-rtcp-attribute")
    assert "c=IN IP4 100.64.0.1\n" in body and f"IN IP4 {V4}\ns=" in body
    assert f"a=rtcp:{port_of(body) + 1} IN IP4 100.64.0.1\n" in body


def test_flags_about_lines() -> None:
    body = Daemon().offer(sdp("192.0.2.10", 41000, "a=sendonly", "a=foo"),
                          flags="no-rtcp-attribute original-sendrecv generate-mid loop-protect")
    assert "a=rtcp:" not in body
    assert "a=mid:1\n" in body and "a=foo\na=sendonly\n" in body
    assert "t=0 0\na=rtpengine:000000000000\n" in body


def test_a_body_that_was_here_already_is_returned_as_it_is() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp(), flags="loop-protect")
    assert daemon.offer(body, call_id="c2", from_tag="X", flags="loop-protect") == body
    assert daemon.offer(body, call_id="c3", from_tag="X") != body


def test_nothing_but_rejected_sections() -> None:
    with pytest.raises(RequestFailed, match="Error rewriting SDP") as caught:
        Daemon().offer(sdp(port=0))
    assert caught.value.extra == {"sdp": ""}


def test_a_section_offered_with_port_0_stays_rejected() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "m=video 0 RTP/AVP 97"))
    body = daemon.answer(sdp("198.51.100.20", 42000, "m=video 42002 RTP/AVP 97"))
    assert "m=video 0 RTP/AVP 97\n" in body and daemon.sockets.open == 4


def test_mid_is_given_to_the_receiver_once_and_not_taken_from_the_answer() -> None:
    daemon = Daemon()
    assert "a=mid:one\n" in daemon.offer(sdp("192.0.2.10", 41000, "a=mid:one"))
    assert "a=mid:one\n" in daemon.answer(sdp("198.51.100.20", 42000, "a=mid:two"))
    assert "a=mid:one\n" in daemon.offer(sdp("192.0.2.10", 41000, "a=mid:three"), to_tag="B")


def test_label_travels() -> None:
    daemon = Daemon()
    assert "a=label:4\n" in daemon.offer(sdp("192.0.2.10", 41000, "a=label:4"))
    assert "a=label:4\n" in daemon.offer(sdp())


def test_opaque_media_are_relayed_with_their_attributes_copied() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp("192.0.2.10", 41000, "a=T38FaxVersion:0", kind="image", protocol="udptl", formats="t38"))
    port = port_of(body)
    assert body.endswith(f"m=image {port} udptl t38\nc=IN IP4 203.0.113.5\na=T38FaxVersion:0\n")
    daemon.answer(sdp("198.51.100.20", 42000, kind="image", protocol="udptl", formats="t38"))
    target = daemon.targets[daemon.local("A")]
    assert not target.is_rtp and [str(o.destination) for o in target.rtp_outputs] == ["198.51.100.20:42000"]
    assert not target.rtcp_outputs


def test_messages_are_not_relayed() -> None:
    body = Daemon().offer(sdp("192.0.2.10", 41000, "m=message 9999 TCP/MSRP *", "a=path:msrp://x"))
    assert "m=message 9999 TCP/MSRP *\nc=IN IP4 192.0.2.10\na=path:msrp://x\n" in body


def test_profiles() -> None:
    daemon = Daemon()
    assert " RTP/AVPF 8 0" in daemon.offer(sdp(), transport_protocol="RTP/AVPF")
    assert " RTP/AVP 8 0" in daemon.answer(sdp("198.51.100.20", 42000, protocol="RTP/AVPF"))
    assert " RTP/AVPF 8 0" in daemon.offer(sdp(), to_tag="B")
    assert " RTP/AVPF 8 0" in daemon.answer(sdp("198.51.100.20", 42000, protocol="RTP/AVPF"),
                                            transport_protocol="accept")
    rejected = daemon.offer(sdp("192.0.2.10", 41000, "m=video 0 RTP/AVP 97"), transport_protocol="RTP/AVPF")
    assert "m=video 0 RTP/AVPF 0\n" in rejected


HELD = [("sendrecv", False, "sendrecv", False), ("sendonly", False, "sendonly", False),
        ("recvonly", False, "recvonly", False), ("inactive", False, "inactive", False),
        ("sendrecv", True, "sendonly", True), ("sendonly", True, "sendonly", True),
        ("recvonly", True, "inactive", True), ("inactive", True, "inactive", True)]


@pytest.mark.parametrize("said, zero, seen, seen_zero", HELD)
def test_hold(said: str, zero: bool, seen: str, seen_zero: bool) -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    daemon.answer(sdp("198.51.100.20", 42000))
    body = daemon.offer(sdp("0.0.0.0" if zero else "192.0.2.10", 41000, f"a={said}"), to_tag="B")
    assert f"a={seen}\n" in body
    assert ("c=IN IP4 0.0.0.0\n" in body) == seen_zero
    from_a, to_a = seen in ("sendrecv", "sendonly"), seen in ("sendrecv", "recvonly")
    assert bool(daemon.sends_to(daemon.local("A"))) == from_a
    assert bool(daemon.sends_to(daemon.local("B"))) == to_a
    assert daemon.sends_to(daemon.local("A", 1), rtcp=True)


def test_hold_without_telling_the_zero_address() -> None:
    body = Daemon().offer(sdp("0.0.0.0"), replace="zero-address")
    assert "c=IN IP4 203.0.113.5\n" in body and "a=sendonly\n" in body


def test_a_held_party_is_sent_nothing() -> None:
    daemon = Daemon()
    daemon.offer(sdp("0.0.0.0"))
    daemon.answer(sdp("198.51.100.20", 42000))
    assert daemon.sends_to(daemon.local("B")) == [] == daemon.sends_to(daemon.local("B", 1), rtcp=True)


ATTRIBUTES = sdp("192.0.2.10", 41000, "a=x-note:keep", "a=ptime:20", formats="8").replace(
    "t=0 0\n", "t=0 0\na=tool:x\n")


def lines_of(body: str, section: int = 1) -> list[str]:
    """The a= lines of one section; 0 is the session."""
    return [line[2:] for line in body.split("\nm=")[section].splitlines() if line.startswith("a=")]


def test_edited_attributes() -> None:
    edits = {"none": Edits({"tool"}, added=["own:1"]),
             "audio": Edits({"ptime", "rtcp"}, {"x-note:keep": "y", "rtpmap:8": "rtpmap:8 A/1"}, ["z", "z"])}
    body = Daemon().offer(ATTRIBUTES, sdp_attr=edits)
    assert lines_of(body, 0) == ["own:1"]
    assert lines_of(body) == ["rtpmap:8 A/1", "y", "sendrecv", "z", "z"]
    assert lines_of(Daemon().offer(ATTRIBUTES, sdp_attr={"video": Edits({"x-note"})})) == lines_of(
        Daemon().offer(ATTRIBUTES))


def test_edits_count_for_our_own_version() -> None:
    daemon = Daemon()
    versions = [daemon.offer(ATTRIBUTES, replace="sdp-version", sdp_attr={"audio": Edits(added=[added])}).split()[3]
                for added in ("1", "1", "2")]
    assert versions == ["1", "1", "2"]


VIDEO = "m=video 41002 RTP/AVP 97\na=rtpmap:97 H264/90000\na=mid:v\na=label:7\n"


def media_lines(body: str) -> list[str]:
    return [" ".join(["0" if word == "0" else "P" if index == 1 else word for index, word in enumerate(line.split())])
            for line in body.splitlines() if line.startswith("m=")]


@pytest.mark.parametrize("removed, offered, answered", [
    ("video", "m=audio P RTP/AVP 8 0", "m=audio P RTP/AVP 8 0"),
    ("audio", "m=video P RTP/AVP 97", "m=video P RTP/AVP 97"),
])
def test_a_section_withheld_from_the_receiver(removed: str, offered: str, answered: str) -> None:
    daemon = Daemon()
    body = daemon.offer(sdp() + VIDEO, sdp_media_remove={removed})
    assert media_lines(body) == [offered]
    answer = BOB.replace("m=video 0", "m=video 42002").split("m=")
    kept = answer[0] + "m=" + (answer[1] if removed == "video" else answer[2])
    told = daemon.answer(kept.rstrip("\n") + "\n")
    expected = ["m=audio 0 RTP/AVP 8 0", answered] if removed == "audio" else [answered, "m=video 0 RTP/AVP 97"]
    assert [line.replace("8 101", "8 0") for line in media_lines(told)] == [
        line.replace("m=audio P RTP/AVP 8 0", "m=audio P RTP/AVP 8") for line in expected]
    assert "a=label" not in told
    assert len(daemon.party("B").medias) == 1 and daemon.sockets.open == 4


def test_a_withheld_section_is_shown_later_behind_the_others() -> None:
    daemon = Daemon()
    daemon.offer(sdp() + VIDEO, sdp_media_remove={"audio"})
    daemon.answer(sdp("198.51.100.20", 42002, "a=rtpmap:97 H264/90000", kind="video", formats="97"))
    body = daemon.offer(sdp() + VIDEO, to_tag="B")
    assert media_lines(body) == ["m=video P RTP/AVP 97", "m=audio P RTP/AVP 8 0"]
    told = daemon.answer(sdp("198.51.100.20", 42002, "a=rtpmap:97 H264/90000", kind="video", formats="97")
                         + "m=audio 42000 RTP/AVP 8\n")
    assert media_lines(told) == ["m=audio P RTP/AVP 8", "m=video P RTP/AVP 97"]
    for a, b in (("41000", "42000"), ("41002", "42002")):
        medias = {str(media.streams[0].endpoint.port): media for media in daemon.call.medias
                  if media.streams[0].endpoint is not None}
        assert [peer.streams[0].endpoint.port for peer in medias[a].peers if peer.streams[0].endpoint] == [int(b)]


def test_a_section_withheld_in_a_reoffer_is_rejected() -> None:
    daemon = Daemon()
    daemon.offer(sdp() + VIDEO)
    daemon.answer(sdp("198.51.100.20", 42000) + VIDEO.replace("41002", "42002"))
    assert media_lines(daemon.offer(sdp() + VIDEO, to_tag="B", sdp_media_remove={"video"})) == [
        "m=audio P RTP/AVP 8 0", "m=video 0 RTP/AVP 97"]
    assert media_lines(daemon.offer(sdp() + VIDEO, to_tag="B")) == ["m=audio P RTP/AVP 8 0", "m=video P RTP/AVP 97"]


def test_other_stands_for_every_unnamed_type() -> None:
    body = Daemon().offer(sdp() + "m=smell 5000 RTP/AVP 97\nm=text 5002 RTP/AVP 98\n", sdp_media_remove={"other"})
    assert media_lines(body) == ["m=audio P RTP/AVP 8 0", "m=text P RTP/AVP 98"]


def test_answers_withhold_nothing() -> None:
    daemon = Daemon()
    daemon.offer(sdp())
    assert media_lines(daemon.answer(sdp("198.51.100.20", 42000), sdp_media_remove={"audio"})) == [
        "m=audio P RTP/AVP 8 0"]


def test_what_a_rejected_section_shows() -> None:
    body = Daemon().offer(sdp() + "m=application 0 *\ni=title\nb=AS:5\na=mid:1\na=label:2\na=x:1\n")
    assert body.endswith("m=application 0 * \ni=title\nc=IN IP4 0.0.0.0\nb=AS:5\na=mid:1\na=label:2\n")
