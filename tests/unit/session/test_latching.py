# SPDX-License-Identifier: GPL-3.0-or-later
"""When local ports stay and when they change, and which interface they are on."""
from __future__ import annotations

import pytest

from controlplane.addresses import Address
from controlplane.errors import PeerError
from controlplane.session.latching import MAX_MAPPINGS
from tests.unit.session.calls import V4, V6, Daemon, ep, established, port_of, sdp, spec

B = ("198.51.100.20", 42000)


def offers(daemon: Daemon, *bodies: str, **fields: str) -> list[int]:
    return [port_of(daemon.offer(body, to_tag="B", **fields)) for body in bodies]


def test_ports_follow_the_remote_endpoint() -> None:
    daemon = established()
    first = daemon.local("B").port
    same, moved, back = offers(daemon, sdp(), sdp(port=41010), sdp())
    assert same == first == back != moved


def test_ports_come_back_after_a_rejection() -> None:
    daemon = Daemon()
    both = sdp("192.0.2.10", 41000, "m=video 41002 RTP/AVP 97")
    daemon.offer(both)
    daemon.answer(sdp(*B, "m=video 42002 RTP/AVP 97"))
    video = daemon.party("B").medias[1]
    before = video.streams[0].local
    daemon.offer(sdp("192.0.2.10", 41000, "m=video 0 RTP/AVP 97"), to_tag="B")
    assert video.streams[0].local is None and before is not None and daemon.targets[before].discard
    daemon.offer(both, to_tag="B")
    assert video.streams[0].local == before


def test_hold_keeps_ports() -> None:
    daemon = established()
    first = daemon.local("B").port
    held = sdp("192.0.2.99", 41010, "a=sendonly")
    assert offers(daemon, sdp("0.0.0.0"), held) == [first, first]
    assert offers(daemon, sdp("192.0.2.98", 41010, "a=sendonly"), flags="no-port-latching") != [first]
    assert offers(daemon, sdp("192.0.2.97", 41020, "a=recvonly")) != [first]


def test_a_hold_does_not_make_the_ports_anybodys() -> None:
    daemon = established()
    first = daemon.local("B").port
    assert offers(daemon, sdp("0.0.0.0"), sdp()) == [first, first]
    assert offers(daemon, sdp("0.0.0.0"), sdp("192.0.2.66")) != [first, first]


def test_latched_ports_remain_those_of_the_endpoint_before() -> None:
    daemon = established()
    first = daemon.local("B").port
    assert offers(daemon, sdp("192.0.2.10", 41010, "a=sendonly"), sdp()) == [first, first]


def test_port_latching_flag() -> None:
    daemon = established()
    assert offers(daemon, sdp(port=41010), flags="port-latching") == [daemon.local("B").port]


def test_former_ports_still_forward_but_learn_nothing() -> None:
    daemon = established()
    old = daemon.local("B")
    daemon.offer(sdp(port=41010), to_tag="B")
    assert daemon.sends_to(old) == ["192.0.2.10:41010"] and not daemon.targets[old].learning


def test_the_number_of_remembered_ports_is_bounded() -> None:
    daemon = established()
    offers(daemon, *[sdp(port=43000 + 2 * n) for n in range(3 * MAX_MAPPINGS)])
    assert len(daemon.party("B").medias[0].mappings) == MAX_MAPPINGS
    assert daemon.sockets.open == 2 * MAX_MAPPINGS + 2


def test_consecutive_ports() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp().replace("m=audio 41000", "m=audio 41000/3"))
    assert len(daemon.call.parties[1].medias[0].streams) == 6
    daemon.answer(sdp(*B).replace("m=audio 42000", "m=audio 42000/3"))
    locals_ = [daemon.local("B", index).port for index in range(6)]
    assert locals_ == list(range(port_of(body), port_of(body) + 6))
    assert daemon.sends_to(daemon.local("A", 2)) == ["198.51.100.20:42002"]
    assert daemon.sends_to(daemon.local("A", 3), rtcp=True) == ["198.51.100.20:42003"]
    with pytest.raises(PeerError, match="Ran out of ports"):
        daemon.offer(sdp().replace("m=audio 41000", "m=audio 41000/9"), call_id="c2")


@pytest.mark.parametrize("command", ["offer", "answer", "subscribe request"])
def test_exhaustion_leaves_those_who_talk_alone(command: str) -> None:
    """Whatever it was that needed more ports has failed, and nothing else."""
    daemon = Daemon(spec("default", V4, ports=(30000, 30003)))
    daemon.offer(sdp())
    daemon.answer(sdp(*B))
    video = "m=video 41002 RTP/AVP 97"
    with pytest.raises(PeerError, match="^Ran out of ports$"):
        daemon.send(command, from_tag="A", **{
            "offer": {"to_tag": "B", "sdp": sdp("192.0.2.10", 41000, video)},
            "answer": {"to_tag": "B", "sdp": sdp(*B, video)}, "subscribe request": {"to_tag": "S"}}[command])
    assert daemon.gets("A") == ["B"] and daemon.gets("B") == ["A"] and not daemon.counter.ended
    daemon.send("delete", delete_delay=0)
    assert not daemon.targets and not daemon.sockets.open


def test_exhaustion_destroys_the_call_and_the_next_one_works() -> None:
    daemon = Daemon(spec("default", V4, ports=(30000, 30005)))
    daemon.offer(sdp())
    with pytest.raises(PeerError, match="^Ran out of ports$") as failure:
        daemon.offer(sdp("192.0.2.10", 41000, "m=video 41002 RTP/AVP 97"), call_id="c2")
    assert failure.value.detail == f"6 of 6 ports of {V4} are in use by calls"
    assert list(daemon.calls.calls) == ["c1"] and daemon.sockets.open == 4
    assert daemon.counter.ended == [("c2", "UNKNOWN")]
    daemon.send("delete", from_tag="A", delete_delay=0)
    daemon.offer(sdp(), call_id="c3")


def test_families_are_bridged() -> None:
    daemon = Daemon()
    body = daemon.offer(sdp(), address_family=6)
    assert f"c=IN IP6 {V6}\n" in body
    answer = daemon.answer(sdp("2001:db8::20", 42000))
    assert f"c=IN IP4 {V4}\n" in answer
    assert daemon.sends_to(daemon.local("A")) == ["[2001:db8::20]:42000"]
    assert daemon.targets[daemon.local("A")].rtp_outputs[0].source.family == 6
    assert "c=IN IP6" in daemon.offer(sdp(), to_tag="B")


def test_the_family_of_the_answer_wins_in_the_next_offer() -> None:
    daemon = Daemon()
    daemon.offer(sdp(), address_family=6)
    daemon.answer(sdp(*B))
    assert daemon.sends_to(daemon.local("A")) == []
    assert "c=IN IP4" in daemon.offer(sdp(), to_tag="B")
    daemon.answer(sdp(*B))
    assert daemon.sends_to(daemon.local("A")) == ["198.51.100.20:42000"]


def test_the_offerer_moves_to_the_other_family() -> None:
    daemon = established()
    daemon.offer(sdp("2001:db8::10"), to_tag="B")
    assert f"c=IN IP6 {V6}\n" in daemon.answer(sdp(*B))
    assert daemon.sends_to(daemon.local("B")) == ["[2001:db8::10]:41000"]


def test_interfaces_by_direction_are_remembered() -> None:
    daemon = Daemon(spec("int", "10.0.0.1"), spec("ext", V4, "198.51.100.99"))
    body = daemon.offer(sdp(), from_interface="int", to_interface="ext")
    assert "c=IN IP4 198.51.100.99\n" in body
    assert "c=IN IP4 10.0.0.1\n" in daemon.answer(sdp(*B))
    assert "c=IN IP4 198.51.100.99\n" in daemon.offer(sdp(), to_tag="B")
    assert "c=IN IP4 10.0.0.1\n" in daemon.offer(sdp(), to_tag="B", to_interface="int")
    assert daemon.local("A").address == Address.parse("10.0.0.1")


@pytest.mark.parametrize("lines", [(), ("m=video 41002 RTP/AVP 34",)])
@pytest.mark.parametrize("key", ["from_interface", "to_interface"])
def test_an_interface_that_there_is_not_is_told_of_once_and_changes_nothing(key: str, lines: tuple[str, ...]) -> None:
    """10.5 only logs it, and moves a party that is elsewhere to the default."""
    daemon = Daemon(spec("int", "10.0.0.1"), spec("ext", V4), aliases={"out": "ext"})
    body = daemon.offer(sdp(), from_interface="internal", to_interface="out")
    daemon.answer(sdp("198.51.100.20", 42000))
    assert daemon.ignored == []
    assert daemon.offer(sdp("192.0.2.10", 41000, *lines), to_tag="B", **{key: "etx"}).startswith(body)
    assert daemon.ignored == ["interface: 'etx' is not configured"]


def test_interfaces_named_for_rejected_sections_are_remembered() -> None:
    daemon = Daemon(spec("int", "10.0.0.1"), spec("ext", V4))
    daemon.offer(sdp())
    with pytest.raises(PeerError):
        daemon.answer(sdp("198.51.100.20", 0), from_interface="int", to_interface="ext")
    more = "m=video 41002 RTP/AVP 96\na=rtpmap:96 VP8/90000"
    assert f"c=IN IP4 {V4}\na=rtpmap:96" in daemon.offer(sdp("198.51.100.20", 0, more), from_tag="B", to_tag="A")
    assert "c=IN IP4 10.0.0.1\na=rtpmap:96" in daemon.answer(sdp("192.0.2.10", 0, more), from_tag="B", to_tag="A")


def test_families_of_rejected_sections_are_remembered() -> None:
    daemon = Daemon()
    with pytest.raises(PeerError):
        daemon.offer(sdp("2001:db8::10", 0))
    assert f"c=IN IP6 {V6}\n" in daemon.offer(sdp("192.0.2.10"))


def test_an_interface_without_the_senders_family_is_left() -> None:
    daemon = Daemon(spec("one", "10.0.0.1"), spec("one", V6), spec("two", V4))
    assert f"c=IN IP4 {V4}\n" in daemon.offer(sdp(), to_interface="two")
    daemon.answer(sdp("2001:db8::20", 42000))
    assert "c=IN IP4 10.0.0.1\n" in daemon.offer(sdp(), to_tag="B", address_family=4)


def test_the_address_of_the_sip_message() -> None:
    source = Address.parse("192.0.2.77")
    for fields, expected in (({"flags": "sip-source-address"}, "192.0.2.77"), ({}, "192.0.2.10"),
                             ({"flags": "sip-source-address trust-address"}, "192.0.2.10")):
        daemon = Daemon()
        daemon.offer(sdp(), received_from=source, **fields)
        assert str(daemon.party("A").medias[0].streams[0].endpoint) == f"{expected}:41000"
    daemon = Daemon(sip_source=True)
    daemon.offer(sdp(), received_from=source)
    assert daemon.party("A").medias[0].streams[1].endpoint == ep("192.0.2.77:41001")


def test_explicit_rtcp() -> None:
    daemon = Daemon()
    daemon.offer(sdp("192.0.2.10", 41000, "a=rtcp:5005 IN IP4 192.0.2.11"))
    daemon.answer(sdp(*B, "a=rtcp:5007"))
    assert daemon.sends_to(daemon.local("A", 1), rtcp=True) == ["198.51.100.20:5007"]
    assert daemon.sends_to(daemon.local("B", 1), rtcp=True) == ["192.0.2.11:5005"]
    assert daemon.sends_to(daemon.local("B"), rtcp=True) == ["192.0.2.11:5005"]


def test_who_moves_to_another_family_hears_the_other_side_at_once() -> None:
    """And is heard, where it has sent to so far, before the answer tells it where else."""
    daemon = established()
    before = daemon.local("B")
    daemon.offer(sdp("2001:db8::20", 42000), from_tag="B", to_tag="A", address_family=4)
    for stream, port in ((0, 42000), (1, 42001)):
        assert daemon.sends_to(daemon.local("A", stream), stream == 1) == [f"[2001:db8::20]:{port}"]
    assert daemon.sends_to(before) == ["192.0.2.10:41000"]
    told = daemon.answer(sdp(), from_tag="B", to_tag="A")
    assert daemon.local("B") == ep(f"[{V6}]:{port_of(told)}")
    assert daemon.gets("A") == ["B"] and daemon.gets("B") == ["A"]
