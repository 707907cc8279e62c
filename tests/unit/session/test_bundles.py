# SPDX-License-Identifier: GPL-3.0-or-later
"""Media that share sockets: accepted from a party, offered to one, taken back."""
from __future__ import annotations

import pytest

from controlplane.events import BundledMedia
from tests.unit.session.calls import Daemon, port_of, sdp

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def body(ports: tuple[int, int], group: str = "", mids: tuple[str, str] = ("", ""), extension: int | None = None,
         video: str = "97", address: str = "192.0.2.10") -> str:
    """Audio and video; ``group`` is what follows BUNDLE, ``extension`` the id of the mid in both sections."""
    lines = ["v=0", f"o=u 77 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    lines += [f"a=group:BUNDLE {group}"] if group else []
    for kind, port, formats, mid in (("audio", ports[0], "8", mids[0]), ("video", ports[1], video, mids[1])):
        lines.append(f"m={kind} {port} RTP/AVP {formats}")
        lines += [f"a=mid:{mid}"] if mid else []
        lines += [f"a=extmap:{extension} {MID}"] if extension else []
    return "\n".join([*lines, ""])


AV = ("a", "v")
BOB = body((42000, 42010), address="198.51.100.20", mids=AV)


def lines(text: str, *prefixes: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(tuple("a=" + prefix for prefix in prefixes))]


def test_a_bundle_is_accepted_for_the_offerer_alone() -> None:
    daemon = Daemon()
    offered = daemon.offer(body((41000, 41000), "a v", AV, 3), bundle="accept")
    assert "a=group" not in offered and port_of(offered) != port_of(offered, 1)
    answered = daemon.answer(BOB)
    assert lines(answered, "group", "mid", "extmap:") == [
        "a=group:BUNDLE a v", "a=mid:a", f"a=extmap:3 {MID}", "a=mid:v", f"a=extmap:3 {MID}"]
    assert port_of(answered) == port_of(answered, 1) and lines(answered, "rtcp")[0] == lines(answered, "rtcp")[1]
    target = daemon.targets[daemon.local("A")]
    assert [(media.mid, media.mid_extension) for media in target.bundle] == [("a", 3), ("v", 3)]
    assert [[str(output.destination) for output in media.rtp_outputs] for media in target.bundle] == [
        ["198.51.100.20:42000"], ["198.51.100.20:42010"]]
    back = daemon.targets[daemon.local("B", media=1)].rtp_outputs[0]
    assert (back.source, str(back.destination)) == (daemon.local("A"), "192.0.2.10:41000")
    assert back.extensions is not None and back.extensions.mid == (3, "v")
    assert len(daemon.call.medias.__next__().mappings) == 1 and not daemon.party("A").medias[1].mappings


def test_groups_mean_nothing_unless_accepted() -> None:
    daemon = Daemon()
    daemon.offer(body((41000, 41000), "a v", AV))
    answered = daemon.answer(BOB)
    assert "a=group" not in answered and port_of(answered) != port_of(answered, 1)


def test_the_head_is_the_first_of_the_group() -> None:
    daemon = Daemon()
    daemon.offer(body((41000, 41002), "v a", AV), bundle="accept")
    answered = daemon.answer(BOB)
    assert "a=group:BUNDLE v a\n" in answered and port_of(answered) == port_of(answered, 1)
    assert daemon.targets[daemon.local("A")].bundle[0].mid == "v"
    assert {str(output.destination) for tag in "B" for media in (0, 1)
            for output in daemon.targets[daemon.local(tag, media=media)].rtp_outputs} == {"192.0.2.10:41002"}


@pytest.mark.parametrize("offer, expected", [
    (body((41000, 41000), "a v", AV, video="8"), ["a=group:BUNDLE a"]),
    (body((41000, 41000), "a v", AV, 3, video="8"), ["a=group:BUNDLE a v"]),
    (body((41000, 41000), "a x", AV), ["a=group:BUNDLE a"]),
    (body((41000, 0), "a v", AV), ["a=group:BUNDLE a"]), (body((0, 41000), "a v", AV), []),
    (body((41000, 41000), "a v", ("a" * 300, "v"), 3, video="8"), ["a=group:BUNDLE v"])])
def test_members_must_fit(offer: str, expected: list[str]) -> None:
    daemon = Daemon()
    daemon.offer(offer, bundle="accept")
    assert lines(daemon.answer(BOB), "group") == expected


def test_who_is_rejected_leaves_the_bundle() -> None:
    for ports, expected in (((42000, 0), ["a=group:BUNDLE a"]), ((0, 42000), ["a=group:BUNDLE v"])):
        daemon = Daemon()
        daemon.offer(body((41000, 41000), "a v", AV), bundle="accept")
        assert lines(daemon.answer(body(ports, mids=AV, address="198.51.100.20")), "group") == expected


def test_a_bundle_is_offered() -> None:
    daemon = Daemon()
    offered = daemon.offer(body((41000, 41010)), bundle="offer")
    assert lines(offered, "group", "mid", "extmap:", "bundle") == [
        "a=group:BUNDLE 1 2", "a=mid:1", f"a=extmap:1 {MID}", "a=mid:2", f"a=extmap:1 {MID}"]
    assert port_of(offered) != port_of(offered, 1)
    accepted = body((42000, 42000), "1 2", ("1", "2"), 1, address="198.51.100.20")
    assert lines(daemon.answer(accepted), "group", "mid", "extmap:") == []
    head = daemon.targets[daemon.local("B")]
    assert [(type(media), media.mid, media.mid_extension) for media in head.bundle] == [
        (BundledMedia, "1", 1), (BundledMedia, "2", 1)]
    again = daemon.offer(body((41000, 41010)), to_tag="B")
    assert port_of(again) == port_of(offered) == port_of(again, 1)
    assert lines(again, "group", "bundle") == ["a=group:BUNDLE 1 2", "a=bundle-only"]
    back = daemon.offer(accepted, from_tag="B", to_tag="A")
    assert lines(back, "group", "mid", "extmap:") == ["a=mid:1", "a=mid:2"]


def test_a_bundle_that_is_declined_is_gone() -> None:
    daemon = Daemon()
    daemon.offer(body((41000, 41010)), bundle="offer")
    daemon.answer(body((42000, 42010), address="198.51.100.20"))
    assert not daemon.targets[daemon.local("B")].bundle
    assert "group" not in daemon.offer(body((41000, 41010)), to_tag="B")


def test_a_bundle_can_be_required_or_rejected() -> None:
    daemon = Daemon()
    offered = daemon.offer(body((41000, 41010)), bundle="require")
    assert port_of(offered) == port_of(offered, 1) and lines(offered, "bundle") == ["a=bundle-only"]
    strict = daemon.offer(body((41000, 41010)), bundle="strict")
    assert (port_of(strict), port_of(strict, 1)) == (port_of(offered), 0)
    assert "m=video 0 RTP/AVP 97\nc=IN IP4 203.0.113.5\na=mid:2\na=bundle-only\na=rtpmap" in strict
    apart = daemon.offer(body((41000, 41010)), bundle="reject")
    assert "group" not in apart and port_of(apart) != port_of(apart, 1)


def test_the_id_of_the_mid_is_free() -> None:
    offer = body((41000, 41010)).replace("RTP/AVP 8\n", "RTP/AVP 8\na=extmap:1 foo\n").replace(
        "RTP/AVP 97\n", "RTP/AVP 97\na=extmap:2 bar\n")
    offered = Daemon().offer(offer, bundle="offer")
    assert lines(offered, "extmap:") == ["a=extmap:1 foo", f"a=extmap:3 {MID}", "a=extmap:2 bar", f"a=extmap:3 {MID}"]


def test_every_socket_a_party_was_told_of_has_a_target_even_those_that_a_bundle_does_not_use() -> None:
    daemon = Daemon()
    ice = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n"
    daemon.offer(sdp(port=9) + "m=audio 9 RTP/AVP 8 0\n" + ice, passthrough=True, bundle="require")
    told = daemon.sockets_of(daemon.call.parties[1])
    assert told and set(told) <= set(daemon.targets)


ICE = "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\n"
KEYED = ICE + "a=rtcp-mux\na=setup:passive\na=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\n"


def bundled(*sections: str) -> str:
    """What browsers offer of these, which are called 0, 1 and so on."""
    names = " ".join([str(number) for number in range(len(sections))])
    head = f"v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE {names}\n"
    return head + "".join([section + f"c=IN IP4 192.0.2.10\na=mid:{number}\n"
                           for number, section in enumerate(sections)])


SOUND = "m=audio 41000 UDP/TLS/RTP/SAVPF 8\n" + KEYED
PICTURE = "m=video 0 UDP/TLS/RTP/SAVPF 97\na=rtpmap:97 VP8/90000\na=bundle-only\n"
DATA = "m=application 41000 UDP/DTLS/SCTP webrtc-datachannel\n" + KEYED + "a=sctp-port:5000\n"
TO_PHONE = {"transport_protocol": "RTP/AVP", "ice": "remove", "rtcp_mux": "demux"}


@pytest.mark.parametrize("transport", ["", KEYED], ids=["once", "in each section"])
def test_a_section_that_wants_nothing_but_the_bundle_is_part_of_it(transport: str) -> None:
    """RFC 9143 section 6: its port is 0, but it is not rejected; what the head says of transport is said for it."""
    daemon = Daemon()
    for _ in range(2):      # a later offer says the same again (section 7.5)
        offered = daemon.offer(bundled(SOUND, PICTURE + transport), **TO_PHONE, bundle="accept")
        assert [port_of(offered, number) > 0 for number in (0, 1)] == [True, True]
        assert "a=rtpmap:97 VP8/90000" in offered and not lines(offered, "bundle", "group")
        answered = daemon.answer(BOB)
        assert lines(answered, "group") == ["a=group:BUNDLE 0 1"] and port_of(answered) == port_of(answered, 1) > 0
        assert len(set(lines(answered, "ice-ufrag"))) == 1 and len(lines(answered, "fingerprint")) == 2
        assert not lines(answered, "crypto", "bundle") and daemon.local("A") == daemon.local("A", media=1)


def test_media_of_such_a_section_are_told_apart_from_those_of_the_head() -> None:
    daemon = Daemon()
    plain = [text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP").replace(KEYED, "") for text in (SOUND, PICTURE)]
    daemon.offer(bundled(*plain), bundle="accept")
    daemon.answer(BOB)
    assert [(media.mid, [str(output.destination) for output in media.rtp_outputs])
            for media in daemon.targets[daemon.local("A")].bundle] == [
        ("0", ["198.51.100.20:42000"]), ("1", ["198.51.100.20:42010"])]
    assert daemon.sends_to(daemon.local("B", media=1)) == ["192.0.2.10:41000"]


@pytest.mark.parametrize("words", ["", "reject"])
def test_without_a_bundle_it_is_rejected(words: str) -> None:
    daemon = Daemon()
    offered = daemon.offer(bundled(SOUND, PICTURE), **TO_PHONE, bundle=words)
    assert port_of(offered, 1) == 0 and port_of(daemon.answer(BOB), 1) == 0


def test_it_is_rejected_if_it_does_not_fit_into_the_bundle() -> None:
    """Its payload type is that of the sound, and no extension tells whose a packet is."""
    daemon = Daemon()
    offered = daemon.offer(bundled(SOUND, PICTURE.replace("97", "8")), **TO_PHONE, bundle="accept")
    assert port_of(offered, 1) == 0 and lines(daemon.answer(BOB), "group") == ["a=group:BUNDLE 0"]


def test_in_an_answer_port_0_is_a_rejection_whatever_else_it_says() -> None:
    daemon = Daemon()
    daemon.offer(body((41000, 41010)), bundle="offer")
    answer = body((42000, 0), "1 2", ("1", "2"), 1, address="198.51.100.20") + "a=bundle-only\n"
    assert port_of(daemon.answer(answer), 1) == 0


@pytest.mark.parametrize("sections, group", [((SOUND, DATA), "0"), ((DATA, SOUND), "1"),
                                             ((SOUND, DATA, PICTURE), "0 2")])
@pytest.mark.parametrize("accepted", [False, True])
def test_data_channels_go_beside_a_bundle(sections: tuple[str, ...], group: str, accepted: bool) -> None:
    """Whoever ends DTLS cannot hand on what is not RTP; the answer names no section that it does not have."""
    daemon = Daemon()
    offered = daemon.offer(bundled(*sections), **TO_PHONE, bundle="accept")
    told = [line.split() for line in offered.splitlines() if line.startswith("m=")]
    ports = [42000 + 2 * number if accepted or "SCTP" not in words[2] else 0 for number, words in enumerate(told)]
    answer = "".join([f"{kind} {ports[number]} {protocol} {formats[0]}\n"
                      for number, (kind, _, protocol, *formats) in enumerate(told)])
    answered = daemon.answer("v=0\no=b 1 1 IN IP4 198.51.100.20\ns=-\nc=IN IP4 198.51.100.20\nt=0 0\n" + answer)
    assert lines(answered, "group") == [f"a=group:BUNDLE {group}"]
    assert [port_of(answered, number) > 0 for number in range(len(sections))] == [
        accepted or one is not DATA for one in sections]


def test_a_fax_is_offered_beside_a_bundle() -> None:
    offered = Daemon().offer(body((41000, 41010)) + "m=image 41020 udptl t38\n", bundle="require")
    assert lines(offered, "group") == ["a=group:BUNDLE 1 2"] and len({port_of(offered, n) for n in range(3)}) == 2
